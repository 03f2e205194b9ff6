"""What money over time is worth: net present value, internal rate of return, payback."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from dashboard.costs import money
from dashboard.costs.ownership.rates import positive_root, roots
from dashboard.costs.ownership.terms import Figures

IRR_DIGITS = 6  # of a percent
NOTHING_LAID_OUT = "no own money is laid out"
_LOST = -99  # percent a year


@dataclass(frozen=True, slots=True)
class Flow:
    """Money that comes (positive) or goes (negative), so many years after the start."""

    years: Fraction
    amount: Decimal


class Irr(Figures):
    """What money laid out earns. `percent_per_year` None: there is no one such rate, and `reason`
    says why."""

    percent_per_year: Decimal | None
    reason: str | None = None


class Payback(Figures):
    """Months until the money is back for good. None: never within the time, and `reason`.

    0 months with a `reason`: no own money is ever out that would have to come back.
    """

    months: Decimal | None
    reason: str | None = None


def on_dates(flows: Iterable[tuple[date, Decimal]]) -> list[Flow]:
    """By exact days over 365, counted from the first: the reckoning of Excel's XNPV and XIRR."""
    in_order = sorted(flows, key=lambda flow: flow[0])
    start = in_order[0][0] if in_order else None
    return [Flow(Fraction((at - start).days, 365), sum_) for at, sum_ in in_order if start]


def every_month(amounts: Iterable[Decimal]) -> list[Flow]:
    """The first at the start, the rest at months' ends; a month is a twelfth of a year."""
    return [Flow(Fraction(month, 12), amount) for month, amount in enumerate(amounts)]


def every_year(amounts: Iterable[Decimal]) -> list[Flow]:
    """The first at the start, the rest at years' ends."""
    return [Flow(Fraction(year), amount) for year, amount in enumerate(amounts)]


def npv(flows: Iterable[Flow], percent_per_year: Decimal) -> Decimal:
    """Worth at the start, in cents: Σ amount ÷ (1 + rate)^years. ValueError: −100% or less."""
    return present_values(flows, percent_per_year)[1]


def present_values(
    flows: Iterable[Flow], percent_per_year: Decimal
) -> tuple[list[Decimal], Decimal]:
    """Each flow's worth at the start, in cents that add up, and their sum."""
    if percent_per_year <= -100:
        raise ValueError("A discount rate must be above -100% a year.")
    growth = 1 + percent_per_year / 100
    worth, exact, given = [], Fraction(0), Decimal(0)
    for flow in flows:
        exponent = Decimal(flow.years.numerator) / flow.years.denominator
        exact += Fraction(flow.amount) * Fraction(growth**-exponent)
        worth.append(money.cents(exact) - given)
        given += worth[-1]
    return worth, given


def irr(flows: Sequence[Flow]) -> Irr:
    """The yearly rate at which the flows are worth nothing, where there is exactly one.

    None where money comes in first: then nothing is laid out that could earn (a loan that pays for
    all, say), and a rate would be one paid. None too below -99%: all but everything is lost.

    Of several, the only one above 0% is given: from 0% up, the value turns at it alone. That is
    certain where the running total changes sign once (Norstrøm 1972); otherwise all rates are
    searched for. Where several are above 0%, none is chosen.
    """
    amounts = _merged(flows)
    if not any(amount for amount in amounts.values()):
        return Irr(percent_per_year=None, reason="no money flows")
    if len({amount > 0 for amount in amounts.values()}) == 1:
        way = "comes in" if next(iter(amounts.values())) > 0 else "goes out"
        return Irr(percent_per_year=None, reason=f"money only {way}, so no rate balances it")
    if next(iter(amounts.values())) > 0:
        return Irr(
            percent_per_year=None,
            reason=f"{NOTHING_LAID_OUT} at the start, so there is nothing that earns a rate",
        )
    terms = [(float(years), float(amount)) for years, amount in amounts.items()]
    totals = _totals(amounts)
    if totals[-1] and _changes(totals) == 1:
        rate = positive_root(terms)
        found = [] if rate is None else [rate]
    else:
        found = roots(terms)
        positive = [rate for rate in found if rate > 0]
        found = positive if len(positive) == 1 else found
    if len(found) == 1:
        return _one_rate(money.rounded(Fraction(found[0]) * 100, IRR_DIGITS))
    if not found:
        return Irr(percent_per_year=None, reason="no rate that can be stated balances the money")
    several = ", ".join(f"{rate * 100:z.2f}%" for rate in found)
    return Irr(percent_per_year=None, reason=f"several rates balance the money: {several}")


def _one_rate(percent: Decimal) -> Irr:
    if percent < _LOST:
        return Irr(
            percent_per_year=None,
            reason=f"the only rate that balances the money is below {_LOST}% a year: nearly all of "
            "it is lost",
        )
    return Irr(percent_per_year=percent)


def payback(flows: Sequence[Flow]) -> Payback:
    """When the running total rises to nothing for the last time, and stays.

    Each flow counts as spread evenly since the one before. What turns negative again later is not
    paid back.
    """
    total, at, since, lowest = Fraction(0), Fraction(0), Fraction(0), Fraction(0)
    for flow in flows:
        before, total = total, total + Fraction(flow.amount)
        lowest = min(lowest, total)
        if before < 0 <= total:
            part = before / (before - total)
            since = at + (flow.years - at) * part
        at = flow.years
    if total < 0:
        short = f"{float(-total):,.2f} are still missing after {float(at * 12):g} months"
        return Payback(months=None, reason=short)
    reason = None if lowest else NOTHING_LAID_OUT
    return Payback(months=money.rounded(since * 12, 4), reason=reason)


def discounted_payback(flows: Sequence[Flow], percent_per_year: Decimal) -> Payback:
    """As `payback`, each flow at its worth at the start."""
    worth, _ = present_values(flows, percent_per_year)
    return payback([Flow(flow.years, value) for flow, value in zip(flows, worth, strict=True)])


def _merged(flows: Sequence[Flow]) -> dict[Fraction, Fraction]:
    """One amount for each time, in order of time, without those that come to nothing."""
    amounts: dict[Fraction, Fraction] = {}
    for flow in sorted(flows, key=lambda flow: flow.years):
        amounts[flow.years] = amounts.get(flow.years, Fraction(0)) + Fraction(flow.amount)
    return {years: amount for years, amount in amounts.items() if amount}


def _totals(amounts: dict[Fraction, Fraction]) -> list[Fraction]:
    totals, total = [], Fraction(0)
    for amount in amounts.values():
        total += amount
        totals.append(total)
    return totals


def _changes(values: Sequence[Fraction]) -> int:
    """How often the sign changes, noughts passed over."""
    signs = [value > 0 for value in values if value]
    return sum(one != other for one, other in pairwise(signs))
