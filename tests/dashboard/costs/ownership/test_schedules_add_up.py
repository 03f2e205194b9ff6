"""What holds for every method, whatever the figures."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.ownership.assets import Asset, cost, residual_value
from dashboard.costs.ownership.depreciation import book_schedule, tax_schedules
from dashboard.costs.ownership.schedule import Schedule, depreciation_between
from dashboard.costs.ownership.tax import depreciation_shield
from tests.dashboard.costs.ownership.things import asset

BY_TIME: list[dict[str, Any]] = [
    {"method": "straight_line"},
    {"method": "straight_line", "convention": "full_month"},
    {"method": "declining_balance", "factor": 2},
    {"method": "declining_balance", "factor": "1.25"},
]
BY_LAW: list[dict[str, Any]] = [
    {"method": "macrs", "class_years": 3},
    {"method": "macrs", "convention": "mid_quarter"},
    {"method": "macrs", "section_179": {"percent": 37}, "bonus": "by_law"},
    {"method": "macrs", "bonus": 20},
    {"method": "german_linear"},
    {"method": "german_linear", "digital_one_year": True},
    {"method": "german_degressive"},
    {"method": "uk_writing_down"},
    {"method": "uk_writing_down", "first_year": "annual_investment"},
    {"method": "uk_writing_down", "first_year": "full_expensing"},
]
days = st.dates(date(2025, 7, 1), date(2026, 12, 31))
first_months = st.integers(1, 12)


@st.composite
def assets(draw: st.DrawFn, rules: list[dict[str, Any]]) -> Asset:
    return asset(
        unit_price=draw(st.decimals(0, 10**6, places=2)),
        count=draw(st.integers(1, 4)),
        purchase_date=draw(days),
        life_months=draw(st.integers(1, 120)),
        residual={"percent": draw(st.integers(0, 100))},
        tax_depreciation=draw(st.sampled_from(rules)),
    )


def never_backwards(schedule: Schedule) -> None:
    assert all(row.depreciation >= 0 for row in schedule.rows)
    assert all(row.book_value >= 0 for row in schedule.rows)
    assert all(row.accumulated + row.book_value == schedule.cost for row in schedule.rows)
    assert all(row.first_day <= row.last_day for row in schedule.rows)


@given(assets(BY_TIME), first_months)
def test_over_the_life_cost_less_residual_value_is_taken_to_the_cent(
    bought: Asset, first_month: int
) -> None:
    (schedule,) = tax_schedules([bought], first_month)
    assert schedule.total == cost(bought) - residual_value(bought)
    never_backwards(schedule)


@given(assets(BY_LAW), first_months)
def test_laws_let_the_whole_cost_go_to_the_cent(bought: Asset, first_month: int) -> None:
    (schedule,) = tax_schedules([bought], first_month)
    assert schedule.total == cost(bought)
    never_backwards(schedule)


@given(assets(BY_TIME + BY_LAW), st.integers(0, 4_000))
def test_a_sale_never_leaves_less_than_nothing(bought: Asset, held_days: int) -> None:
    sold = bought.in_service_date + timedelta(days=held_days)
    held = Asset.model_validate(bought.model_dump() | {"disposal": {"on": sold}})
    (kept,), (cut,) = tax_schedules([bought]), tax_schedules([held])
    never_backwards(cut)
    assert cut.total <= kept.total
    assert cut.total + cut.final_value == cost(bought)
    assert all(row.last_day <= sold or row.year <= sold.year for row in cut.rows)


@given(assets(BY_TIME + BY_LAW), st.lists(st.integers(-100, 5_000), min_size=3, max_size=3))
def test_depreciation_between_days_adds_up(bought: Asset, offsets: list[int]) -> None:
    (schedule,) = tax_schedules([bought])
    start, middle, end = (
        bought.purchase_date + timedelta(days=offset) for offset in sorted(offsets)
    )
    whole = depreciation_between(schedule, start, end)
    parts = depreciation_between(schedule, start, middle)
    assert parts + depreciation_between(schedule, middle, end) == whole
    assert parts >= 0
    assert depreciation_between(schedule, date(2000, 1, 1), date(2200, 1, 1)) == schedule.total


@given(assets(BY_TIME + BY_LAW), st.decimals(0, 60, places=2))
def test_the_shields_of_all_years_are_the_rate_of_all_that_is_deducted(
    bought: Asset, percent: Decimal
) -> None:
    (schedule,) = tax_schedules([bought])
    saved = sum((s.saved for s in depreciation_shield(schedule, percent)), Decimal(0))
    assert abs(saved - schedule.total * percent / 100) <= Decimal("0.005")


@settings(max_examples=60)
@given(st.sampled_from(BY_TIME + BY_LAW[:7]), st.integers(1, 40_000), st.integers(2, 20), days)
def test_a_dearer_thing_depreciates_in_proportion(
    rule: dict[str, Any], price: int, factor: int, day: date
) -> None:
    (one,), (dearer,) = (
        tax_schedules([asset(unit_price=p, purchase_date=day, tax_depreciation=rule)])
        for p in (price, price * factor)
    )
    for small, large in zip(one.rows, dearer.rows, strict=True):
        # Each year is rounded to half a cent; by MACRS the last takes what five others left.
        assert abs(large.depreciation - factor * small.depreciation) <= Decimal("0.04") * factor


@given(assets(BY_TIME))
def test_books_and_tax_agree_where_the_method_is_the_same(bought: Asset) -> None:
    same = bought.model_copy(update={"book_depreciation": bought.tax_depreciation})
    assert book_schedule(same) == tax_schedules([same])[0]
