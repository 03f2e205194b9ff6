"""Uncertain inputs: drawn as they say, bounded exactly, and told with "never" among the results."""

import math
from decimal import Decimal
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dashboard.costs.break_even.answers import by_months
from dashboard.costs.break_even.case import Against, BreakEvenCase
from dashboard.costs.break_even.distributions import Distribution, draw, stated_range
from dashboard.costs.break_even.tornado import tornado
from dashboard.costs.break_even.uncertainty import (
    UncertainCase,
    bounds,
    simulate,
    simulate_teams,
    with_values,
)
from tests.dashboard.costs.break_even.cases import API, FOUNDING, case

AGAINST: tuple[Against, ...] = ("seats", "api")
_DISTRIBUTION: TypeAdapter[Distribution] = TypeAdapter(Distribution)
UNCERTAIN: dict[str, Any] = {
    "hardware_price": {"kind": "triangular", "low": 20_000, "mode": 25_000, "high": 35_000},
    "electricity_idle_per_month": {
        "kind": "normal",
        "mean": 90,
        "sd": 30,
        "low": 30,
        "high": 200,
    },
    "seat_price_per_month": {"kind": "uniform", "low": 20, "high": 250},
    "residual_share": {"kind": "uniform", "low": 0, "high": "0.45"},
    "operations_per_month": {"kind": "fixed", "value": 0},
}


def uncertain(inputs: dict[str, Any], **changes: Any) -> UncertainCase:
    return UncertainCase.model_validate({"base": FOUNDING | changes, "inputs": inputs})


def drawn(**distribution: Any) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    rng = np.random.default_rng(1)
    return draw(_DISTRIBUTION.validate_python(distribution), rng, 200_000)


def test_each_distribution_has_the_moments_that_its_formula_gives() -> None:
    uniform = drawn(kind="uniform", low=2, high=8)
    assert uniform.mean() == pytest.approx(5, rel=0.01)
    assert uniform.std() == pytest.approx(6 / math.sqrt(12), rel=0.01)
    triangular = drawn(kind="triangular", low=1, mode=2, high=9)
    assert triangular.mean() == pytest.approx((1 + 2 + 9) / 3, rel=0.01)
    lognormal = drawn(kind="lognormal", p5=10, p95=1000)
    assert np.quantile(lognormal, [0.05, 0.5, 0.95]) == pytest.approx([10, 100, 1000], rel=0.03)
    assert set(drawn(kind="fixed", value=3)) == {3.0}


def test_a_truncated_normal_has_the_mean_of_its_formula() -> None:
    # Cut at one deviation below and two above: mean + sd × (φ(−1) − φ(2)) ÷ (Φ(2) − Φ(−1)).
    values = drawn(kind="normal", mean=10, sd=2, low=8, high=14)
    n = NormalDist()
    expected = 10 + 2 * (n.pdf(-1) - n.pdf(2)) / (n.cdf(2) - n.cdf(-1))
    assert values.mean() == pytest.approx(expected, rel=0.002)
    assert values.min() >= 8
    assert values.max() <= 14


def test_the_interval_of_one_uniform_input_is_its_own_percentiles() -> None:
    # Months = price ÷ 310: for a price uniform from 20,000 to 30,000 the 5th percentile is
    # 20,500 ÷ 310, the median 25,000 ÷ 310 and the 95th percentile 29,500 ÷ 310.
    price = {"hardware_price": {"kind": "uniform", "low": 20_000, "high": 30_000}}
    found = simulate(uncertain(price, developers=2), draws=100_000).months
    assert found.low is not None
    assert found.median is not None
    assert found.high is not None
    assert float(found.low) == pytest.approx(20_500 / 310, rel=0.005)
    assert float(found.median) == pytest.approx(25_000 / 310, rel=0.005)
    assert float(found.high) == pytest.approx(29_500 / 310, rel=0.005)


def test_the_chance_of_never_and_of_within_its_life_are_those_of_the_seats_price() -> None:
    # One seat pays from $90 on: (90 − 40) ÷ 400. Within 100 months from 25,000 ÷ 100 + 90 = $340.
    seat = {"seat_price_per_month": {"kind": "uniform", "low": 40, "high": 440}}
    found = simulate(uncertain(seat, life_months=100), draws=100_000)
    assert found.probability_never == pytest.approx(50 / 400, abs=0.005)
    assert found.probability_within_life == pytest.approx(100 / 400, abs=0.005)
    assert found.months.high is None


def test_the_cost_per_developer_is_fully_loaded() -> None:
    # (25,000 ÷ 36 + 90) ÷ 5 = $156.89 a month for each of five.
    found = simulate(uncertain({}, developers=5)).cost_per_developer
    assert found is not None
    assert found.low == found.median == found.high == Decimal("156.89")
    assert simulate(uncertain({}, developers=0)).cost_per_developer is None


def test_without_uncertainty_the_draws_are_the_formulas_own_answer() -> None:
    one = uncertain({}, **API, developers=7)
    for against in AGAINST:
        found = simulate(one, against).months
        assert found.low == found.median == found.high == by_months(one.base, against).value


def test_the_same_seed_draws_the_same_and_an_input_more_does_not_change_the_others() -> None:
    fewer = {name: UNCERTAIN[name] for name in ("hardware_price", "seat_price_per_month")}
    assert simulate(uncertain(fewer)) == simulate(uncertain(fewer))
    assert simulate(uncertain(fewer)) != simulate(uncertain(fewer), seed=1)
    unmoved = fewer | {"life_months": {"kind": "uniform", "low": 24, "high": 48}}
    assert simulate(uncertain(fewer)).months == simulate(uncertain(unmoved)).months


def test_every_team_is_looked_at_with_the_same_draws() -> None:
    one = uncertain(UNCERTAIN, developers=5)
    teams = simulate_teams(one, range(1, 9))
    alone = simulate(one)
    assert teams[4].months == alone.months
    assert teams[4].probability_never == alone.probability_never
    never = [team.probability_never for team in teams]
    assert never == sorted(never, reverse=True)


def test_the_bounds_are_those_of_the_best_and_the_worst_corner() -> None:
    found = bounds(uncertain(UNCERTAIN, developers=5))
    # 20,000 × 0.55 ÷ (1,250 − 30), and 5 × 20 − 200 < 0.
    assert found.earliest == Decimal("9.0164")
    assert found.latest is None
    certain = {"hardware_price": UNCERTAIN["hardware_price"]}
    found = bounds(uncertain(certain, developers=5))
    assert (found.earliest, found.latest) == (Decimal("21.9780"), Decimal("38.4615"))


@given(st.data())
def test_no_case_within_the_ranges_breaks_even_outside_the_bounds(data: st.DataObject) -> None:
    against = data.draw(st.sampled_from(AGAINST))
    inputs = UNCERTAIN | {
        "tokens_per_day": {"kind": "uniform", "low": 0, "high": 400_000_000},
        "api_output_price": {"kind": "uniform", "low": "0.01", "high": 20},
        "api_input_share": {"kind": "uniform", "low": "0.1", "high": "0.9"},
        "throughput_tokens_per_s": {"kind": "uniform", "low": 100, "high": 5_000},
    }
    one = uncertain(inputs, **API, developers=4)
    limits = bounds(one, against)
    changes = {}
    for name, distribution in one.inputs.items():
        low, high = stated_range(distribution)
        changes[name] = data.draw(st.decimals(low, high, places=3))
    found = by_months(with_values(one.base, changes), against).value
    if found is None:
        assert limits.latest is None
    else:
        assert limits.earliest is not None
        assert limits.earliest <= found
        assert limits.latest is None or found <= limits.latest


def test_ranges_that_do_not_fit_the_case_are_refused() -> None:
    def refused(words: str, **inputs: Any) -> None:
        with pytest.raises(ValueError, match=words):
            uncertain(inputs)

    refused("no number that the case gives", seat={"kind": "fixed", "value": 1})
    refused("which is not from", hardware_price={"kind": "uniform", "low": 1, "high": 2})
    refused("must rise", hardware_price={"kind": "uniform", "low": 2, "high": 1})
    refused("less than or equal to 1", residual_share={"kind": "uniform", "low": 0, "high": 2})


# What it hangs on


def test_the_tornado_shows_each_input_at_its_ends_the_widest_first() -> None:
    found = tornado(uncertain(UNCERTAIN, developers=5))
    assert found.base == Decimal("27.4725")  # 25,000 ÷ 910
    rows = {row.input: (row.result_at_low, row.result_at_high) for row in found.rows}
    assert list(rows) == [
        "seat_price_per_month",
        "hardware_price",
        "residual_share",
        "electricity_idle_per_month",
    ]
    assert rows == {
        "seat_price_per_month": (Decimal(2500), Decimal("21.5517")),
        "hardware_price": (Decimal("21.9780"), Decimal("38.4615")),  # 20,000 and 35,000 ÷ 910
        "residual_share": (Decimal("27.4725"), Decimal("15.1099")),  # 13,750 ÷ 910
        "electricity_idle_per_month": (Decimal("25.7732"), Decimal("31.2500")),  # ÷ 970, ÷ 800
    }


def test_an_input_that_decides_whether_it_ever_pays_comes_before_all_others() -> None:
    seat = UNCERTAIN | {"seat_price_per_month": {"kind": "uniform", "low": 18, "high": 200}}
    found = tornado(uncertain(seat, developers=5))
    assert found.rows[0].input == "seat_price_per_month"
    assert found.rows[0].result_at_low is None  # 5 × 18 = 90 only pays the electricity
    assert found.rows[0].result_at_high == found.base


@given(st.sampled_from(sorted(UNCERTAIN)), st.integers(1, 30))
def test_each_end_of_the_tornado_is_the_case_with_that_one_number(
    name: str, developers: int
) -> None:
    one = uncertain(UNCERTAIN, developers=developers)
    for row in tornado(one).rows:
        if row.input == name:
            low = BreakEvenCase(**(one.base.model_dump() | {name: row.low}))
            assert row.result_at_low == by_months(low).value


def test_the_base_of_the_founding_case_is_its_own() -> None:
    assert tornado(UncertainCase(base=case())).base == Decimal("227.2727")
    assert tornado(UncertainCase(base=case())).rows == ()
