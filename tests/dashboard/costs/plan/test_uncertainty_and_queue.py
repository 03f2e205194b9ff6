"""Ranges that move with the scenario, and the simulated queue of a plan."""

from decimal import Decimal
from typing import Any

import pytest

from dashboard.costs.break_even.distributions import stated_range
from dashboard.costs.plan import plan, queue
from dashboard.costs.plan.figures import UncertaintyPlan
from dashboard.costs.scenario import founding
from dashboard.costs.uncertain import ASSUMED
from tests.dashboard.costs.plan.scenarios import asset, on_card, varied


def uncertain(**changes: Any) -> UncertaintyPlan:
    found = plan(varied(uncertainty=dict(ASSUMED), **changes)).uncertainty
    assert found is not None
    return found


def test_ranges_move_with_the_price_that_a_slider_changes() -> None:
    price = uncertain(assets=[asset(unit_price=40_000)]).case.inputs["hardware_price"]
    assert price.model_dump() == {
        "kind": "triangular",
        "low": 32_000,
        "mode": 40_000,
        "high": 48_000,
    }


@pytest.mark.parametrize(
    ("percent", "low", "high"), [(50, "0.25", "0.75"), (10, "0", "0.2"), (90, "0.8", "1")]
)
def test_resale_may_be_off_as_far_upwards_as_downwards(percent: int, low: str, high: str) -> None:
    found = uncertain(assets=[asset(residual={"percent": percent})]).case.inputs["residual_share"]
    assert stated_range(found) == (Decimal(low), Decimal(high))


def test_without_resale_none_is_presumed() -> None:
    assert "residual_share" not in uncertain().case.inputs


def test_a_range_that_is_asked_for_widens_to_take_in_the_scenario_s_own_value() -> None:
    around = {"residual_share": {"kind": "around", "low": 0, "high": "0.25"}}
    high = asset(residual={"percent": 40})
    for assets, reach in (([asset()], "0.25"), ([high], "0.4")):
        found = plan(varied(uncertainty=around, assets=assets)).uncertainty
        assert found is not None
        assert stated_range(found.case.inputs["residual_share"])[1] == Decimal(reach)


def test_the_case_itself_stands_beside_the_median() -> None:
    # 25,000 ÷ 910
    assert "27.5 months with every input as given" in uncertain().sentence


def test_what_a_lease_fixes_by_contract_is_certain() -> None:
    lease = {"kind": "lease", "payment_per_month": 600, "months": 60}
    names = set(uncertain(financing=lease).case.inputs)
    assert names.isdisjoint({"hardware_price", "life_months"})
    assert "seat_price_per_month" in names


def test_a_lease_s_own_range_is_kept_where_it_is_asked_for() -> None:
    lease = {"kind": "lease", "payment_per_month": 600, "months": 60}
    asked = {"hardware_price": {"kind": "relative", "low": "0.9", "high": "1.1"}}
    found = plan(varied(financing=lease, uncertainty=asked)).uncertainty
    assert found is not None
    assert set(found.case.inputs) == {"hardware_price"}


def test_what_the_scenario_leaves_out_is_not_uncertain() -> None:
    names = set(uncertain().case.inputs)
    assert "api_input_price" not in names
    assert "operations_per_month" not in names  # nil, and nothing is relative to nothing


def test_the_bounds_are_those_of_the_corners() -> None:
    found = uncertain().bounds
    # Cheapest: 20,000, 45 of power, seats at 250; dearest: 30,000, 144, 160.
    assert f"{found.earliest:.2f}" == f"{20_000 / (1_250 - 45):.2f}"
    assert f"{found.latest:.2f}" == f"{30_000 / (800 - 144):.2f}"


def test_the_median_lies_within_the_interval_and_that_within_the_bounds() -> None:
    found = uncertain()
    months, bounds = found.seats.months, found.bounds
    values = [bounds.earliest, months.low, months.median, months.high, bounds.latest]
    known = [value for value in values if value is not None]
    assert known == sorted(known)
    assert len(known) == 5


@pytest.mark.parametrize("developers", [0, 5, 80, 33_333])
def test_the_band_covers_every_team_that_the_break_even_is_worked_out_for(developers: int) -> None:
    found = plan(varied(developers=developers, uncertainty=dict(ASSUMED)))
    assert found.uncertainty is not None
    shown = [spread.developers for spread in found.uncertainty.teams]
    assert shown == [even.developers for even in found.break_even.by_developers]
    assert shown[-1] == max(50, 2 * developers)


def test_a_scenario_without_ranges_is_certain() -> None:
    assert plan(varied(uncertainty={})).uncertainty is None


def test_a_range_that_leaves_out_the_value_is_refused() -> None:
    fixed = {"hardware_price": {"kind": "uniform", "low": 1, "high": 2}}
    with pytest.raises(ValueError, match=r"^uncertainty\.hardware_price: is 25000\.00 in the case"):
        plan(varied(uncertainty=fixed))


def test_the_queue_of_a_card_that_holds_nothing_names_the_next_step() -> None:
    found = queue(founding())
    assert found.limit is None
    assert found.sentence == (
        "No team is served: 1 × H100 PCIe 80 GB does not hold Kimi K2. The cheapest hardware that "
        "answers 5 developers within 5 seconds is 8 × H200 SXM 141 GB."
    )
    assert [step.holds for step in found.steps] == [False, True]


def test_the_queue_grows_with_the_team_up_to_its_limit() -> None:
    tokens = {"prompt_mean": 2_000, "prompt_p95": 4_000, "answer_mean": 30, "answer_p95": 60}
    asked = {"kind": "poisson", "per_developer_hour": 60}
    workload = {"arrivals": asked, "tokens": {"kind": "lognormal", **tokens}}
    found = queue(varied(capacity=on_card(workload=workload)))
    assert found.limit is not None
    assert found.limit.developers is not None
    assert found.limit.saturated_at is not None
    assert 1 <= found.limit.developers <= found.limit.saturated_at
    waits = [point.p95_ttft_s.mean for point in found.curve if point.p95_ttft_s]
    assert waits == sorted(waits)


def test_without_a_model_the_queue_is_unknown() -> None:
    found = queue(varied())
    assert found.limit is None
    assert found.sentence == "Waiting times are unknown: no model and hardware are named."
