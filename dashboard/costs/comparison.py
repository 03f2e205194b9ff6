"""Self-hosting beside the seats it replaces, over a range of time.

Both sides count from the hardware's first day. *Fully loaded* shares all that the hardware cost,
used or not, by who used it (its idle part by another rule, where that is asked for); *marginal* is
the electricity of the requests alone.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from dashboard.costs import money
from dashboard.costs.assumptions import assumptions
from dashboard.costs.idle import UNUSED, idle_share, served_share
from dashboard.costs.models import Comparison, Developer, IdleRule, Point, Prices, Segment
from dashboard.costs.months import month_position
from dashboard.costs.rows import (
    MARGINAL_DIGITS,
    Shared,
    developer_rows,
    per_million,
    share_out,
    stay_rows,
    team_rows,
)
from dashboard.costs.seats import TeamSeats, priced_months
from dashboard.costs.self_hosted import Spent, electricity_of, spent, spent_by
from dashboard.costs.teams import stays
from dashboard.costs.usage import Used, shared_by, sum_of

__all__ = ["UNUSED", "compare", "cumulative", "marginal_cost"]


def compare(
    segments: Sequence[Segment],
    developers: Sequence[Developer],
    zone: tzinfo = UTC,
    idle: IdleRule = "by_use",
) -> Comparison:
    """Both sides over the range that `segments` make up, one after the other.

    `zone` is the one whose calendar months and days count; `idle` how the idle part of the cost is
    shared, as `dashboard.costs.idle` says. ValueError: no segments, a gap between them, or two
    currencies.
    """
    _require_one_range(segments)
    costs = sum((spent(segment, segment.end, zone) for segment in segments), Spent())
    stretches = priced_months(segments, zone)
    parts = stays(segments, developers, stretches, zone)
    seats = {part.developer_id for part in parts if part.months}
    baseline = money.cents(sum((part.seat for part in parts), Fraction(0)))
    used = sum_of(part.used for part in parts)
    shared = _shared(segments, costs.total, baseline, used, idle)
    shares = share_out(shared, parts)
    marginal_total = (
        None if used.marginal is None else money.rounded(used.marginal, MARGINAL_DIGITS)
    )
    served = served_share(segments)
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
        seats=len(seats),
        self_hosted_per_developer=_divided(costs.total, len(seats)),
        baseline_per_developer=_divided(baseline, len(seats)),
        marginal_total=marginal_total,
        shared_by=shared.basis,
        developers=developer_rows(shares),
        teams=team_rows(shares),
        stays=stay_rows(shares),
        cost_per_million_tokens=per_million(costs.total, used.tokens),
        marginal_per_million_tokens=per_million(marginal_total, used.tokens, 6),
        utilisation=None if served is None else money.rounded(served, 6),
        idle_rule=idle,
        idle_share=None if shared.idle is None else money.rounded(shared.idle, 6),
        idle_total=None
        if shared.idle is None
        else money.cents(Fraction(costs.total) * shared.idle),
        electricity_basis=_electricity_basis(segments),
        kwh=money.rounded(costs.kwh, 3),
        unmetered_hours=money.rounded(costs.unmetered_hours, 2),
        assumptions=assumptions(segments, shared, costs, zone),
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


def _shared(
    segments: Sequence[Segment],
    total: Decimal,
    baseline: Decimal,
    used: Used,
    rule: IdleRule,
) -> Shared:
    basis = shared_by(used)
    energies = [segment.energy.total_j for segment in segments if segment.energy]
    read = [Fraction(joules) for joules in energies if joules is not None]
    return Shared(
        total=total,
        baseline=baseline,
        basis=basis,
        rule=rule,
        idle=idle_share(segments, used=basis != "nobody"),
        metered_j=sum(read, Fraction(0)) if read else None,
    )


def _electricity_basis(segments: Sequence[Segment]) -> str:
    bases = {segment.prices.electricity_basis for segment in segments}
    return bases.pop() if len(bases) == 1 else "mixed"


def _divided(amount: Decimal, by: int) -> Decimal | None:
    return money.cents(Fraction(amount) / by) if by else None
