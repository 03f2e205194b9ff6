"""What hardware spares and costs counts only while it is in service, against hand calculations."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.ownership.evaluation import evaluate
from tests.dashboard.costs.ownership.things import asset, case

LEASE = {"kind": "lease", "payment_per_month": 600, "months": 36, "buyout": 5_000}


def test_before_hardware_is_in_service_the_seats_are_paid_on() -> None:
    late = asset(purchase_date=date(2028, 1, 1))
    result = evaluate(case(assets=(late,), horizon_months=36))
    assert [flow.month for flow in result.flows if flow.baseline_avoided] == list(range(25, 37))
    assert result.totals["baseline_avoided"] == 12 * 200
    assert result.totals["running"] == -12 * 90
    assert result.months_in_service == 12
    assert (result.in_service[0].first_day, result.in_service[0].last_day) == (
        date(2028, 1, 1),
        date(2028, 12, 31),
    )
    assert any(
        "in service from 1 January 2028 to 31 December 2028" in text for text in result.assumptions
    )


def test_after_its_sale_hardware_spares_no_seats() -> None:
    sold = asset(disposal={"on": date(2026, 2, 28), "proceeds": 25_000})
    result = evaluate(case(assets=(sold,)))
    # Two months of 200 − 90, and the price back.
    assert result.totals["net"] == 220
    assert result.assumed_resale == 0


def test_a_month_partly_in_service_counts_by_its_days() -> None:
    # 1 to 14 February are 14 of 28 days.
    sold = asset(disposal={"on": date(2026, 2, 14), "proceeds": 0})
    flows = evaluate(case(assets=(sold,))).flows
    assert [flow.baseline_avoided for flow in flows[1:4]] == [200, 100, 0]
    assert [flow.running for flow in flows[1:4]] == [-90, -45, 0]


def test_time_between_two_pieces_of_hardware_is_paid_as_without_any() -> None:
    first = asset(disposal={"on": date(2026, 3, 31), "proceeds": 0})
    second = asset(name="second", purchase_date=date(2026, 7, 1))
    result = evaluate(case(assets=(first, second), horizon_months=12))
    avoided = [flow.month for flow in result.flows if flow.baseline_avoided]
    assert avoided == [1, 2, 3, 7, 8, 9, 10, 11, 12]
    assert any("only some of the hardware" in text for text in result.assumptions)


def test_leased_hardware_that_goes_back_spares_seats_until_then() -> None:
    lease = {"kind": "lease", "payment_per_month": 800, "months": 24}
    result = evaluate(case(financing=lease))
    assert result.totals["baseline_avoided"] == 24 * 200
    assert result.months_in_service == 24


def test_electricity_by_the_month_is_paid_beside_the_rest() -> None:
    bills = tuple(range(1, 37))
    result = evaluate(case(electricity=bills))
    assert [flow.running for flow in result.flows[1:4]] == [-91, -92, -93]
    with pytest.raises(ValueError, match="each month of the horizon, or for none"):
        case(electricity=(1, 2))


def test_hardware_sold_before_the_start_is_refused() -> None:
    gone = asset(purchase_date=date(2025, 1, 1), disposal={"on": date(2025, 12, 31)})
    with pytest.raises(ValueError, match="disposed of before the start"):
        case(assets=(gone,))


def test_a_buyout_as_the_horizon_ends_is_paid_and_lost_once_the_life_is_over() -> None:
    result = evaluate(case(financing=LEASE))
    assert result.flows[36].hardware == -5_000
    assert result.assumed_resale == 0
    # What break-even has to recover: 36 × 600 + 5,000; against 36 × 110 saved.
    assert result.totals["net"] == 36 * 110 - 26_600


@pytest.mark.parametrize(
    ("changes", "worth"),
    [({"life_months": 48}, 5_000), ({"residual": {"amount": 3_000}}, 3_000)],
)
def test_what_a_buyout_as_the_horizon_ends_pays_for_is_taken_to_be_sold(
    changes: dict[str, Any], worth: int
) -> None:
    result = evaluate(case(financing=LEASE, assets=(asset(**changes),), tax_percent=25))
    assert result.assumed_resale == result.flows[36].disposal == worth
    before_tax = 36 * 110 - 26_600 + worth
    assert result.totals["net"] == before_tax * Decimal("0.75")


def test_what_is_assumed_or_outlived_or_laid_out_is_told() -> None:
    # 21,920 ÷ 1,096 days = 20 a day for 365 days.
    short = evaluate(case(horizon_months=12, assets=(asset(residual={"amount": 3_080}),)))
    assert short.assumed_resale == 17_700
    assert short.outlived == ()
    assert short.laid_out == 25_000
    assert evaluate(case(horizon_months=48)).outlived == ("H100",)
    loan = {"kind": "loan", "percent_per_year": 12, "months": 36}
    borrowed = evaluate(case(financing=loan, baseline={"per_month": 1_000}))
    assert borrowed.laid_out == 0
    assert borrowed.irr.percent_per_year is None
    assert borrowed.payback.reason == "no own money is laid out"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 35), st.integers(0, 35))
def test_the_later_hardware_serves_the_fewer_seats_are_spared(one: int, other: int) -> None:
    early, late = (
        evaluate(case(assets=(asset(purchase_date=date(2026 + at // 12, at % 12 + 1, 1)),)))
        for at in sorted((one, other))
    )
    assert early.totals["baseline_avoided"] >= late.totals["baseline_avoided"]
    assert late.totals["baseline_avoided"] == 200 * (36 - max(one, other))
