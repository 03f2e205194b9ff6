"""Self-hosting beside the seats it replaces, over a range of time.

Both sides count from the hardware's first day. *Fully loaded* shares all that the hardware cost,
used or not, by who used it; *marginal* is the electricity of the requests alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from dashboard.costs import money
from dashboard.costs.assumptions import assumptions
from dashboard.costs.models import (
    Comparison,
    Developer,
    DeveloperCost,
    Point,
    Prices,
    Segment,
    SharedBy,
    Usage,
)
from dashboard.costs.months import month_position
from dashboard.costs.seats import TeamSeats, held_by, priced_months
from dashboard.costs.self_hosted import Spent, electricity_of, spent, spent_by

MARGINAL_DIGITS = 9  # a request's electricity is far below a cent
UNUSED = "Unused"


def compare(
    segments: Sequence[Segment], developers: Sequence[Developer], zone: tzinfo = UTC
) -> Comparison:
    """Both sides over the range that `segments` make up, one after the other.

    `zone` is the one whose calendar months and days count. ValueError: no segments, a gap between
    them, or two currencies.
    """
    _require_one_range(segments)
    costs = sum((spent(segment, segment.end, zone) for segment in segments), Spent())
    stretches = priced_months(segments, zone)
    held = {developer.id: held_by(developer, stretches, zone) for developer in developers}
    seats = {person: seat.amount for person, seat in held.items() if seat.months > 0}
    baseline = money.cents(sum(seats.values(), Fraction(0)))
    holders = len(seats)
    used = _usage_by_developer(segments)
    shared_by, rows = _rows(costs.total, baseline, developers, used, seats, segments)
    tokens = sum(usage.input_tokens + usage.output_tokens for usage in used.values())
    return Comparison(
        start=segments[0].start,
        end=segments[-1].end,
        currency=segments[0].prices.currency,
        depreciation=costs.depreciation,
        electricity=money.cents(costs.electricity),
        operations=money.cents(costs.operations),
        self_hosted_total=costs.total,
        baseline_total=baseline,
        saving=baseline - costs.total,
        seats=holders,
        self_hosted_per_developer=_divided(costs.total, holders),
        baseline_per_developer=_divided(baseline, holders),
        marginal_total=_marginal(segments),
        shared_by=shared_by,
        developers=rows,
        cost_per_million_tokens=_divided(costs.total * 10**6, tokens),
        utilisation=_utilisation(segments),
        electricity_basis=_electricity_basis(segments),
        kwh=money.rounded(costs.kwh, 3),
        unmetered_hours=money.rounded(costs.unmetered_hours, 2),
        assumptions=assumptions(segments, shared_by, costs, zone),
    )


def cumulative(
    segments: Sequence[Segment],
    developers: Sequence[Developer],
    points: Iterable[datetime],
    zone: tzinfo = UTC,
) -> list[Point]:
    """Both curves at `points`, in rising order within the range; 0 at its start.

    At the range's end they are `compare`'s totals. Metered electricity is spread evenly within a
    segment: shorter segments follow it more closely.
    """
    _require_one_range(segments)
    curve, points = [], list(points)
    seats, stretches = TeamSeats(developers, zone), priced_months(segments, zone)
    for at, costs in zip(points, spent_by(segments, points, zone), strict=True):
        within = min(max(at, segments[0].start), segments[-1].end)
        baseline = seats.amount(stretches, month_position(within, zone))
        curve.append(Point(at=at, self_hosted=costs.total, baseline=money.cents(baseline)))
    return curve


def marginal_cost(energy_j: float | None, prices: Prices) -> Decimal | None:
    """The electricity of some joules, to a billionth; None where the energy is unknown."""
    if energy_j is None:
        return None
    return money.rounded(electricity_of(energy_j, prices), MARGINAL_DIGITS)


def _require_one_range(segments: Sequence[Segment]) -> None:
    if not segments:
        raise ValueError("A comparison needs at least one segment.")
    for earlier, later in pairwise(segments):
        if earlier.end != later.start:
            raise ValueError("Each segment must start where the one before it ends.")
        if earlier.prices.currency != later.prices.currency:
            raise ValueError(
                f"Prices in {earlier.prices.currency} and in {later.prices.currency} cannot be "
                "added up: choose a range within one currency."
            )


def _usage_by_developer(segments: Sequence[Segment]) -> dict[int, Usage]:
    """Everybody's usage over all segments. Energy that is unknown in one is unknown in all."""
    added: dict[int, Usage] = {}
    for segment in segments:
        for usage in segment.usage:
            so_far = added.get(usage.developer_id)
            added[usage.developer_id] = _added(so_far, usage) if so_far else usage
    return added


def _added(one: Usage, other: Usage) -> Usage:
    known = one.energy_j is not None and other.energy_j is not None
    return Usage(
        developer_id=one.developer_id,
        name=other.name,
        requests=one.requests + other.requests,
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        energy_j=(one.energy_j or 0.0) + (other.energy_j or 0.0) if known else None,
        energy_unknown=one.energy_unknown + other.energy_unknown,
    )


def _weights(used: Iterable[Usage]) -> tuple[SharedBy, dict[int, Fraction]]:
    """How costs are shared: by energy where all of it is known, else by tokens."""
    used = list(used)
    if all(usage.energy_j is not None and not usage.energy_unknown for usage in used):
        weights = {usage.developer_id: Fraction(usage.energy_j or 0) for usage in used}
        if sum(weights.values()) > 0:
            return "energy", weights
    weights = {u.developer_id: Fraction(u.input_tokens + u.output_tokens) for u in used}
    if sum(weights.values()) > 0:
        return "tokens", weights
    return "nobody", {}


def _rows(
    total: Decimal,
    baseline: Decimal,
    developers: Sequence[Developer],
    used: dict[int, Usage],
    seats: dict[int, Fraction],
    segments: Sequence[Segment],
) -> tuple[SharedBy, tuple[DeveloperCost, ...]]:
    """A row for everybody who holds a seat or used something, and one for what nobody used."""
    names = {usage.developer_id: usage.name for usage in used.values()}
    names |= {person.id: person.name for person in developers if person.id in seats}
    people = sorted(names, key=lambda person: (names[person].lower(), person))
    shared_by, weights = _weights(used.values())
    shares = _shares(total, people, weights)
    seat_shares = _shares(baseline, people, seats)
    rows = []
    for person, share, seat in zip(people, shares, seat_shares, strict=True):
        usage = used.get(person) or Usage(developer_id=person, name=names[person], energy_j=0.0)
        rows.append(
            DeveloperCost(
                developer_id=person,
                name=names[person],
                requests=usage.requests,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                energy_j=None if usage.energy_unknown else usage.energy_j,
                fully_loaded=share,
                marginal=_marginal(segments, person),
                seat=seat,
            )
        )
    if shared_by == "nobody" and total > 0:
        rows.append(_unused(total))
    return shared_by, tuple(rows)


def _unused(total: Decimal) -> DeveloperCost:
    return DeveloperCost(
        developer_id=None,
        name=UNUSED,
        requests=0,
        input_tokens=0,
        output_tokens=0,
        energy_j=0.0,
        fully_loaded=total,
        marginal=Decimal(0),
        seat=Decimal(0),
    )


def _shares(
    total: Decimal, people: Sequence[int], weights: Mapping[int, Fraction]
) -> list[Decimal]:
    given = [weights.get(person, Fraction(0)) for person in people]
    return money.split(total, given) if any(given) else [Decimal(0)] * len(people)


def _marginal(segments: Sequence[Segment], *people: int) -> Decimal | None:
    """Electricity of the requests of `people`, or of everybody; None where some is unknown."""
    total = Fraction(0)
    for segment in segments:
        for usage in segment.usage:
            if people and usage.developer_id not in people:
                continue
            if usage.energy_j is None or usage.energy_unknown:
                return None
            total += electricity_of(usage.energy_j, segment.prices)
    return money.rounded(total, MARGINAL_DIGITS)


def _utilisation(segments: Sequence[Segment]) -> Decimal | None:
    energies = [segment.energy for segment in segments if segment.energy]
    read = [(e.total_j, e.attributed_j) for e in energies if e.total_j is not None]
    total = sum(total for total, _ in read)
    if total <= 0 or any(attributed is None for _, attributed in read):
        return None
    served = sum(attributed or 0.0 for _, attributed in read)
    return money.rounded(Fraction(served) / Fraction(total), 6)


def _electricity_basis(segments: Sequence[Segment]) -> str:
    bases = {segment.prices.electricity_basis for segment in segments}
    return bases.pop() if len(bases) == 1 else "mixed"


def _divided(amount: Decimal, by: int) -> Decimal | None:
    return money.cents(Fraction(amount) / by) if by else None
