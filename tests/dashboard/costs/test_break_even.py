"""Break-even against the founding document's figures, worked out by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.breakeven import (
    break_even,
    break_even_table,
    electricity_per_month,
    smallest_team,
)
from tests.dashboard.costs.figures import prices

NINETY = Decimal(90)  # dollars of electricity a month, as the founding document has it


@pytest.mark.parametrize(
    ("developers", "months"),
    [
        (1, "227.3"),  # 25,000 / (200 - 90) = 25,000 / 110
        (2, "80.6"),  # 25,000 / (400 - 90) = 25,000 / 310
        (5, "27.5"),  # 25,000 / (1,000 - 90) = 25,000 / 910
        (10, "13.1"),  # 25,000 / (2,000 - 90) = 25,000 / 1,910
    ],
)
def test_the_founding_case_breaks_even_as_worked_out_by_hand(developers: int, months: str) -> None:
    even = break_even(prices(), developers, NINETY)
    assert even.months is not None
    assert f"{even.months:.1f}" == months


def test_a_month_of_running_is_720_hours() -> None:
    # 0.7 kW × 720 h = 504 kWh; at $0.18 that is $90.72, and $90 are $0.1786 per kWh.
    assert electricity_per_month(prices()) == Decimal("90.72")
    at_ninety = prices(electricity_price_per_kwh=Decimal(90) / Decimal(504))
    assert electricity_per_month(at_ninety) == Decimal("90.00")
    assert electricity_per_month(prices(pue=Decimal("1.5"))) == Decimal("136.08")


def test_break_even_says_whether_it_comes_within_the_hardwares_life() -> None:
    table = break_even_table(prices(), 5, NINETY)
    # 3 developers: 25,000 / 510 = 49.0 months; 4: 25,000 / 710 = 35.2, within 36.
    assert [even.within_life for even in table] == [False, False, False, True, True]
    assert smallest_team(prices(), NINETY) == 4
    assert smallest_team(prices(hardware_life_months=60), NINETY) == 3


def test_seats_that_cost_less_than_running_never_break_even() -> None:
    even = break_even(prices(seat_price_per_month=Decimal(50)), 1, NINETY)
    assert even.months is None
    assert even.reason == "running it costs $90.00 a month, and one seat only $50.00"
    assert not even.within_life


def test_without_developers_it_never_breaks_even() -> None:
    assert break_even(prices(), 0).months is None
    assert smallest_team(prices(seat_price_per_month=Decimal(0))) is None


def test_operations_delay_break_even() -> None:
    even = break_even(prices(operations_per_month=Decimal(100)), 2, NINETY)
    assert even.months == Decimal("119.0476")  # 25,000 / (400 - 90 - 100)


_money = st.decimals(0, 100_000, places=2)
_price_per_kwh = st.decimals(0, 3, places=4)


@given(_money, _price_per_kwh, _price_per_kwh, st.integers(1, 200))
def test_cheaper_power_never_delays_break_even(
    hardware: Decimal, one: Decimal, other: Decimal, developers: int
) -> None:
    def months(power: Decimal) -> Decimal:
        priced = prices(hardware_price=hardware, electricity_price_per_kwh=power)
        found = break_even(priced, developers).months
        return Decimal("Infinity") if found is None else found

    assert months(min(one, other)) <= months(max(one, other))


@given(_money, _money, _money, st.integers(1, 200), st.integers(2, 1000))
def test_another_unit_of_money_does_not_change_when_it_breaks_even(
    hardware: Decimal, electricity: Decimal, seat: Decimal, developers: int, factor: int
) -> None:
    here = prices(hardware_price=hardware, seat_price_per_month=seat)
    there = prices(hardware_price=hardware * factor, seat_price_per_month=seat * factor)
    one = break_even(here, developers, electricity)
    assert one.months == break_even(there, developers, electricity * factor).months


@given(_money, _money, _money, st.integers(1, 120))
def test_the_smallest_team_is_the_first_that_breaks_even_within_the_life(
    hardware: Decimal, electricity: Decimal, seat: Decimal, life: int
) -> None:
    priced = prices(
        hardware_price=hardware, seat_price_per_month=seat + 1, hardware_life_months=life
    )
    number = smallest_team(priced, electricity)
    assert number is not None
    assert break_even(priced, number, electricity).within_life
    assert not break_even(priced, number - 1, electricity).within_life
