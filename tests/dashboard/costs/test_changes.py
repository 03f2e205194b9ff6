"""What changed between two ranges, by cause: it adds up to the cent, and each cause is one."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.changes import Cause, Changes, CurrencyError, Side, changes
from dashboard.costs.comparison import compare
from dashboard.costs.models import Developer, Energy, Prices, Segment, Usage
from dashboard.costs.seats import held_by, priced_months

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
PEOPLE = [Developer(id=number, name=f"D{number}", seat_from=LONG_AGO) for number in range(1, 5)]
PRICES: dict[str, Any] = {
    "valid_from": LONG_AGO,
    "currency": "USD",
    "hardware_name": "Box",
    "hardware_price": Decimal(36_500),
    "hardware_life_months": 36,
    "residual_value": Decimal(500),
    "in_service_date": date(2025, 1, 1),
    "power_kw": Decimal("0.7"),
    "pue": Decimal(1),
    "electricity_price_per_kwh": Decimal("0.2"),
    "electricity_basis": "metered",
    "operations_per_month": Decimal(100),
    "seat_price_per_month": Decimal(200),
}


def side(
    month: int,
    *,
    people: int = 2,
    tokens: int = 1_000_000,
    used_kwh: float = 10.0,
    idle_kwh: float = 30.0,
    users: int = 1,
    metered: float = 1.0,
    **prices: Any,
) -> Side:
    """A whole month of 2026, all of it metered or a part."""
    begins, ends = datetime(2026, month, 1, tzinfo=UTC), datetime(2026, month + 1, 1, tzinfo=UTC)
    joules = used_kwh * 3.6e6
    segment = Segment(
        start=begins,
        end=ends,
        prices=Prices(**PRICES | prices),
        energy=Energy(
            total_j=joules + idle_kwh * 3.6e6,
            attributed_j=joules,
            covered_s=(ends - begins).total_seconds() * metered,
        ),
        usage=tuple(
            Usage(
                developer_id=number,
                name=f"D{number}",
                requests=1,
                input_tokens=tokens // users,
                energy_j=joules / users,
            )
            for number in range(1, users + 1)
        ),
    )
    developers = PEOPLE[:people]
    stretches = priced_months([segment], UTC)
    held = (held_by(person, stretches, UTC).months for person in developers)
    return Side(compare([segment], developers), users, sum(held, Fraction(0)))


def moved(found: Changes) -> dict[str, Decimal]:
    """The causes that changed a cost."""
    causes = (*found.self_hosted, *found.seats)
    return {cause.name: cause.change for cause in causes if cause.change}


def added(causes: tuple[Cause, ...]) -> Decimal:
    return sum((cause.change for cause in causes), Decimal(0))


def test_hours_without_a_meter_are_not_told_as_more_electricity_for_each_token() -> None:
    """June and September have 720 hours. In half of September the meter was off: those 360 hours
    count by rated power, 0.7 kW, so 252 kWh or $50.40 more at $0.20."""
    found = changes(side(6), side(9, metered=0.5))
    assert moved(found)["Electricity used"] == Decimal("50.40")
    assert "Electricity per token" not in moved(found)


amounts = st.floats(0, 500)


@given(
    st.tuples(amounts, amounts),
    st.tuples(amounts, amounts),
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    st.tuples(st.decimals(0, 2, places=4), st.decimals(0, 2, places=4)),
    st.sampled_from(["metered", "nameplate"]),
)
def test_the_causes_add_up_to_the_change_to_the_cent(
    used: tuple[float, float],
    idle: tuple[float, float],
    tokens: tuple[int, int],
    users: tuple[int, int],
    people: tuple[int, int],
    price: tuple[Decimal, Decimal],
    basis: str,
) -> None:
    before, now = (
        side(
            month,
            used_kwh=used[place],
            idle_kwh=idle[place],
            tokens=tokens[place],
            users=users[place],
            people=people[place],
            electricity_price_per_kwh=price[place],
            electricity_basis=basis,
        )
        for place, month in enumerate((3, 5))
    )
    found = changes(before, now)
    old, new = before.comparison, now.comparison
    assert added(found.self_hosted) == new.self_hosted_total - old.self_hosted_total
    assert added(found.seats) == new.baseline_total - old.baseline_total


def test_more_tokens_of_as_many_people_cost_the_electricity_of_them() -> None:
    # 10 kWh more at $0.20.
    found = changes(side(3), side(5, tokens=2_000_000, used_kwh=20.0))
    assert moved(found)["Tokens per developer"] == Decimal("2.00")
    assert "Developers who used it" not in moved(found)


def test_another_developer_who_uses_as_much_is_told_as_that() -> None:
    found = changes(side(3), side(5, users=2, tokens=2_000_000, used_kwh=20.0))
    assert moved(found)["Developers who used it"] == Decimal("2.00")
    assert "Tokens per developer" not in moved(found)


def test_more_idling_is_told_apart_from_use() -> None:
    # 5 kWh more at $0.20.
    assert moved(changes(side(3), side(5, idle_kwh=35.0)))["Electricity while idle"] == 1


def test_a_dearer_kwh_counts_over_all_that_was_used() -> None:
    dearer = side(5, electricity_price_per_kwh=Decimal("0.3"))
    assert moved(changes(side(3), dearer))["Price of electricity"] == Decimal("4.00")


def test_seats_are_told_by_how_many_were_held_and_by_their_price() -> None:
    found = moved(changes(side(3), side(5, people=3, seat_price_per_month=Decimal(210))))
    assert found["Seats held"] == Decimal("200.00")
    assert found["Price of a seat"] == Decimal("30.00")


def test_the_largest_cause_stands_first() -> None:
    found = changes(side(3), side(5, used_kwh=400.0, operations_per_month=Decimal(110)))
    sizes = [abs(cause.change) for cause in found.self_hosted]
    assert sizes == sorted(sizes, reverse=True)


def test_two_currencies_are_not_compared() -> None:
    with pytest.raises(CurrencyError, match="USD and in EUR"):
        changes(side(3), side(5, currency="EUR"))
