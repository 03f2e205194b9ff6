"""From a team's load to replicas and money, by hand on the small machine."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.capacity.planning import planning_speed
from dashboard.costs.capacity.running import Ownership
from dashboard.costs.capacity.scale_out import (
    ASSUMED_LOAD,
    TEAMS,
    Load,
    Row,
    answer_s,
    limit,
    scale_out,
)
from dashboard.costs.capacity.speed import speed
from dashboard.costs.capacity.validation import correction
from tests.dashboard.costs.capacity.deployments import SOURCE, asked, machine, owned, shape, small
from tests.dashboard.costs.capacity.test_speed import steady

OWNED = owned(pue="1.5")
PRICE = {"accelerator": Decimal(3000), "host": Decimal(600), "source": SOURCE}


def load(**changes: Any) -> Load:
    made: dict[str, Any] = {
        "requests_per_hour": 36,
        "prompt_tokens": 100,
        "answer_tokens": 20,
        "cached_share": 0,
        "least_tokens_per_s": 1,
        "busy_share": 1,
    }
    return Load.model_validate(made | changes)


def test_an_answer_takes_its_steps_and_the_prompts_of_all_others() -> None:
    # 3 prompts of 100 tokens at 100/s, and 20 steps of 0.13 s.
    assert answer_s(steady(), load(), 3) == pytest.approx(3 + 2.6)


def test_a_replica_takes_as_many_as_it_can_answer_fast_enough() -> None:
    # 20 tokens within 20 s: n + 20 × (0.1 + 0.01 n) ≤ 20 gives n ≤ 15; they finish 15 in 20 s.
    sequences, rate = limit(steady(100), load())
    assert (sequences, rate) == (15, 15 / 20)
    # The memory holds 8 only: 8 in 8 + 3.6 s.
    sequences, rate = limit(steady(8), load())
    assert sequences == 8
    assert rate == pytest.approx(8 / 11.6)


def test_a_replica_that_is_too_slow_for_one_is_of_no_use() -> None:
    assert limit(steady(), load(least_tokens_per_s=50)) == (0, 0.0)


def test_cached_tokens_are_not_read() -> None:
    cached = load(cached_share=0.9)
    assert (cached.cached_tokens, cached.new_tokens) == (90, 10)
    assert answer_s(steady(), cached, 3) == pytest.approx(0.3 + 2.6)


def test_a_row_is_paid_for_as_worked_out_by_hand() -> None:
    # One machine of $3,000 and its host of $600 over 36 months: $100. 500 + 1,000 W over 720 h at
    # PUE 1.5 and $0.18: 1,620 kWh, $291.60. In all $391.60, over 3 developers $130.53.
    row = only(teams=(3,))
    assert (row.replicas, row.accelerators, row.nodes) == (1, 1, 1)
    assert row.price == 3600
    assert row.kilowatts == 1.5
    assert row.cost_per_month == Decimal("391.60")
    assert row.cost_per_developer == Decimal("130.53")


def test_replicas_follow_from_what_is_asked_and_what_one_can_do() -> None:
    row = only(teams=(100,), busy_share=0.5)
    # 100 × 36 requests an hour are 1 a second; each replica is planned for half of what it can do.
    each = row.requests_per_s / row.replicas
    assert row.replicas == -(-2 // each) or row.replicas == int(2 / each) + 1
    assert row.replicas * each * 0.5 >= 1 > (row.replicas - 1) * each * 0.5
    assert row.replicas_if_fast <= row.replicas <= row.replicas_if_slow


def test_hardware_without_a_whole_price_is_not_compared() -> None:
    alone = {name: part for name, part in PRICE.items() if name != "host"}
    with pytest.raises(ValueError, match="None of the hardware with a known price answers"):
        only(price=alone)


def test_too_much_to_ask_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match="ask for slower answers, shorter prompts or other"):
        only(least_tokens_per_s=1000)


def test_the_curve_for_kimi_k2_goes_from_10_to_100_000() -> None:
    model = models()["kimi-k2"]
    rows = scale_out(model, model.at("int4"), hardware().values(), asked(), OWNED)
    assert [row.developers for row in rows] == list(TEAMS)
    assert (TEAMS[0], TEAMS[-1]) == (10, 100_000)
    # Nothing less than a whole node holds it, so the smallest team pays most for each.
    assert rows[0].accelerators == 8
    assert rows[0].cost_per_developer > 20 * rows[-1].cost_per_developer
    assert all(row.price > 0 and row.kilowatts > 5 for row in rows)


def test_operations_are_paid_too_and_percentages_are_of_the_new_price() -> None:
    # As above, with $65 and 10% of $3,600 a year ÷ 12 = $30 a month: 391.60 + 95.
    items = [
        {"kind": "administration", "hours_per_month": 1, "rate_per_hour": 65},
        {"kind": "percent_a_year", "name": "Support", "percent": 10},
    ]
    terms = owned(pue="1.5", operations={"currency": "USD", "items": items})
    assert only(terms=terms).cost_per_month == Decimal("486.60")


def test_electricity_is_what_the_whole_tariff_asks() -> None:
    # 1.5 kW × 1.5 = 2.25 kW: 1,620 kWh at $0.10, $10 for each kW, $50 whatever is used; and $100.
    tariff = {"kind": "flat", "currency": "USD", "price_per_kwh": "0.10"}
    fees = tariff | {"fixed_per_month": 50, "demand_per_kw": 10}
    terms = owned(pue="1.5", tariff=fees)
    assert only(terms=terms).cost_per_month == Decimal("334.50")


def test_a_tariff_by_the_time_of_use_is_asked_at_all_hours() -> None:
    # Half of all hours at $0.30 and half at $0.10: 1,620 kWh at $0.20 is $324, and $100.
    halves = [
        {"name": "day", "price_per_kwh": "0.30", "from_hour": 8, "to_hour": 20},
        {"name": "night", "price_per_kwh": "0.10", "from_hour": 20, "to_hour": 8},
    ]
    tariff = {"kind": "time_of_use", "currency": "USD", "timezone": "UTC", "periods": halves}
    assert only(terms=owned(pue="1.5", tariff=tariff)).cost_per_month == Decimal("424.00")


def test_hardware_that_begins_too_late_is_not_chosen() -> None:
    first_s = planning_speed(small(), 10, 20).first_token_s(10)
    assert only(limit_s=first_s * 1.01).replicas == 1
    with pytest.raises(ValueError, match=r"gives the first one within .* seconds"):
        only(limit_s=first_s * 0.99)


def test_replicas_are_counted_with_the_corrected_speed() -> None:
    # Memory is what limits it, so that all that the correction changes is the speed.
    slow: dict[str, Any] = {"least_tokens_per_s": 1e-6, "prompt_tokens": 10}
    _, hoped = limit(speed(small(), 10, 20), load(**slow))
    row = only(teams=(100,), **slow)
    assert row.requests_per_s / row.replicas == pytest.approx(hoped / correction())
    assert correction() > 1.2


@settings(max_examples=20)
@given(
    teams=st.lists(st.integers(1, 200_000), min_size=2, max_size=4, unique=True).map(sorted),
    requests=st.floats(0.1, 200),
)
def test_more_developers_never_cost_less_in_all(teams: list[int], requests: float) -> None:
    model = models()["gpt-oss-120b"]
    busy = ASSUMED_LOAD.model_copy(update={"requests_per_hour": requests})
    rows = scale_out(model, model.at("mxfp4"), hardware().values(), asked(busy), OWNED, teams)
    costs = [row.cost_per_month for row in rows]
    assert costs == sorted(costs)
    for row in rows:
        spread = row.cost_per_developer * row.developers
        assert abs(spread - row.cost_per_month) <= Decimal("0.005") * row.developers
        asked_per_s = row.developers * requests / 3600
        assert row.requests_per_s * busy.busy_share >= asked_per_s * (1 - 1e-9)


@given(dearer=st.integers(0, 100))
def test_dearer_electricity_never_costs_less(dearer: int) -> None:
    price = Decimal("0.18") + Decimal(dearer) / 100
    tariff = OWNED.tariff.model_copy(update={"price_per_kwh": price})
    dear = OWNED.model_copy(update={"tariff": tariff})
    assert only(terms=dear).cost_per_month >= only().cost_per_month


def only(
    teams: tuple[int, ...] = (3,),
    price: dict[str, Any] | None = None,
    terms: Ownership = OWNED,
    limit_s: float = 1000,
    **changes: Any,
) -> Row:
    """The row of the small model on the small machine."""
    choice = machine(price=price or PRICE, most_accelerators=1)
    model = shape()
    wanted = asked(load(**{"least_tokens_per_s": 0.1, "prompt_tokens": 10} | changes), limit_s)
    return scale_out(model, model.at("bytes"), [choice], wanted, terms, teams)[0]
