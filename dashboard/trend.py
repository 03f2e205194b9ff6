"""The live break-even: when the ledger's own trend will have paid for the hardware.

Whole days count, since the first of the hardware in use now, so that the answer changes by the day
and not by the second. It is kept for an hour: over a year of a large team it takes a fifth of a
second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard.costs.break_even.sentences import projection_sentence
from dashboard.costs.break_even.trend import Projection, days_of, project
from dashboard.costs.models import Developer
from dashboard.costs.months import midnight
from dashboard.periods import HOUR_MS
from dashboard.sides import running_of
from db.prices import CostSettings, PriceSegment, prices_between

NOT_YET = "Nothing can be told before the hardware is in service."
TWO_CURRENCIES = (
    "Nothing can be told: since the hardware's first day prices were in more than one currency, "
    "and those cannot be added up."
)


@dataclass(frozen=True, slots=True)
class Trend:
    """`projection` None: there is none, and `sentence` says why."""

    projection: Projection | None
    sentence: str


def trend(
    engine: Engine,
    prices: CostSettings,
    developers: Sequence[Developer],
    zone: ZoneInfo,
    now_ms: int,
) -> Trend:
    """The trend at `now_ms` (UTC epoch milliseconds), when `prices` are in force."""
    if prices.in_service_date is None:
        return Trend(None, NOT_YET)
    start_ms = _ms(midnight(prices.in_service_date, zone))
    today = datetime.fromtimestamp(now_ms / 1000, zone).date()
    end_ms = _ms(midnight(today, zone))
    if start_ms > now_ms:
        return Trend(None, NOT_YET)
    dated = tuple(prices_between(engine, start_ms, max(end_ms, start_ms + 1)))
    if len({segment.settings.currency for segment in dated}) > 1:
        return Trend(None, TWO_CURRENCIES)
    found = _projection(
        engine, dated, tuple(developers), zone, prices.hardware_price, now_ms // HOUR_MS
    )
    return Trend(found, projection_sentence(found))


@lru_cache(maxsize=64)
def _projection(
    engine: Engine,
    dated: tuple[PriceSegment, ...],
    developers: tuple[Developer, ...],
    zone: ZoneInfo,
    price: Decimal,
    _hour: int,
) -> Projection:
    """All that it depends on is in its arguments, but for late readings: those within the hour."""
    start_ms, end_ms = dated[0].start_ms, dated[-1].end_ms
    days = days_of(running_of(engine, start_ms, end_ms), developers, zone)
    return project(days, price, zone, currency=dated[-1].settings.currency)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
