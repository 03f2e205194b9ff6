"""Calendar months, exactly.

A monthly price is due once a calendar month, whatever the month's length, and pro rata by exact
time within it: a whole month costs the price to the cent. Months are those of the reader's zone.
"""

import calendar
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fractions import Fraction
from functools import lru_cache

_TICK = timedelta(microseconds=1)


def months_between(start: datetime, end: datetime, zone: tzinfo) -> Fraction:
    """Calendar months from `start` to `end`, begun ones in part; 0 when the end is not after."""
    return max(Fraction(0), month_position(end, zone) - month_position(start, zone))


@lru_cache(maxsize=2**14)  # the same people's first days are asked for again and again
def month_position(moment: datetime, zone: tzinfo) -> Fraction:
    """Calendar months since a fixed one, the begun one in part: time as monthly prices count it."""
    moment = moment.astimezone(UTC)
    first = moment.astimezone(zone).date().replace(day=1)
    begins, ends = midnight(first, zone), midnight(add_months(first, 1), zone)
    return first.year * 12 + first.month + ratio(moment - begins, ends - begins)


def add_months(day: date, months: int) -> date:
    """The same day so many months on, or the month's last where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def midnight(day: date, zone: tzinfo) -> datetime:
    """When `day` begins in `zone`, in UTC: local times do not subtract across clock changes."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def ratio(part: timedelta, whole: timedelta) -> Fraction:
    return Fraction(part // _TICK, whole // _TICK)


def hours(length: timedelta) -> Fraction:
    return ratio(length, timedelta(hours=1))
