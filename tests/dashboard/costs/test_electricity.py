"""Electricity by tariff: published bills and hand calculations."""

import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dashboard.costs.electricity import (
    Bill,
    Flat,
    Load,
    Period,
    Tariff,
    TimeOfUse,
    bill,
    metered_by_period,
    month_bill,
    power_kw,
    price_per_kwh,
    typical_month,
)
from dashboard.costs.electricity.bill import ALL_HOURS

ONE = Decimal(1)
JUNE = date(2026, 6, 15)


def draws(watts: str | int, **changes: Any) -> Load:
    """Something that draws so much at all hours."""
    fields = {"name": "load", "idle_w": watts, "active_w": watts, "basis": "nameplate"} | changes
    return Load(**fields)


def flat(price: str, **changes: Any) -> Flat:
    return Flat(currency="USD", price_per_kwh=Decimal(price), **changes)


def summer_peak(zone: str = "America/Los_Angeles", **changes: Any) -> TimeOfUse:
    """$0.40 on summer weekdays from 16 to 21, $0.20 in the rest of summer, $0.15 in winter."""
    summer, winter = (6, 7, 8, 9), (1, 2, 3, 4, 5, 10, 11, 12)
    workdays, weekend = (1, 2, 3, 4, 5), (6, 7)
    return TimeOfUse(
        kind="time_of_use",
        currency="USD",
        timezone=zone,
        periods=(
            Period(name="peak", price_per_kwh="0.40", months=summer, weekdays=workdays,
                   from_hour=16, to_hour=21),
            Period(name="off-peak", price_per_kwh="0.20", months=summer, weekdays=workdays,
                   from_hour=21, to_hour=16),
            Period(name="weekend", price_per_kwh="0.20", months=summer, weekdays=weekend),
            Period(name="winter", price_per_kwh="0.15", months=winter),
        ),
        **changes,
    )  # fmt: skip


def test_the_founding_case_is_504_kwh_a_month_and_1080_dollars_a_year() -> None:
    # 0.7 kW × 720 h = 504 kWh; $90 ÷ 504 = $0.178571…; 12 × $90 = $1,080.
    assert price_per_kwh(Decimal(90), Fraction(504)) == Decimal("0.1786")
    month = typical_month([draws(700)], flat("0.178571428571"), ONE, 2026)
    assert month.kwh == 504
    assert month.total == 90
    assert month.per_kwh == Decimal("0.1786")
    assert 12 * month.total == 1080


def test_a_fixed_bill_without_a_price_per_kwh_has_the_price_it_implies() -> None:
    month = typical_month([draws(700)], flat("0", fixed_per_month=90), ONE, 2026)
    assert month.energy == 0
    assert month.total == month.fixed == 90
    assert month.per_kwh == Decimal("0.1786")


def test_the_department_of_energys_window_fan_costs_8_dollars_16() -> None:
    # U.S. Department of Energy, "Estimating Appliance and Home Electronic Energy Use" (as quoted by
    # greenenergyflorida.blogspot.com, December 2009, and others): 200 W × 4 h × 120 days ÷ 1000 =
    # 96 kWh × 8.5 ¢ = $8.16. 120 days are four months of 30; of 24 hours it runs four.
    fan = draws(200, idle_w=0, active_share=[0] * 10 + [1] * 4 + [0] * 10)
    month = typical_month([fan], flat("0.085"), ONE, 2026)
    assert 4 * month.kwh == 96
    assert 4 * month.total == Decimal("8.16")


def test_the_department_of_energys_computer_uses_394_kwh_a_year() -> None:
    # The same: (120 + 150) W × 4 h × 365 days ÷ 1000 = 394 kWh × 8.5 ¢ = $33.51.
    pair = [draws(120, idle_w=0), draws(150, idle_w=0)]
    working = [load.model_copy(update={"active_share": Decimal(4) / 24}) for load in pair]
    months = [month_bill(working, flat("0.085"), ONE, date(2026, m, 1)) for m in range(1, 13)]
    assert round(sum(month.kwh for month in months), 1) == Decimal("394.2")
    assert bill(flat("0.085"), {ALL_HOURS: Fraction("394.2")}, Fraction(0)).total == Decimal(
        "33.51"
    )


def test_a_published_commercial_bill_with_a_demand_charge_is_met_to_the_cent() -> None:
    # Energy Management Handbook, section 18.5.1 (Public Service Electric & Gas, a store in June):
    # 17,588 kWh at $0.09444 less $0.017192, customer charge $3.74, demand charge $262.34 for 30 kW;
    # total $1,624.72.
    tariff = flat("0.077248", fixed_per_month="3.74", demand_per_kw=Decimal("262.34") / 30)
    found = bill(tariff, {ALL_HOURS: Fraction(17_588)}, Fraction(30))
    assert found.energy == Decimal("1661.01") - Decimal("302.37")
    assert (found.demand, found.total) == (Decimal("262.34"), Decimal("1624.72"))


def test_a_month_by_the_time_of_use_is_its_hours_at_their_prices() -> None:
    # June 2026 has 22 weekdays and 8 days of weekend. 1 kW: 22 × 5 h = 110 kWh at $0.40 are $44,
    # 22 × 19 h = 418 at $0.20 are $83.60, 8 × 24 h = 192 at $0.20 are $38.40.
    month = month_bill([draws(1000)], summer_peak(), ONE, JUNE)
    assert [(each.name, str(each.kwh), str(each.cost)) for each in month.periods] == [
        ("peak", "110.000", "44.00"),
        ("off-peak", "418.000", "83.60"),
        ("weekend", "192.000", "38.40"),
        ("winter", "0.000", "0.00"),
    ]
    assert month.total == 166


def test_work_in_cheap_hours_costs_less_than_the_same_work_in_dear_ones() -> None:
    # 1 kW in one hour a day of June: 22 workdays at $0.40 and 8 days at $0.20, or 30 at $0.20.
    def at(hour: int) -> Load:
        return draws(1000, idle_w=0, active_share=[int(each == hour) for each in range(24)])

    assert month_bill([at(17)], summer_peak(), ONE, JUNE).energy == Decimal("10.40")
    assert month_bill([at(3)], summer_peak(), ONE, JUNE).energy == Decimal("6.00")


def test_changes_of_the_clock_take_and_give_an_hour() -> None:
    # In Berlin March has 743 hours and October 745; both are winter here.
    tariff = summer_peak("Europe/Berlin")
    for month, hours in ((3, 743), (10, 745), (12, 744)):
        assert month_bill([draws(1000)], tariff, ONE, date(2026, month, 1)).kwh == hours


def test_the_fee_the_demand_charge_and_pue_come_on_top() -> None:
    # Two units of 300 W idle and 700 W at work a quarter of the time: 2 × 400 W on average. In 720
    # h that is 576 kWh, × PUE 1.5 = 864 kWh at $0.10; at most 2 × 0.7 × 1.5 = 2.1 kW at $12.
    unit = draws(300, count=2, active_w=700, active_share="0.25", basis="measured")
    tariff = flat("0.10", fixed_per_month=25, demand_per_kw=12)
    month = month_bill([unit], tariff, Decimal("1.5"), JUNE)
    assert month.kwh == 864
    assert month.highest_kw == Decimal("2.1")
    assert (month.energy, month.demand, month.fixed) == (
        Decimal("86.40"), Decimal("25.20"), Decimal("25.00"),
    )  # fmt: skip
    assert month.total == Decimal("136.60")
    assert power_kw([unit], Decimal("1.5")) == Fraction("1.2")


def test_what_never_works_draws_its_idle_power_at_most() -> None:
    idle = draws(100, active_w=700, active_share=0)
    assert month_bill([idle], flat("0.1", demand_per_kw=10), ONE, JUNE).demand == 1


@pytest.mark.parametrize(
    ("bases", "said"),
    [
        (["measured"], "measured"),
        (["nameplate"], "nameplate"),
        (["measured", "nameplate"], "mixed"),
    ],
)
def test_a_bill_says_whether_its_watts_are_measured(bases: list[str], said: str) -> None:
    loads = [draws(100, basis=basis) for basis in bases]
    assert month_bill(loads, flat("0.1"), ONE, JUNE).basis == said


def test_a_meters_kwh_are_billed_in_the_period_that_they_were_used_in() -> None:
    # Los Angeles is 7 hours behind UTC in June: Monday the 1st, 15:59 and 16:00 there.
    readings = [
        (datetime(2026, 6, 1, 22, 59, tzinfo=UTC), Fraction(3)),
        (datetime(2026, 6, 1, 23, 0, tzinfo=UTC), Fraction(5)),
        (datetime(2026, 12, 1, 23, 0, tzinfo=UTC), Fraction(7)),
    ]
    assert metered_by_period(summer_peak(), readings) == {
        "peak": 5, "off-peak": 3, "weekend": 0, "winter": 7,
    }  # fmt: skip
    assert metered_by_period(flat("0.1"), readings) == {ALL_HOURS: 15}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"to_hour": 22}, 'Periods "peak" and "off-peak" both cover Mondays from 21:00 in June'),
        ({"from_hour": 17}, "No period covers Mondays from 16:00 in June"),
        ({"months": (6, 7, 8)}, "No period covers Mondays from 16:00 in September"),
        ({"to_hour": 16}, 'Period "peak" ends when it begins'),
        ({"name": "winter"}, "Two periods have the same name"),
    ],
)
def test_hours_without_a_price_or_with_two_are_refused(
    change: dict[str, Any], sentence: str
) -> None:
    told = summer_peak().model_dump()
    peak, *others = told.pop("periods")
    with pytest.raises(ValidationError, match=sentence):
        TimeOfUse(**told, periods=(peak | change, *others))


def test_other_bad_figures_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValidationError, match="'Mars/Base' is not a time zone"):
        summer_peak("Mars/Base")
    with pytest.raises(ValidationError, match="draws less at work"):
        draws(100, active_w=50)
    with pytest.raises(ValueError, match="a site draws at least what its machines do"):
        month_bill([draws(100)], flat("0.1"), Decimal("0.9"), JUNE)
    with pytest.raises(ValueError, match='no period "night"'):
        bill(flat("0.1"), {"night": Fraction(1)}, Fraction(1))


def test_a_tariff_loads_from_toml() -> None:
    told = tomllib.loads("""
        kind = "time_of_use"
        currency = "EUR"
        timezone = "Europe/Berlin"
        demand_per_kw = 9.5
        periods = [
          {name = "day", price_per_kwh = 0.31, from_hour = 6, to_hour = 22},
          {name = "night", price_per_kwh = 0.24, from_hour = 22, to_hour = 6},
        ]
    """)
    tariff: Tariff = TypeAdapter(Tariff).validate_python(told)
    # April has 30 days of 16 hours at €0.31 and 8 at €0.24: 480 and 240 kWh, €148.80 and €57.60.
    month = month_bill([draws(1000)], tariff, ONE, date(2026, 4, 1))
    assert month.energy == Decimal("206.40")
    assert month.total == Decimal("215.90")


shares = st.decimals(0, 1, places=3)
watts = st.integers(0, 10_000)
loads = st.builds(
    lambda idle, more, share: draws(idle, active_w=idle + more, active_share=share),
    watts, watts, shares | st.lists(shares, min_size=24, max_size=24),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.lists(loads, max_size=3), st.decimals(0, 2, places=4), st.integers(1, 12))
def test_prices_that_are_equal_at_all_times_are_a_flat_price(
    drawing: list[Load], price: Decimal, month: int
) -> None:
    told = summer_peak("UTC").model_dump()
    for period in told["periods"]:
        period["price_per_kwh"] = price
    timed = month_bill(drawing, TimeOfUse(**told), ONE, date(2026, month, 1))
    plain = month_bill(drawing, flat(str(price)), ONE, date(2026, month, 1))
    assert (timed.kwh, timed.total, timed.per_kwh) == (plain.kwh, plain.total, plain.per_kwh)


@settings(max_examples=30, deadline=None)
@given(st.lists(loads, max_size=3), st.decimals(1, 3, places=2), st.integers(1, 12))
def test_a_bills_parts_add_up_to_the_cent(drawing: list[Load], pue: Decimal, month: int) -> None:
    tariff = summer_peak(fixed_per_month="19.99", demand_per_kw="7.77")
    found: Bill = month_bill(drawing, tariff, pue, date(2026, month, 1))
    assert sum(each.cost for each in found.periods) == found.energy
    assert found.total == found.energy + found.demand + found.fixed


def test_twelve_months_are_the_hours_of_a_year() -> None:
    months = [month_bill([draws(700)], summer_peak(), ONE, date(2028, m, 1)) for m in range(1, 13)]
    assert sum(month.kwh for month in months) == Decimal("0.7") * 366 * 24
