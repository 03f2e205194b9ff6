"""What a plan says of other hardware: what serves the team, when, and at what cost."""

from typing import Any

import pytest

from dashboard.costs.capacity.planning import planning_speed
from dashboard.costs.capacity.speed import speed
from dashboard.costs.capacity.validation import correction
from dashboard.costs.plan import plan
from dashboard.costs.plan.figures import CapacityPlan, Serving
from dashboard.costs.scenario import founding
from tests.dashboard.costs.capacity.deployments import deployed
from tests.dashboard.costs.plan.scenarios import TARIFF, load, on_card, varied

ON_KIMI = founding().model_dump()["capacity"]


def capacity(**changes: Any) -> CapacityPlan:
    found = plan(varied(**{"capacity": ON_KIMI} | changes)).capacity
    assert found is not None
    return found


def serving(**changes: Any) -> Serving:
    found = capacity(**changes).serving
    assert found is not None
    assert found.price == 350_000  # 8 × H200, up to 10.2 kW
    return found


def test_the_scenarios_operations_are_charged_to_what_serves_them() -> None:
    # 350,000 / (40 × 200 − 100 × 65 − 1,311.43) = 1,856.1 months, not 52.3.
    hours = {"kind": "administration", "hours_per_month": 100, "rate_per_hour": 65}
    found = serving(developers=40, operations={"currency": "USD", "items": [hours]})
    assert f"{found.months:.1f}" == "1856.1"


def test_a_percentage_of_the_price_is_of_the_price_of_what_serves_them() -> None:
    # 12% of 350,000 a year are 3,500 a month: 350,000 / (8,000 − 3,500 − 1,311.43) = 109.8.
    support = {"kind": "percent_a_year", "name": "Support", "percent": 12}
    found = serving(developers=40, operations={"currency": "USD", "items": [support]})
    assert f"{found.months:.1f}" == "109.8"


def test_electricity_is_not_free_where_the_scenario_names_no_load() -> None:
    # 10.2 kW × 720 h × $0.30 = $2,203.20: 350,000 / (4,000 − 2,203.20).
    found = serving(developers=20, loads=[], tariff=TARIFF | {"price_per_kwh": "0.30"})
    assert f"{found.months:.1f}" == "194.8"


def test_a_fixed_fee_is_paid_once_and_not_with_every_kwh() -> None:
    # 7,344 kWh at $0.10 and $50: $784.40. Not $50.07 over the 0.72 kWh of 1 W.
    tariff = TARIFF | {"price_per_kwh": "0.10", "fixed_per_month": 50}
    found = serving(developers=20, loads=[load(idle_w=1, active_w=1)], tariff=tariff)
    assert f"{found.months:.1f}" == "108.8"  # 350,000 / (4,000 − 784.40) = 108.845


def test_what_serves_them_is_never_refused_by_the_limit_that_refused_the_hardware() -> None:
    # A DGX Spark ($4,700) would be the cheapest, and takes 0.76 s to the first token.
    late = planning_speed(deployed("gpt-oss-20b", "mxfp4", "dgx-spark"), 20_000, 500, 18_000)
    assert late.first_token_s(2_000) > 0.7
    named = on_card(model="gpt-oss-20b")
    easy, strict = (
        capacity(capacity=named | {"first_token_limit_s": limit_s}).serving for limit_s in (5, 0.02)
    )
    assert easy is not None
    assert easy.title == "1 × DGX Spark 128 GB"
    assert strict is not None
    assert strict.title == "8 × H100 SXM 80 GB"


def test_a_limit_that_nothing_keeps_is_said_to_be_kept_by_nothing() -> None:
    found = capacity(capacity=on_card(model="gpt-oss-20b", first_token_limit_s=0.001))
    assert found.serving is None
    assert not found.serves
    assert (
        "No hardware with a known price serves gpt-oss-20b at this load, with the first token "
        "within 0.001 seconds and 15 tokens a second or more."
    ) in found.sentences


def test_a_time_just_above_its_limit_reads_as_above() -> None:
    found = capacity(capacity=on_card(model="gpt-oss-20b", first_token_limit_s=0.1))
    assert (found.reason or "").startswith("the first token takes about 0.13 seconds")


@pytest.mark.parametrize("named", [ON_KIMI, on_card()])
def test_nobody_is_not_a_team_of_one(named: dict[str, Any]) -> None:
    found = capacity(capacity=named, developers=0)
    assert found.serving is None
    assert "There is no developer to serve, so nothing is chosen to serve anybody." in (
        found.sentences
    )
    said = " ".join(found.sentences)
    assert "No hardware with a known price" not in said
    assert "for 1 developer takes" not in said


def test_speeds_and_developers_are_of_the_corrected_prediction_and_say_so() -> None:
    found = capacity(capacity=on_card())
    assert found.speed is not None
    hoped = speed(deployed("gpt-oss-120b", "mxfp4", "h100-pcie"), 20_000, 500, 18_000)
    assert found.speed_correction == pytest.approx(1.28, abs=0.005)
    alone = found.speed.one_alone_tokens_per_s
    assert alone.predicted == pytest.approx(hoped.tokens_per_s_of_each(1) / correction())
    assert alone.low < alone.predicted < alone.high
    few, some, many = (
        found.speed.developers_served_if_slow,
        found.speed.developers_served,
        found.speed.developers_served_if_fast,
    )
    assert few < some < many
    assert "divided by 1.28" in found.sentences[-1]


def test_hardware_is_named_in_one_way() -> None:
    found = capacity()
    assert found.hardware == "1 × H100 PCIe 80 GB"
    assert found.sentences[0].startswith(f"{found.hardware} ($25,000) does not hold Kimi K2")
    assert (found.reason or "").startswith(f"{found.hardware} does not hold Kimi K2")
