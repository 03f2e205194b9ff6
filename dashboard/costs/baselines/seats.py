"""Seats: so many of each plan, held over the whole range, and what use beyond them costs.

The dearest seats go to those who used most, so that overage is no higher than it need be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from fractions import Fraction

from dashboard.costs.baselines.lines import Line, Lines
from dashboard.costs.baselines.models import Plan, Seats, TokenOverage
from dashboard.costs.baselines.usage import UsageRange
from dashboard.costs.months import months_between

UNUSED = "Seats that nobody used"
NO_SEAT = "there are fewer seats than developers, and this one is left without"


@dataclass(frozen=True, slots=True)
class _Person:
    developer_id: int | None
    name: str
    tokens: int
    tokens_known: bool
    requests: int | None


def seat_lines(usage: UsageRange, baseline: Seats, zone: tzinfo) -> Lines:
    """A line for each developer who used something, and one for each plan's idle seats."""
    months = months_between(usage.start, usage.end, zone)
    people = _people(usage)
    by_price = sorted(baseline.plans, key=_monthly, reverse=True)
    seats = [plan for plan in by_price for _ in range(plan.developers)]
    lines: list[Line] = []
    for person, plan in zip(people, seats, strict=False):
        lines += _of_seat(person, plan, months)
    for person in people[len(seats) :]:
        lines.append(Line(person.developer_id, person.name, "No seat", None, NO_SEAT))
    idle = seats[len(people) :]
    lines += [Line(None, UNUSED, plan.name, _monthly(plan) * months) for plan in idle]
    return Lines(lines, _notes(baseline, months))


def _of_seat(person: _Person, plan: Plan, months: Fraction) -> list[Line]:
    seat = Line(person.developer_id, person.name, plan.name, _monthly(plan) * months)
    if plan.overage is None:
        return [seat]
    beyond = _overage(person, plan, months)
    counted = "tokens" if isinstance(plan.overage, TokenOverage) else "requests"
    reason = (
        None if beyond is not None else f"the source does not tell how many {counted} there were"
    )
    item = f"{plan.name}, beyond what is included"
    return [seat, Line(person.developer_id, person.name, item, beyond, reason)]


def _monthly(plan: Plan) -> Fraction:
    return Fraction(plan.price_per_month) * (1 - Fraction(plan.annual_discount_percent) / 100)


def _overage(person: _Person, plan: Plan, months: Fraction) -> Fraction | None:
    if plan.overage is None:
        return Fraction(0)
    included = plan.overage.included_per_month * months
    if isinstance(plan.overage, TokenOverage):
        if not person.tokens_known:
            return None
        price = Fraction(plan.overage.price_per_million) / 10**6
        return max(Fraction(0), person.tokens - included) * price
    if person.requests is None:
        return None
    return max(Fraction(0), person.requests - included) * Fraction(plan.overage.price_per_request)


def _people(usage: UsageRange) -> Sequence[_Person]:
    """Everybody, who used most first."""
    found: dict[tuple[int | None, str], _Person] = {}
    for row in usage.rows:
        key = (row.developer_id, "" if row.developer_id is not None else row.name)
        before = found.get(key) or _Person(row.developer_id, row.name, 0, True, 0)
        known = before.requests is not None and row.requests is not None
        requests = (before.requests or 0) + (row.requests or 0) if known else None
        found[key] = _Person(
            row.developer_id,
            row.name,
            before.tokens + row.tokens,
            before.tokens_known and row.tokens_known,
            requests,
        )
    return sorted(found.values(), key=lambda person: (-person.tokens, person.name))


def _notes(baseline: Seats, months: Fraction) -> list[str]:
    notes = ["Seats are held over the whole range, pro rata by calendar month."]
    if len({_monthly(plan) for plan in baseline.plans}) > 1:
        notes.append("The dearest seats go to those who used most.")
    if any(plan.overage for plan in baseline.plans):
        note = "What a seat includes is counted per developer"
        pooled = ", over all months of the range together: a bound from below" if months > 1 else ""
        notes.append(f"{note}{pooled}.")
    return notes
