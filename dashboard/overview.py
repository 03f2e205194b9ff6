"""What the Overview page shows, computed from the ledger: both sides' costs, tokens, energy.

The page and the live stream read the same figures from here.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from dashboard.before import before
from dashboard.costs.breakeven import break_even, smallest_team
from dashboard.costs.comparison import compare, cumulative
from dashboard.costs.models import BreakEven, Comparison, Developer, IdleRule, Point, Segment
from dashboard.earlier import Earlier, earlier
from dashboard.periods import MINUTE_MS, Period, period
from dashboard.sides import (
    developers_of,
    moment,
    prices_of,
    require_one_currency,
    segments_of,
)
from dashboard.trend import Trend, trend
from db import queries
from db.errors import InvalidInput
from db.prices import current_prices
from db.uses import EVERY_USE, Uses

CURVE_POINTS = 61  # both curves are nearly straight between two of them


@dataclass(frozen=True, slots=True)
class View:
    """What a reader looks at: whose ledger, which range (as `dashboard.periods` knows it), in which
    time zone, by which rule idle time is shared, and of which team, model and engine the use."""

    ledger: str
    span: str
    timezone: str
    idle: IdleRule = "by_use"
    uses: Uses = EVERY_USE


@dataclass(frozen=True, slots=True)
class Overview:
    """`month` is always the month to date, `chosen` the reader's range, which all else is of but
    for break-even, which is as of now. `month` None: its prices were in two currencies.

    `buckets_ms`, `tokens` and `requests` are arrays of the same length: each time bucket's start,
    how many requests started in it, and their input and output tokens. These, `totals` and `usage`
    are of the view's team, model and engine; costs and energy are of all.

    `earlier` is what the range is compared with; None: there was nothing yet.
    """

    view: View
    at_ms: int
    period: Period
    month: Comparison | None
    chosen: Comparison
    curve: list[Point]
    break_even: BreakEven
    smallest_team: int | None
    trend: Trend
    totals: queries.Totals
    energy: queries.EnergyTotals
    usage: pd.DataFrame
    buckets_ms: "np.ndarray[Any, np.dtype[np.int64]]"
    tokens: "np.ndarray[Any, np.dtype[np.int64]]"
    requests: "np.ndarray[Any, np.dtype[np.int64]]"
    earlier: Earlier | None
    energy_timeline: pd.DataFrame


def compute(engine: Engine, view: View, now_ms: int) -> Overview:
    """The figures at `now_ms` (UTC epoch milliseconds). InvalidInput: the range has prices in
    two currencies."""
    zone = ZoneInfo(view.timezone)
    prices = current_prices(engine, now_ms)
    first_ms = first_moment(engine, zone, now_ms)
    chosen = period(view.span, zone, now_ms, first_ms)
    developers = developers_of(engine, zone)
    seated = sum(1 for developer in developers if _holds_seat(developer, moment(now_ms), zone))
    segments = segments_of(engine, chosen.start_ms, chosen.end_ms)
    require_one_currency(segments, zone)
    comparison = compare(segments, developers, zone, view.idle)
    month: Comparison | None = comparison
    if view.span != "month":
        month = _in_one_currency(engine, period("month", zone, now_ms, first_ms), developers, view)
    buckets, tokens, requests = _over_time(engine, chosen, view.uses)
    compared = before(view.span, chosen, zone, first_ms)
    return Overview(
        view=view,
        at_ms=now_ms,
        period=chosen,
        month=month,
        chosen=comparison,
        curve=cumulative(segments, developers, _moments(chosen, segments, developers, zone), zone),
        break_even=break_even(prices_of(prices), seated),
        smallest_team=smallest_team(prices_of(prices)),
        trend=trend(engine, prices, developers, zone, now_ms),
        totals=queries.totals(engine, chosen.start_ms, chosen.end_ms, uses=view.uses),
        energy=queries.energy_between(engine, chosen.start_ms, chosen.end_ms),
        usage=queries.by_developer(engine, chosen.start_ms, chosen.end_ms, view.uses),
        buckets_ms=buckets,
        tokens=tokens,
        requests=requests,
        earlier=None
        if compared is None
        else earlier(engine, compared, zone, now_ms // MINUTE_MS, view.uses),
        energy_timeline=queries.energy_timeline(
            engine, chosen.start_ms, chosen.end_ms, max(chosen.bucket_ms, MINUTE_MS)
        ),
    )


def _in_one_currency(
    engine: Engine, chosen: Period, developers: list[Developer], view: View
) -> Comparison | None:
    """The comparison of another range; None where its prices were in two currencies."""
    segments, zone = segments_of(engine, chosen.start_ms, chosen.end_ms), ZoneInfo(view.timezone)
    try:
        require_one_currency(segments, zone)
    except InvalidInput:
        return None
    return compare(segments, developers, zone, view.idle)


def _holds_seat(developer: Developer, at: datetime, zone: ZoneInfo) -> bool:
    """Whether a developer had a seat at this time, which may be a past month's end."""
    # A seat's first day is the day (UTC) on which the developer was added: see `developers_of`.
    begun = developer.seat_from.astimezone(zone).date() <= at.date()
    return begun and (developer.seat_until is None or developer.seat_until > at)


def first_moment(engine: Engine, zone: ZoneInfo, now_ms: int) -> int | None:
    """Since when there is anything to show: the hardware's first day, or the first request."""
    first_day = current_prices(engine, now_ms).in_service_date
    activity = queries.first_activity(engine)
    moments = [activity.first_ms] if activity else []
    if first_day is not None:
        in_service = pd.Timestamp(first_day, tz=zone)
        moments.append(int(in_service.timestamp() * 1000))
    return min([*moments, now_ms]) if moments else None


def _moments(
    chosen: Period, segments: list[Segment], developers: list[Developer], zone: ZoneInfo
) -> list[datetime]:
    """Where the curves are computed: evenly, and where they bend."""
    start, end = moment(chosen.start_ms), moment(chosen.end_ms)
    even = np.linspace(chosen.start_ms, chosen.end_ms, CURVE_POINTS)
    bends = [developer.seat_from for developer in developers]
    bends += [segment.start for segment in segments]
    days = {segment.prices.in_service_date for segment in segments}
    bends += [datetime.combine(day, time(), zone) for day in days if day is not None]
    within = {bend.astimezone(UTC) for bend in bends if start < bend < end}
    return sorted({moment(int(at)) for at in even} | within)


def _over_time(engine: Engine, chosen: Period, uses: Uses) -> tuple[Any, Any, Any]:
    """Each bucket's start, tokens and requests, 0 in those without a request."""
    start, size = chosen.start_ms, chosen.bucket_ms
    buckets = np.arange(start, chosen.end_ms, size, dtype=np.int64)
    tokens, requests = np.zeros_like(buckets), np.zeros_like(buckets)
    timeline = queries.timeline(engine, start, chosen.end_ms, size, uses)
    if not timeline.empty:
        places = ((timeline["bucket_ms"] - start) // size).to_numpy(np.int64)
        np.add.at(tokens, places, (timeline["input_tokens"] + timeline["output_tokens"]).to_numpy())
        np.add.at(requests, places, timeline["requests"].to_numpy())
    return buckets, tokens, requests
