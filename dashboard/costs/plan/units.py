"""What a developer and a million tokens cost, on both bases."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.break_even import formulas as f
from dashboard.costs.break_even.case import BreakEvenCase
from dashboard.costs.plan.basis import Basis
from dashboard.costs.plan.figures import UnitCosts

_NO_TOKENS = "The team's tokens are not given, so that costs per token are unknown."
_NO_THROUGHPUT = "What the hardware makes at full use is not known, nor then its utilisation."
_ALL_IDLE = (
    "Marginal cost is unknown: the loads are taken to draw the same power idle and at work, so "
    "that no electricity follows from use."
)


def unit_costs(case: BreakEvenCase, basis: Basis) -> UnitCosts:
    values = f.values_of(case)
    developers, tokens = case.developers, values["tokens_per_day"]
    millions = f.millions_per_month(tokens)
    most = f.most_per_day(values)
    rising = Fraction(basis.rising) if tokens and basis.rising > 0 else None
    whole = f.fixed(values) + (rising or 0)
    return UnitCosts(
        fully_loaded_per_developer=_cents(whole, developers),
        marginal_per_developer=None if rising is None else _cents(rising, developers),
        seat_per_developer=money.cents(basis.seat) if developers else None,
        fully_loaded_per_million_tokens=_per(whole, millions),
        marginal_per_million_tokens=None if rising is None else _per(rising, millions),
        seats_per_million_tokens=_per(Fraction(basis.seats_per_month), millions),
        utilisation=money.rounded(tokens / most, 6) if most and tokens else None,
        throughput_tokens_per_s=case.throughput_tokens_per_s,
        basis=_why_unknown(values, rising),
    )


def _cents(amount: Fraction, developers: int) -> Decimal | None:
    return money.cents(amount / developers) if developers else None


def _per(amount: Fraction, millions: Fraction) -> Decimal | None:
    return money.rounded(amount / millions, 4) if millions else None


def _why_unknown(values: Mapping[str, Fraction], rising: Fraction | None) -> tuple[str, ...]:
    if not values["tokens_per_day"]:
        return (_NO_TOKENS,)
    found = [] if rising else [_ALL_IDLE]
    return tuple(found if "throughput_tokens_per_s" in values else [*found, _NO_THROUGHPUT])
