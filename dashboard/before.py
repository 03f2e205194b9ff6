"""The range that a range is compared with: as long, and just before it. Of a calendar month, a
quarter or a year it is the same days of the one before."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dashboard.costs.months import add_months
from dashboard.periods import DAY, HOUR_MS, Period
from dashboard.reports.span import begin_ms

_WITHIN_A_DAY = ("hour", "today", "yesterday")
_MONTHS = {"month": 1, "last_month": 1, "quarter": 3, "year": 12}
_STEPS_MS = (60_000, 10_000, 1_000)


@dataclass(frozen=True, slots=True)
class Before:
    """`start_ms` ≤ t < `end_ms` in UTC epoch milliseconds; `words` go on after `than`."""

    start_ms: int
    end_ms: int
    words: str


def before(span: str, chosen: Period, zone: ZoneInfo, first_ms: int | None) -> Before | None:
    """What `chosen` is compared with; None: there was nothing yet when it began, so that it would
    be compared with a shorter time. `first_ms` is as `dashboard.periods.period` takes it.

    While the range goes on, so does this one, but in steps of a 300th of it or a minute, so that
    its figures need not be read at every moment.
    """
    if first_ms is None or span == "all":
        return None
    if span == "hour":
        start, end, words = chosen.start_ms - HOUR_MS, chosen.end_ms - HOUR_MS, "the hour before"
    else:
        start, end, words = _days_before(span, chosen, zone)
    if not chosen.ended:
        end = max(end - end % step_ms(end - start), start + 1)
    end = min(end, chosen.start_ms)
    first_day = begin_ms(_local(first_ms, zone).date(), zone)
    begun = first_ms if span in _WITHIN_A_DAY else first_day
    return None if start < begun else Before(start, end, words)


def step_ms(length_ms: int) -> int:
    """In which steps a range of this length is compared."""
    return next((step for step in _STEPS_MS if 300 * step <= length_ms), 1)


def _days_before(span: str, chosen: Period, zone: ZoneInfo) -> tuple[int, int, str]:
    first = _local(chosen.start_ms, zone).date()
    until = _local(chosen.end_ms, zone)
    if span in _MONTHS:
        begins = add_months(first.replace(day=1), -_MONTHS[span])
        ends, whole = _months_earlier(until, _MONTHS[span])
        words = _until_its_end(span, begins, ends) if whole else _month_words(span, begins)
        return begin_ms(begins, zone), _ms(ends), words
    days = (_local(chosen.end_ms - 1, zone).date() - first).days + 1  # so far
    start = begin_ms(first - days * DAY, zone)
    end = datetime.combine(until.date() - days * DAY, until.time(), zone)
    return start, _ms(end), _words(span, days)


def _months_earlier(until: datetime, months: int) -> tuple[datetime, bool]:
    """The same day and time; of a day that the month does not have, its end, and True."""
    day = add_months(until.date(), -months)
    if day.day == until.day:
        return datetime.combine(day, until.time(), until.tzinfo), False
    return datetime.combine(day + DAY, datetime.min.time(), until.tzinfo), True


def _month_words(span: str, begins: date) -> str:
    return {
        "month": f"the same days of {begins:%B}",
        "last_month": f"{begins:%B %Y}",
        "quarter": "the same days of the quarter before",
        "year": f"the same days of {begins:%Y}",
    }[span]


def _until_its_end(span: str, begins: date, ends: datetime) -> str:
    """Of a month that is shorter, so that it has fewer days."""
    if span == "month":
        return f"all of {begins:%B}"
    last = f"{ends - DAY:%-d %B}"
    return f"the quarter before until {last}" if span == "quarter" else f"{begins:%Y} until {last}"


def _words(span: str, days: int) -> str:
    if span == "today":
        return "yesterday by this time"
    return "the day before" if days == 1 else f"the {days} days before"


def _local(at_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, zone)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
