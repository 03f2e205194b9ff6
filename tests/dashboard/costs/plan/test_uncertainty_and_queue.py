"""Ranges that move with the scenario, and the simulated queue of a plan."""

from decimal import Decimal
from typing import Any

import pytest

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


def test_a_range_widens_to_take_in_the_scenario_s_own_value() -> None:
    share = uncertain(assets=[asset(residual={"percent": 40})]).case.inputs["residual_share"]
    assert share.model_dump()["high"] == Decimal("0.4")


def test_what_the_scenario_leaves_out_is_not_uncertain() -> None:
    names = set(uncertain().case.inputs)
    assert "api_input_price" not in names
    assert "operations_per_month" not in names  # nil, and nothing is relative to nothing


def test_the_bounds_are_those_of_the_corners() -> None:
    found = uncertain().bounds
    # Cheapest: 20,000 less a quarter, 45 of power, seats at 250; dearest: 30,000, 144, 160.
    assert f"{found.earliest:.2f}" == f"{15_000 / (1_250 - 45):.2f}"
    assert f"{found.latest:.2f}" == f"{30_000 / (800 - 144):.2f}"


def test_the_median_lies_within_the_interval_and_that_within_the_bounds() -> None:
    found = uncertain()
    months, bounds = found.seats.months, found.bounds
    values = [bounds.earliest, months.low, months.median, months.high, bounds.latest]
    known = [value for value in values if value is not None]
    assert known == sorted(known)
    assert len(known) == 5


def test_a_scenario_without_ranges_is_certain() -> None:
    assert plan(varied(uncertainty={})).uncertainty is None


def test_a_range_that_leaves_out_the_value_is_refused() -> None:
    fixed = {"hardware_price": {"kind": "uniform", "low": 1, "high": 2}}
    with pytest.raises(ValueError, match=r"^uncertainty: hardware_price is 25000\.00 in the case"):
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
