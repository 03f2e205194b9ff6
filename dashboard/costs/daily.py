"""A range's self-hosting costs, day by day. The days add up to `compare`'s figures to the cent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from dashboard.costs import money
from dashboard.costs.models import Prices, Segment
from dashboard.costs.months import hours, midnight, months_between
from dashboard.costs.self_hosted import Spent, in_service_from, spent_by


@dataclass(frozen=True, slots=True)
class DayCost:
    """What a calendar day cost, or a part of one in which the same prices held. Money is in cents.

    `hours` and `months` are those in which the hardware was in service; `kwh` includes PUE.
    """

    start: datetime
    end: datetime
    prices: Prices
    depreciation: Decimal
    electricity: Decimal
    operations: Decimal
    kwh: Fraction
    hours: Fraction
    months: Fraction


def daily(segments: Sequence[Segment], zone: tzinfo) -> list[DayCost]:
    """The days of the range that `segments` make up, as `zone` has them.

    A day's cents are those of the range up to its end less those up to its start, so no cent is
    lost between them. What was metered is spread evenly within a segment.
    """
    points = _boundaries(segments, zone)
    days, place = [], 0
    spans = zip(pairwise(points), pairwise(spent_by(segments, points, zone)), strict=True)
    for (start, end), (before, after) in spans:
        while segments[place].end <= start:
            place += 1
        days.append(_day(start, end, segments[place].prices, before, after, zone))
    return days


def _boundaries(segments: Sequence[Segment], zone: tzinfo) -> list[datetime]:
    """Where days begin, where prices change, and the range's own ends. A change counts from the
    next whole second on: part of a day that is shorter could not be told as one."""
    start, end = segments[0].start, segments[-1].end
    changes = [later.start for one, later in pairwise(segments) if one.prices != later.prices]
    points = {start, end, *(whole for at in changes if (whole := _next_second(at)) < end)}
    day = start.astimezone(zone).date()
    while (begins := midnight(day, zone)) < end:
        if begins > start:
            points.add(begins)
        day += timedelta(days=1)
    return sorted(points)


def _next_second(at: datetime) -> datetime:
    return at if at.microsecond == 0 else at.replace(microsecond=0) + timedelta(seconds=1)


def _day(
    start: datetime, end: datetime, prices: Prices, before: Spent, after: Spent, zone: tzinfo
) -> DayCost:
    first_day = in_service_from(prices, zone) or datetime.max.replace(tzinfo=UTC)
    begun = min(max(start, first_day), end)
    return DayCost(
        start=start,
        end=end,
        prices=prices,
        depreciation=after.depreciation - before.depreciation,
        electricity=money.cents(after.electricity) - money.cents(before.electricity),
        operations=money.cents(after.operations) - money.cents(before.operations),
        kwh=after.kwh - before.kwh,
        hours=hours(end - begun),
        months=months_between(begun, end, zone),
    )
