"""The cash value of deductions, and gain or loss on disposal."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.ownership.depreciation import book_schedule, tax_schedules
from dashboard.costs.ownership.disposal import outcome
from dashboard.costs.ownership.tax import depreciation_shield, saved
from tests.dashboard.costs.ownership.things import asset

MACRS = {"method": "macrs"}


def test_the_first_years_shield_of_the_founding_hardware_is_1050_dollars() -> None:
    (schedule,) = tax_schedules([asset(tax_depreciation=MACRS)])
    shields = depreciation_shield(schedule, Decimal(21))
    # 25,000 × 20% × 21% = 1,050; in the second year 25,000 × 32% × 21% = 1,680.
    assert [shield.saved for shield in shields[:2]] == [1_050, 1_680]
    assert shields[0].deducted == 5_000
    assert sum(shield.saved for shield in shields) == 5_250  # 25,000 × 21%


def test_operating_expenses_save_their_tax_too() -> None:
    assert saved([Decimal(1_080)], Decimal(21)) == [Decimal("226.80")]


@given(st.lists(st.decimals(0, 10**6, places=2), max_size=12), st.decimals(0, 100, places=3))
def test_shields_add_up_to_the_rate_of_all_that_is_deducted(
    amounts: list[Decimal], percent: Decimal
) -> None:
    whole = sum(amounts, Decimal(0)) * percent / 100
    assert abs(sum(saved(amounts, percent), Decimal(0)) - whole) <= Decimal("0.005")


def test_a_sale_gains_against_what_books_and_tax_still_carry() -> None:
    sold = asset(
        tax_depreciation=MACRS,
        disposal={"on": date(2027, 12, 31), "proceeds": 12_000},
    )
    result = outcome(sold, book_schedule(sold), tax_schedules([sold])[0])
    # Books: 25,000 × 366 of 1,096 days left = 8,348.54. Tax: 25,000 − 5,000 − 8,000 ÷ 2 = 16,000.
    assert (result.book_value, result.book_gain) == (Decimal("8348.54"), Decimal("3651.46"))
    assert [result.tax_value, result.tax_gain] == [16_000, -4_000]


def test_scrapping_loses_what_is_left() -> None:
    scrapped = asset(disposal={"on": date(2027, 12, 31)})
    result = outcome(scrapped, book_schedule(scrapped), tax_schedules([scrapped])[0])
    assert result.book_gain == result.tax_gain == Decimal("-8348.54")


def test_after_full_expensing_all_proceeds_are_a_gain_for_tax() -> None:
    sold = asset(
        tax_depreciation={"method": "macrs", "bonus": 100},
        disposal={"on": date(2028, 6, 1), "proceeds": 7_000},
    )
    result = outcome(sold, book_schedule(sold), tax_schedules([sold])[0])
    assert [result.tax_value, result.tax_gain] == [0, 7_000]


def test_without_a_disposal_there_is_no_outcome() -> None:
    kept = asset()
    with pytest.raises(ValueError, match="give it a disposal first"):
        outcome(kept, book_schedule(kept), tax_schedules([kept])[0])
