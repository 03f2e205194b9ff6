"""What holds for every scenario. 1 kW in all hours at whole cents makes bills of whole cents, so
that scaling is exact."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.plan import Plan, plan
from tests.dashboard.costs.plan.scenarios import TARIFF, asset, load, varied

MONEY = st.integers(1, 60_000)
CENTS = st.integers(0, 90).map(lambda cents: Decimal(cents) / 100)
TEAMS = st.integers(1, 40)
few = settings(max_examples=12, deadline=None)


def planned(
    price: int | Decimal,
    kwh: Decimal,
    seat: int | Decimal,
    operations: int | Decimal = 0,
    **changes: Any,
) -> Plan:
    item = {"kind": "per_month", "name": "All", "price_per_month": operations}
    return plan(
        varied(
            **{
                "assets": [asset(unit_price=price)],
                "loads": [load()],
                "tariff": TARIFF | {"price_per_kwh": kwh},
                "operations": {"currency": "USD", "items": [item]},
                "seats": {"kind": "per_developer", "price_per_month": seat},
            }
            | changes
        )
    )


def never_later(one: Plan, other: Plan) -> bool:
    """Whether each team of `one` breaks even no later than the same of `other`."""
    far = Decimal("Infinity")
    return all(
        (far if a.months is None else a.months) <= (far if b.months is None else b.months)
        for a, b in zip(one.break_even.by_developers, other.break_even.by_developers, strict=True)
    )


@few
@given(price=MONEY, dear=CENTS, off=CENTS, seat=st.integers(0, 500), team=TEAMS)
def test_cheaper_power_never_delays_break_even(
    price: int, dear: Decimal, off: Decimal, seat: int, team: int
) -> None:
    cheap = planned(price, max(Decimal(0), dear - off), seat, developers=team)
    assert never_later(cheap, planned(price, dear, seat, developers=team))


@few
@given(price=MONEY, kwh=CENTS, seat=st.integers(0, 500), more=st.integers(0, 200))
def test_dearer_seats_never_delay_break_even(
    price: int, kwh: Decimal, seat: int, more: int
) -> None:
    assert never_later(planned(price, kwh, seat + more), planned(price, kwh, seat))


@few
@given(price=MONEY, kwh=CENTS, seat=st.integers(0, 500), team=TEAMS)
def test_cents_and_dollars_give_the_same_months(
    price: int, kwh: Decimal, seat: int, team: int
) -> None:
    dollars = planned(price, kwh, seat, 30, developers=team)
    cents = planned(price * 100, kwh * 100, seat * 100, 3_000, developers=team)
    assert [row.months for row in cents.break_even.by_developers] == [
        row.months for row in dollars.break_even.by_developers
    ]
    assert cents.break_even.smallest_team == dollars.break_even.smallest_team
    assert cents.month.saving == dollars.month.saving * 100
    # Each of a few dozen sums is rounded to a hundredth of a unit.
    off = cents.ownership.evaluation.npv - dollars.ownership.evaluation.npv * 100
    assert abs(off) <= 1


@few
@given(
    price=MONEY, kwh=CENTS, seat=st.integers(0, 500), team=st.integers(1, 9), k=st.integers(2, 5)
)
def test_k_times_everything_costs_k_times_and_takes_as_long(
    price: int, kwh: Decimal, seat: int, team: int, k: int
) -> None:
    one = planned(price, kwh, seat, developers=team)
    many = planned(
        price,
        kwh,
        seat,
        developers=team * k,
        assets=[asset(unit_price=price, count=k)],
        loads=[load(count=k)],
    )
    assert many.break_even.team.months == one.break_even.team.months
    assert many.month.running == one.month.running * k
    assert many.costs.fully_loaded_per_developer == one.costs.fully_loaded_per_developer
    assert abs(many.ownership.evaluation.npv - one.ownership.evaluation.npv * k) <= 1


@few
@given(price=MONEY, kwh=CENTS, seat=st.integers(0, 500), team=TEAMS)
def test_what_is_shown_together_adds_up(price: int, kwh: Decimal, seat: int, team: int) -> None:
    found = planned(price, kwh, seat, 70, developers=team)
    month, even = found.month, found.break_even.team
    assert month.self_hosted == month.electricity + month.operations + month.depreciation
    assert month.saving == month.seats - month.running == even.saving_per_month
    assert sum(one.cost for one in found.hardware.assets) == found.hardware.cost
    own = next(row for row in found.break_even.by_developers if row.developers == team)
    assert own == even
