"""Straight line and declining balance against hand calculations and Excel's documentation."""

from datetime import date
from decimal import Decimal

import pytest

from dashboard.costs.ownership.depreciation import book_schedule
from dashboard.costs.ownership.schedule import Schedule, book_value_at, depreciation_between
from tests.dashboard.costs.ownership.things import asset, depreciations


def falling(factor: object, **changes: object) -> Schedule:
    rule = {"method": "declining_balance", "factor": factor}
    return book_schedule(asset(book_depreciation=rule, **changes))


def test_straight_line_counts_exact_days() -> None:
    # 36 months from 1 July 2026 are 1,096 days: 184, 365, 366 and 181.
    schedule = book_schedule(asset(purchase_date=date(2026, 7, 1), residual={"amount": 3_080}))
    # 21,920 ÷ 1,096 days = 20 a day.
    assert depreciations(schedule) == ["3680.00", "7300.00", "7320.00", "3620.00"]
    assert [row.year for row in schedule.rows] == [2026, 2027, 2028, 2029]
    assert (schedule.rows[0].first_day, schedule.rows[0].last_day) == (
        date(2026, 7, 1),
        date(2026, 12, 31),
    )
    assert schedule.rows[-1].last_day == date(2029, 6, 30)
    assert schedule.rows[-1].book_value == 3_080


def test_straight_line_by_full_months_counts_the_month_in_which_service_begins() -> None:
    rule = {"method": "straight_line", "convention": "full_month"}
    bought = asset(unit_price=3_600, purchase_date=date(2026, 7, 20), book_depreciation=rule)
    # 3,600 ÷ 36 = 100 a month: 6 months in 2026, 6 in 2029.
    assert depreciations(book_schedule(bought)) == ["600.00", "1200.00", "1200.00", "600.00"]


@pytest.mark.parametrize(
    ("sold", "months"),
    [(date(2027, 3, 30), 8), (date(2027, 3, 31), 9), (date(2027, 4, 1), 9)],
)
def test_the_month_of_sale_counts_only_when_held_to_its_last_day(sold: date, months: int) -> None:
    rule = {"method": "straight_line", "convention": "full_month"}
    bought = asset(
        unit_price=3_600,
        purchase_date=date(2026, 7, 20),
        book_depreciation=rule,
        disposal={"on": sold},
    )
    assert book_schedule(bought).total == 100 * months


def test_the_last_day_held_still_depreciates() -> None:
    # 25,000 over 1,096 days, held for the 31 of January: 707.12, as the comparison has it.
    sold = asset(disposal={"on": date(2026, 1, 31)})
    schedule = book_schedule(sold)
    assert depreciations(schedule) == ["707.12"]
    assert schedule.final_value == Decimal("24292.88")
    assert book_value_at(book_schedule(asset()), date(2026, 2, 1)) == Decimal("24292.88")


def test_a_tax_year_may_begin_in_april() -> None:
    schedule = book_schedule(asset(unit_price=1_096), first_month=4)
    # A dollar a day: 90 to March 2026, then 365, 366 (29 February 2028) and 275.
    assert depreciations(schedule) == ["90.00", "365.00", "366.00", "275.00"]
    assert [row.year for row in schedule.rows] == [2026, 2027, 2028, 2029]
    assert schedule.rows[1].last_day == date(2027, 3, 31)


def test_double_declining_balance_as_excel_has_it() -> None:
    # support.microsoft.com, VDB function: VDB(2400, 300, 10, 0, 1) = 480.00.
    schedule = falling(2, unit_price=2_400, residual={"amount": 300}, life_months=120)
    # By hand: 20% of the rest each year, until in the tenth it stops at the residual value:
    # 2,400 × 0.8^9 = 322.12, less 300 = 22.12.
    assert depreciations(schedule) == [
        "480.00", "384.00", "307.20", "245.76", "196.61",
        "157.28", "125.83", "100.67", "80.53", "22.12",
    ]  # fmt: skip
    assert schedule.final_value == 300


def test_declining_balance_at_one_and_a_half_times_the_rate() -> None:
    # support.microsoft.com, DDB function: DDB(2400, 300, 10, 2, 1.5) = 306.00.
    schedule = falling("1.5", unit_price=2_400, residual={"amount": 300}, life_months=120)
    assert depreciations(schedule)[:2] == ["360.00", "306.00"]
    assert schedule.total == 2_100


def test_declining_balance_turns_to_straight_line_when_that_takes_more() -> None:
    # 40% of 10,000, of 6,000, of 3,600; then 2,160 evenly over two years beats 40% of it, 864.
    schedule = falling(2, unit_price=10_000, life_months=60)
    assert depreciations(schedule) == ["4000.00", "2400.00", "1440.00", "1080.00", "1080.00"]


def test_declining_balance_is_pro_rata_in_the_first_year() -> None:
    # Half of 40% of 10,000; 40% of 8,000; of 4,800; then 2,880 over 2.5 years: 1,152 equals 40%.
    schedule = falling(2, unit_price=10_000, life_months=60, purchase_date=date(2026, 7, 15))
    assert depreciations(schedule) == [
        "2000.00", "3200.00", "1920.00", "1152.00", "1152.00", "576.00",
    ]  # fmt: skip


def test_parts_of_a_year_are_counted_as_the_method_counts() -> None:
    by_days = book_schedule(asset(unit_price=1_096))
    assert depreciation_between(by_days, date(2026, 2, 1), date(2026, 3, 1)) == 28
    assert depreciation_between(by_days, date(2025, 1, 1), date(2026, 1, 1)) == 0
    assert depreciation_between(by_days, date(2026, 12, 30), date(2027, 1, 3)) == 4
    rule = {"method": "straight_line", "convention": "full_month"}
    by_months = book_schedule(asset(unit_price=3_600, book_depreciation=rule))
    assert depreciation_between(by_months, date(2026, 2, 1), date(2026, 3, 1)) == 100
    assert depreciation_between(by_months, date(2026, 4, 16), date(2026, 5, 1)) == 50
