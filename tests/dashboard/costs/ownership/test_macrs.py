"""MACRS against IRS Publication 946: its tables, its examples, and the founding case."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from dashboard.costs.ownership.depreciation import tax_schedules
from dashboard.costs.ownership.macrs_tables import computed, published, table_for
from dashboard.costs.ownership.methods import Convention
from dashboard.costs.ownership.schedule import Schedule
from tests.dashboard.costs.ownership.things import asset, depreciations

QUARTERS = {1: date(2026, 2, 1), 2: date(2026, 5, 1), 3: date(2026, 8, 1), 4: date(2026, 11, 1)}


def schedule(rule: dict[str, object] | None = None, **changes: object) -> Schedule:
    tax = {"method": "macrs"} | (rule or {})
    return tax_schedules([asset(tax_depreciation=tax, **changes)])[0]


def test_the_founding_hardware_by_the_half_year_table() -> None:
    # Table A-1, 5-year: 20, 32, 19.2, 11.52, 11.52, 5.76% of 25,000.
    assert depreciations(schedule()) == [
        "5000.00", "8000.00", "4800.00", "2880.00", "2880.00", "1440.00",
    ]  # fmt: skip
    assert schedule().rows[-1].book_value == 0


@pytest.mark.parametrize(
    ("class_years", "quarter", "percents"),
    [
        # Publication 946, Tables, as Cengage's and Fkco's copies print them.
        (3, 1, "58.33 27.78 12.35 1.54"),
        (3, 2, "41.67 38.89 14.14 5.30"),
        (3, 3, "25.00 50.00 16.67 8.33"),
        (3, 4, "8.33 61.11 20.37 10.19"),
        (5, 1, "35.00 26.00 15.60 11.01 11.01 1.38"),
        (5, 2, "25.00 30.00 18.00 11.37 11.37 4.26"),
        (5, 3, "15.00 34.00 20.40 12.24 11.30 7.06"),
        (5, 4, "5.00 38.00 22.80 13.68 10.94 9.58"),
    ],
)
def test_the_mid_quarter_tables(class_years: int, quarter: int, percents: str) -> None:
    rule = {"convention": "mid_quarter", "class_years": class_years}
    hundred = schedule(rule, unit_price=100, purchase_date=QUARTERS[quarter])
    assert depreciations(hundred) == percents.split()


@pytest.mark.parametrize("class_years", [3, 5])
@pytest.mark.parametrize("quarter", [1, 2, 3, 4])
@pytest.mark.parametrize("convention", ["half_year", "mid_quarter"])
def test_the_tables_follow_from_the_declining_balance_rule(
    convention: Convention, quarter: int, class_years: int
) -> None:
    printed = published(table_for(convention, quarter), class_years)
    assert computed(convention, quarter, class_years) == printed
    assert sum(printed) == 100


def test_three_year_property_by_the_half_year_table() -> None:
    assert depreciations(schedule({"class_years": 3}, unit_price=10_000)) == [
        "3333.00", "4445.00", "1481.00", "741.00",
    ]  # fmt: skip


def test_the_publications_example_of_the_mid_quarter_test() -> None:
    # Publication 946, mid-quarter example: $4,000 in January, $1,000 in September, and a computer
    # for $5,000 in October. 5,000 of 10,000 is over 40%: the computer is deducted by 5% and 38%.
    tax = {"method": "macrs"}
    bought = [
        asset(unit_price=price, purchase_date=day, tax_depreciation=tax)
        for price, day in [
            (4_000, date(2026, 1, 10)),
            (1_000, date(2026, 9, 10)),
            (5_000, date(2026, 10, 10)),
        ]
    ]
    machine, furniture, computer = tax_schedules(bought)
    assert depreciations(computer)[:2] == ["250.00", "1900.00"]
    # As 5-year property of the first and the third quarter: 35% of 4,000 and 15% of 1,000.
    assert depreciations(machine)[0] == "1400.00"
    assert depreciations(furniture)[0] == "150.00"


def test_exactly_forty_percent_in_the_last_quarter_stays_half_year() -> None:
    tax = {"method": "macrs"}
    early = asset(unit_price=6_000, tax_depreciation=tax)
    late = asset(unit_price=4_000, purchase_date=date(2026, 12, 1), tax_depreciation=tax)
    assert depreciations(tax_schedules([early, late])[1])[0] == "800.00"  # 20%
    a_cent = asset(unit_price="4000.01", purchase_date=date(2026, 12, 1), tax_depreciation=tax)
    assert depreciations(tax_schedules([early, a_cent])[1])[0] == "200.00"  # 5%


def test_section_179_keeps_the_half_year_convention_and_bonus_does_not() -> None:
    late = {"unit_price": 5_000, "purchase_date": date(2026, 11, 1)}
    early = asset(unit_price=5_000, tax_depreciation={"method": "macrs"})
    by_179 = {"method": "macrs", "section_179": {"percent": 100}}
    with_bonus = {"method": "macrs", "bonus": 100}
    kept, _ = tax_schedules([early, asset(tax_depreciation=by_179, **late)])
    assert depreciations(kept)[0] == "1000.00"  # 20%
    moved, _ = tax_schedules([early, asset(tax_depreciation=with_bonus, **late)])
    assert depreciations(moved)[0] == "1750.00"  # 35%


def test_the_mid_quarter_test_goes_by_the_tax_years_own_quarters() -> None:
    bought = asset(purchase_date=date(2026, 11, 1), tax_depreciation={"method": "macrs"})
    # In a tax year from October on, November is in the first quarter.
    assert depreciations(tax_schedules([bought], first_month=10)[0])[0] == "5000.00"
    assert depreciations(tax_schedules([bought], first_month=1)[0])[0] == "1250.00"


@pytest.mark.parametrize(("sold_in", "amounts"), [
    (2027, ["5000.00", "4000.00"]),  # half of 8,000
    (2028, ["5000.00", "8000.00", "2400.00"]),  # half of 4,800
    (2031, ["5000.00", "8000.00", "4800.00", "2880.00", "2880.00", "1440.00"]),
    (2033, ["5000.00", "8000.00", "4800.00", "2880.00", "2880.00", "1440.00"]),
])  # fmt: skip
def test_half_of_the_year_of_disposal_counts_under_the_half_year_convention(
    sold_in: int, amounts: list[str]
) -> None:
    for month in (1, 12):
        sold = schedule(disposal={"on": date(sold_in, month, 3)})
        assert depreciations(sold) == amounts


@pytest.mark.parametrize(("month", "deducted"), [
    (2, "171.00"), (4, "513.00"), (8, "855.00"), (12, "1197.00"),
])  # fmt: skip
def test_the_publications_example_of_a_mid_quarter_disposal(month: int, deducted: str) -> None:
    # Publication 946: $10,000 in service in December: 500, 3,800, 2,280. Disposed of in April of
    # the fourth year: 37.5% of 1,368 = 513. Other quarters: 12.5, 62.5 and 87.5%.
    sold = schedule(
        unit_price=10_000,
        purchase_date=date(2021, 12, 2),
        disposal={"on": date(2024, month, 6)},
    )
    assert depreciations(sold) == ["500.00", "3800.00", "2280.00", deducted]


def test_a_disposal_in_the_last_year_of_recovery_takes_the_part_up_to_then() -> None:
    # In service in the fourth quarter, recovery ends in mid-November: 7/8 of the year has 958.
    # Sold in the first quarter, taken as mid-February, 1/8: a seventh of 958.
    late: dict[str, Any] = {"unit_price": 10_000, "purchase_date": date(2021, 12, 2)}
    sold = schedule(disposal={"on": date(2026, 2, 1)}, **late)
    assert depreciations(sold)[-1] == "136.86"
    assert depreciations(schedule(disposal={"on": date(2026, 12, 1)}, **late))[-1] == "958.00"


def test_what_is_sold_in_its_first_tax_year_gives_nothing() -> None:
    sold = schedule({"bonus": "by_law"}, disposal={"on": date(2026, 12, 31)})
    assert sold.rows == ()
    assert sold.final_value == 25_000


def test_cents_follow_the_table_and_the_last_year_takes_the_rest() -> None:
    odd = schedule(unit_price="12345.67")
    by_hand = [
        round(Fraction("12345.67") * Fraction(percent) / 100, 2)
        for percent in ("20", "32", "19.2", "11.52", "11.52")
    ]
    assert [Fraction(row.depreciation) for row in odd.rows[:5]] == by_hand
    assert odd.total == Decimal("12345.67")
