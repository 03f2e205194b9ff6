"""Net present value, internal rate of return and payback against published results."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.ownership.valuation import (
    Flow,
    Irr,
    discounted_payback,
    every_month,
    every_year,
    irr,
    npv,
    on_dates,
    payback,
    present_values,
)

# support.microsoft.com, XNPV and XIRR functions.
DATED = on_dates(
    [
        (date(2008, 1, 1), Decimal(-10_000)),
        (date(2008, 3, 1), Decimal(2_750)),
        (date(2008, 10, 30), Decimal(4_250)),
        (date(2009, 2, 15), Decimal(3_250)),
        (date(2009, 4, 1), Decimal(2_750)),
    ]
)


def yearly(*amounts: int) -> list[Flow]:
    return every_year(map(Decimal, amounts))


def test_dated_flows_as_excels_xnpv_and_xirr_have_them() -> None:
    assert npv(DATED, Decimal(9)) == Decimal("2086.65")
    # 37.34% in the documentation; 37.3363% in Microsoft's article Q116041.
    assert irr(DATED).percent_per_year == pytest.approx(Decimal("37.3363"), abs=Decimal("0.0001"))


@pytest.mark.parametrize(
    ("percent", "amounts", "worth"),
    [
        # support.microsoft.com, NPV function: the cost is paid a year from now.
        (10, (0, -10_000, 3_000, 4_200, 6_800), "1188.44"),
        # help.adobe.com, NPV: 500, 1,500, 4,000 and 10,000 at 10%; and 5,000 at 6.5%.
        (10, (0, 500, 1_500, 4_000, 10_000), "11529.61"),
        ("6.5", (0, 5_000), "4694.84"),
        # docs.rs/financial, npv: 0.1, [-1000, 500, 500, 500], each a period later.
        (10, (0, -1_000, 500, 500, 500), "221.30"),
        (0, (-1_000, 500, 500, 500), "500.00"),
        (10, (-1_000, 1_100), "0.00"),
    ],
)
def test_yearly_flows_as_published(percent: object, amounts: tuple[int, ...], worth: str) -> None:
    assert npv(yearly(*amounts), Decimal(str(percent))) == Decimal(worth)


@pytest.mark.parametrize(
    ("amounts", "percent"),
    [
        # support.microsoft.com, IRR function: after five, four and two years.
        ((-70_000, 12_000, 15_000, 18_000, 21_000, 26_000), "8.7"),
        ((-70_000, 12_000, 15_000, 18_000, 21_000), "-2.1"),
        ((-70_000, 12_000, 15_000), "-44.4"),
    ],
)
def test_internal_rates_as_excel_has_them(amounts: tuple[int, ...], percent: str) -> None:
    found = irr(yearly(*amounts)).percent_per_year
    assert found is not None
    assert f"{found:.1f}" == percent


def test_two_rates_are_named_and_none_is_chosen() -> None:
    # The oil pump of Lorie and Savage (1955): 25% and 400%.
    found = irr(yearly(-1_600, 10_000, -10_000))
    assert found.percent_per_year is None
    assert found.reason == "several rates balance the money: 25.00%, 400.00%"


def test_three_rates_near_each_other_are_all_found() -> None:
    # −1,000 × (x − 1.05)(x − 1.10)(x − 1.20), with x = 1 + rate, multiplied out.
    found = irr(yearly(-1_000, 3_350, -3_735, 1_386))
    assert found.reason == "several rates balance the money: 5.00%, 10.00%, 20.00%"


def test_of_several_rates_the_only_positive_one_is_given() -> None:
    # −1,000 × (x − 1.10)(x − 0.50)(x − 0.20), with x = 1 + rate; the running total is −1,000, 800,
    # −70 and 40.
    assert irr(yearly(-1_000, 1_800, -870, 110)).percent_per_year == 10


@pytest.mark.parametrize("amounts", [(100, -110), (0, 80, 80, -2_000, 900)])
def test_where_money_comes_in_first_there_is_no_rate_that_it_earns(
    amounts: tuple[int, ...],
) -> None:
    found = irr(yearly(*amounts))
    assert found.percent_per_year is None
    assert found.reason is not None
    assert found.reason.startswith("no own money is laid out at the start")
    assert irr(yearly(-100, 110)) == Irr(percent_per_year=Decimal(10))


def test_a_rate_at_which_nearly_all_is_lost_is_not_stated() -> None:
    # 110 of 25,000 come back after a month: (110 ÷ 25,000)^12 − 1 is −100% but for 24 noughts.
    found = irr(every_month([Decimal(-25_000), Decimal(110)]))
    assert found.percent_per_year is None
    assert found.reason is not None
    assert "below -99% a year" in found.reason


def test_no_rate_is_called_less_than_nothing_where_it_rounds_to_that() -> None:
    # −1,000,000 × (x − 0.99999)(x − 0.5), with x = 1 + rate: −0.001% and −50%.
    found = irr(yearly(-1_000_000, 1_499_990, -499_995))
    assert found.reason == "several rates balance the money: -50.00%, 0.00%"


@pytest.mark.parametrize(
    ("amounts", "reason"),
    [
        ((-1_000, 3_000, -2_500), "no rate that can be stated"),  # x² coefficients: 9 − 10 < 0
        ((-100, -5), "money only goes out"),
        ((100, 5), "money only comes in"),
        ((0, 0), "no money flows"),
        ((), "no money flows"),
    ],
)
def test_where_there_is_no_rate_it_says_why(amounts: tuple[int, ...], reason: str) -> None:
    found = irr(yearly(*amounts))
    assert found.percent_per_year is None
    assert found.reason is not None
    assert found.reason.startswith(reason)


def test_a_cost_at_the_end_does_not_hide_the_one_positive_rate() -> None:
    # −1,000, +2,200, −120: with x = 1 ÷ (1 + r), 120x² − 2,200x + 1,000 = 0 has the roots 0.46641
    # and 17.867, rates of 114.4% and −94.4%. The running total turns once, so 114.4% it is.
    found = irr(yearly(-1_000, 2_200, -120))
    assert found.percent_per_year == pytest.approx(Decimal("114.4"), abs=Decimal("0.1"))


@pytest.mark.parametrize(
    ("saving", "months"),
    [(110, "227.2727"), (310, "80.6452"), (910, "27.4725"), (1_910, "13.0890")],
)
def test_the_founding_paybacks(saving: int, months: str) -> None:
    # 25,000 ÷ 110 = 227.27, ÷ 310 = 80.65, ÷ 910 = 27.47, ÷ 1,910 = 13.09.
    flows = every_month([Decimal(-25_000), *[Decimal(saving)] * 240])
    assert payback(flows).months == Decimal(months)


def test_discounted_payback_by_hand() -> None:
    # At 10%: 909.09 + 826.45 = 1,735.54; 264.46 of the third year's 751.31 are left: 2.352 years.
    flows = yearly(-2_000, 1_000, 1_000, 1_000)
    assert payback(flows).months == 24
    found = discounted_payback(flows, Decimal(10)).months
    assert found == pytest.approx(Decimal("28.224"), abs=Decimal("0.001"))


def test_never_says_what_is_missing() -> None:
    found = payback(every_month([Decimal(-25_000), *[Decimal(110)] * 36]))
    assert found.months is None
    assert found.reason == "21,040.00 are still missing after 36 months"


def test_what_turns_negative_again_is_paid_back_only_later() -> None:
    # Back after a year, 50 short again after two, made good within half of the third.
    assert payback(yearly(-100, 100, -50, 100)).months == 30


def test_where_nothing_is_laid_out_nothing_has_to_come_back() -> None:
    found = payback(yearly(0, 10, 10))
    assert found.months == 0
    assert found.reason == "no own money is laid out"
    assert payback(yearly(-10, 10)).reason is None


def test_a_rate_of_minus_a_hundred_percent_is_refused() -> None:
    with pytest.raises(ValueError, match="above -100%"):
        npv(yearly(-1, 2), Decimal(-100))


_flows = st.lists(st.integers(0, 10**5), min_size=1, max_size=24)


@given(st.integers(1, 10**6), _flows, st.integers(0, 60))
def test_present_values_add_up_and_follow_the_formula(
    outlay: int, savings: list[int], percent: int
) -> None:
    amounts = [-outlay, *savings]
    worth, total = present_values(every_month(map(Decimal, amounts)), Decimal(percent))
    assert sum(worth, Decimal(0)) == total
    by_formula = sum(a / (1 + percent / 100) ** (m / 12) for m, a in enumerate(amounts))
    assert float(total) == pytest.approx(by_formula, abs=0.01)


@given(st.integers(1, 10**6), _flows, st.integers(2, 1_000))
def test_another_unit_of_money_changes_neither_rate_nor_payback(
    outlay: int, savings: list[int], factor: int
) -> None:
    here = every_month(map(Decimal, [-outlay, *savings]))
    there = [Flow(flow.years, flow.amount * factor) for flow in here]
    assert payback(here).months == payback(there).months
    one, other = irr(here).percent_per_year, irr(there).percent_per_year
    if one is None or other is None:
        assert one == other
    else:
        assert float(one) == pytest.approx(float(other), rel=1e-6, abs=1e-5)


@given(st.integers(100, 10**5), _flows)
def test_at_the_internal_rate_the_value_is_nothing(outlay: int, savings: list[int]) -> None:
    flows = every_year(map(Decimal, [-outlay, *savings]))
    percent = irr(flows).percent_per_year
    # Savings are then worth the outlay. The rate is known to 5e-9, so the value is off by at most
    # 24 years × 100,000 ÷ (1 − 0.5) × 5e-9 = 0.024.
    if percent is not None and percent > -50:
        assert abs(npv(flows, percent)) <= Decimal("0.03")


@given(st.integers(1, 10**6), _flows, st.integers(0, 30), st.integers(0, 30))
def test_a_higher_discount_rate_never_hastens_payback(
    outlay: int, savings: list[int], one: int, other: int
) -> None:
    flows = every_month(map(Decimal, [-outlay, *savings]))

    def months(percent: int) -> Fraction | None:
        found = discounted_payback(flows, Decimal(percent)).months
        return None if found is None else Fraction(found)

    early, late = months(min(one, other)), months(max(one, other))
    if late is not None:
        assert early is not None
        # Within a month the place is found from amounts in cents.
        assert early <= late + 1
