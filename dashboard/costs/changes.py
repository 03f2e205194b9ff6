"""Why one range cost more than another: the change of both sides' costs, by cause.

Factors are replaced one after the other, from those of before to those of now, and each cause is
what the cost changes by at its step. So the causes add up to the change, to the cent. What two
causes did together counts to the later one; the order is that of the lists below.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from dashboard.costs import money
from dashboard.costs.models import Comparison

Unit = Literal["money", "money per kWh", "money per seat-month", "kWh", "kWh per 1M tokens",
               "developers", "tokens per developer", "seat-months"]  # fmt: skip


class CurrencyError(ValueError):
    """The two ranges' costs are in different currencies. Its words are for the reader."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two ranges. `active` counts developers who asked something, `seat_months` the
    calendar months for which seats were held, of all together."""

    comparison: Comparison
    active: int
    seat_months: Fraction


@dataclass(frozen=True, slots=True)
class Cause:
    """A factor before and now, in `unit`, and by how much it changed the cost."""

    name: str
    unit: Unit
    before: Decimal
    now: Decimal
    change: Decimal


@dataclass(frozen=True, slots=True)
class Changes:
    """Both sides' causes, the largest first; each list's changes add up to its side's."""

    currency: str
    self_hosted: tuple[Cause, ...]
    seats: tuple[Cause, ...]
    self_hosted_before: Decimal
    self_hosted_now: Decimal
    seats_before: Decimal
    seats_now: Decimal

    @property
    def self_hosted_change(self) -> Decimal:
        return self.self_hosted_now - self.self_hosted_before

    @property
    def seats_change(self) -> Decimal:
        return self.seats_now - self.seats_before


@dataclass(frozen=True, slots=True)
class _Factor:
    name: str
    unit: Unit
    before: Fraction
    now: Fraction


def changes(before: Side, now: Side) -> Changes:
    """CurrencyError: the two are in different currencies."""
    old, new = before.comparison, now.comparison
    if old.currency != new.currency:
        raise CurrencyError(f"Costs in {old.currency} and in {new.currency} cannot be compared.")
    return Changes(
        currency=new.currency,
        self_hosted=_sorted(_self_hosted(before, now)),
        seats=_sorted(_product(_seats(before, now))),
        self_hosted_before=old.self_hosted_total,
        self_hosted_now=new.self_hosted_total,
        seats_before=old.baseline_total,
        seats_now=new.baseline_total,
    )


def _self_hosted(before: Side, now: Side) -> Iterator[Cause]:
    old, new = before.comparison, now.comparison
    yield from _product([_amount("Hardware (depreciation)", old.depreciation, new.depreciation)])
    yield from _product([_amount("Operations", old.operations, new.operations)])
    yield from _electricity(before, now)


def _electricity(before: Side, now: Side) -> list[Cause]:
    """By use where the meter tells it, by kWh else."""
    old, new = before.comparison, now.comparison
    if not (old.kwh and new.kwh):
        return _product([_amount("Electricity", old.electricity, new.electricity)])
    prices = [Fraction(each.electricity) / Fraction(each.kwh) for each in (old, new)]
    price = _Factor("Price of electricity", "money per kWh", prices[0], prices[1])
    served = _served(before, now)
    if served is None:
        used = _Factor("Electricity used", "kWh", Fraction(old.kwh), Fraction(new.kwh))
        return _product([used, price])
    at_first = price.before
    idle = _Factor(
        "Electricity while idle",
        "kWh",
        Fraction(old.kwh) - _times(served, "before"),
        Fraction(new.kwh) - _times(served, "now"),
    )
    # Both at the price of before; what the price did comes last, over all kWh.
    before_price = _Factor(price.name, price.unit, at_first, at_first)
    kwh = _Factor("", "kWh", Fraction(new.kwh), Fraction(new.kwh))
    steps = [
        *_steps([*served, before_price]),
        *_steps([idle, before_price]),
        *_steps([kwh, price]),
    ]
    return _in_cents(steps)


def _served(before: Side, now: Side) -> list[_Factor] | None:
    """The kWh of requests as a product; None: it is not metered what served them."""
    kwh = [_served_kwh(side.comparison) for side in (before, now)]
    if kwh[0] is None or kwh[1] is None:
        return None
    tokens = [_tokens(side.comparison) for side in (before, now)]
    if not (all(tokens) and before.active and now.active):
        return [_Factor("Electricity of requests", "kWh", kwh[0], kwh[1])]
    people = [Fraction(side.active) for side in (before, now)]
    per_head = [Fraction(tokens[0], before.active), Fraction(tokens[1], now.active)]
    per_token = [kwh[0] / tokens[0], kwh[1] / tokens[1]]
    return [
        _Factor("Developers who used it", "developers", *people),
        _Factor("Tokens per developer", "tokens per developer", *per_head),
        _Factor("Electricity per token", "kWh per 1M tokens", *per_token),
    ]


def _served_kwh(comparison: Comparison) -> Fraction | None:
    """None where an hour is not metered: what it took is by rated power, whether used or not."""
    metered = comparison.electricity_basis == "metered" and not comparison.unmetered_hours
    if not metered or comparison.utilisation is None:
        return None
    return Fraction(comparison.kwh) * min(Fraction(comparison.utilisation), Fraction(1))


def _seats(before: Side, now: Side) -> list[_Factor]:
    old, new = before.comparison.baseline_total, now.comparison.baseline_total
    if not (before.seat_months and now.seat_months):
        return [_amount("Seats", old, new)]
    prices = [Fraction(old) / before.seat_months, Fraction(new) / now.seat_months]
    return [
        _Factor("Seats held", "seat-months", before.seat_months, now.seat_months),
        _Factor("Price of a seat", "money per seat-month", *prices),
    ]


def _amount(name: str, before: Decimal, now: Decimal) -> _Factor:
    return _Factor(name, "money", Fraction(before), Fraction(now))


def _product(factors: Sequence[_Factor]) -> list[Cause]:
    return _in_cents(list(_steps(factors)))


def _steps(factors: Sequence[_Factor]) -> Iterator[tuple[_Factor, Fraction]]:
    """Each factor with what the product changes by as it is replaced."""
    product = _times(factors, "before")
    for place, factor in enumerate(factors):
        following = Fraction(1)
        for number, each in enumerate(factors):
            following *= each.now if number <= place else each.before
        if factor.before != factor.now or factor.unit == "money":
            yield factor, following - product
        product = following


def _times(factors: Sequence[_Factor], when: Literal["before", "now"]) -> Fraction:
    product = Fraction(1)
    for factor in factors:
        product *= getattr(factor, when)
    return product


def _in_cents(steps: Sequence[tuple[_Factor, Fraction]]) -> list[Cause]:
    """Rounded as they add up, so that their sum is the whole change, which is in cents."""
    causes, exact, given = [], Fraction(0), Decimal(0)
    for factor, step in steps:
        exact += step
        change = money.cents(exact) - given
        given += change
        causes.append(
            Cause(factor.name, factor.unit, _shown(factor.before), _shown(factor.now), change)
        )
    return causes


def _shown(amount: Fraction) -> Decimal:
    return money.rounded(amount, 12)


def _sorted(causes: Sequence[Cause] | Iterator[Cause]) -> tuple[Cause, ...]:
    return tuple(sorted(causes, key=lambda cause: (-abs(cause.change), cause.name)))


def _tokens(comparison: Comparison) -> int:
    return sum(row.input_tokens + row.output_tokens for row in comparison.developers)
