"""German AfA and UK capital allowances."""

from datetime import date
from fractions import Fraction

import pytest

from dashboard.costs.ownership.depreciation import tax_schedules
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.uk import writing_down_percent
from dashboard.costs.ownership.years import tax_year_of
from tests.dashboard.costs.ownership.things import asset, depreciations


def schedule(rule: dict[str, object], first_month: int = 1, **changes: object) -> Schedule:
    return tax_schedules([asset(tax_depreciation=rule, **changes)], first_month)[0]


def uk(first_year: str = "none", **changes: object) -> Schedule:
    return schedule({"method": "uk_writing_down", "first_year": first_year}, 4, **changes)


def test_german_afa_drops_a_twelfth_for_each_full_month_before_the_purchase() -> None:
    # § 7 (1) sentence 4 EStG: 36,000 over 3 years, bought on 20 May: 8/12 of 12,000 in 2026.
    german = schedule(
        {"method": "german_linear"}, unit_price=36_000, purchase_date=date(2026, 5, 20)
    )
    assert depreciations(german) == ["8000.00", "12000.00", "12000.00", "4000.00"]


def test_german_afa_keeps_no_residual_value_back() -> None:
    german = schedule({"method": "german_linear"}, residual={"percent": 40})
    assert german.final_value == 0


def test_german_computers_may_be_deducted_in_the_year_of_purchase() -> None:
    # BMF letter of 22 February 2022, margin numbers 1.1 and 1.4.
    rule = {"method": "german_linear", "digital_one_year": True}
    assert depreciations(schedule(rule, purchase_date=date(2026, 11, 3))) == ["25000.00"]


def test_german_falling_amounts_as_an_adviser_works_them_out() -> None:
    # steuerberater-koch-kollegen.de, Sofortinvestitionsprogramm: €100,000, 5 years, 1 July 2025:
    # 15,000, 25,500 and 17,850. Then 41,650 over 2.5 years is 16,660, more than 30% (12,495).
    german = schedule(
        {"method": "german_degressive"},
        unit_price=100_000,
        purchase_date=date(2025, 7, 1),
        life_months=60,
    )
    assert depreciations(german) == [
        "15000.00", "25500.00", "17850.00", "16660.00", "16660.00", "8330.00",
    ]  # fmt: skip


def test_german_falling_amounts_are_at_most_three_times_the_linear_rate() -> None:
    # 20 years: 3 × 5% = 15% rather than 30%.
    german = schedule({"method": "german_degressive"}, unit_price=10_000, life_months=240)
    assert depreciations(german)[0] == "1500.00"


@pytest.mark.parametrize("day", [date(2025, 6, 30), date(2028, 1, 1)])
def test_german_falling_amounts_are_for_their_years_only(day: date) -> None:
    with pytest.raises(ValueError, match="use german_linear"):
        schedule({"method": "german_degressive"}, purchase_date=day)


def test_the_uk_main_pool_falls_by_eighteen_percent() -> None:
    # gov.uk, Work out your writing down allowances: 18% of £10,000 is £1,800, and £8,200 go on.
    first = uk(unit_price=10_000, purchase_date=date(2023, 6, 1)).rows[0]
    assert [first.depreciation, first.book_value] == [1_800, 8_200]


def test_the_uk_rate_is_fourteen_percent_since_april_2026() -> None:
    pool = uk(unit_price=10_000, purchase_date=date(2025, 6, 1))
    # 18% of 10,000, then 14% of 8,200 and of 7,052.
    assert depreciations(pool)[:3] == ["1800.00", "1148.00", "987.28"]


def test_a_uk_period_across_the_change_takes_a_mixed_rate() -> None:
    # bonhamandbrook.co.uk: year to 31 December 2026, 90/365 at 18% and 275/365 at 14%: 14.99%.
    assert writing_down_percent(tax_year_of(date(2026, 5, 1), 1)) == Fraction("14.99")
    assert writing_down_percent(tax_year_of(date(2025, 5, 1), 1)) == 18
    assert writing_down_percent(tax_year_of(date(2026, 5, 1), 4)) == 14


def test_a_uk_pool_of_a_thousand_pounds_or_less_goes_at_once() -> None:
    # HMRC CA23225: £1,200 gives 18% = £216, and the £984 left may all be claimed the next year.
    assert depreciations(uk(unit_price=1_200, purchase_date=date(2023, 6, 1))) == [
        "216.00", "984.00",
    ]  # fmt: skip


def test_uk_full_expensing_takes_it_all() -> None:
    assert depreciations(uk("full_expensing")) == ["25000.00"]


def test_the_uk_forty_percent_allowance_lets_the_rest_wait_a_year() -> None:
    pool = uk("main_rate_40", unit_price=10_000, purchase_date=date(2026, 6, 1))
    # 40% of 10,000, then 14% of 6,000.
    assert depreciations(pool)[:2] == ["4000.00", "840.00"]


def test_the_uk_annual_investment_allowance_ends_at_a_million_for_all() -> None:
    rule = {"method": "uk_writing_down", "first_year": "annual_investment"}
    bought = [
        asset(unit_price=600_000, purchase_date=date(2026, 6, 1), tax_depreciation=rule)
        for _ in range(2)
    ]
    one, other = tax_schedules(bought, first_month=4)
    assert one.rows[0].depreciation == 600_000
    # 400,000, and 14% of the other 200,000 in the same year.
    assert other.rows[0].depreciation == 428_000


def test_a_uk_relief_before_it_existed_is_refused() -> None:
    with pytest.raises(ValueError, match="main_rate_40 is for purchases from 2026-01-01"):
        uk("main_rate_40", purchase_date=date(2025, 12, 31))


def test_the_uk_year_of_disposal_has_no_allowance() -> None:
    sold = uk(unit_price=10_000, purchase_date=date(2023, 6, 1), disposal={"on": date(2025, 5, 1)})
    assert depreciations(sold) == ["1800.00", "1476.00"]
