"""The ranges a reader can choose, in their own time zone: named ones, and own dates."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.costs.months import add_months
from dashboard.range_words import words_of_days
from dashboard.reports.span import begin_ms
from db.errors import InvalidInput

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DAY = timedelta(days=1)

# What the page calls each range. The name stands in the page's address, the key in a view and in
# the event stream's address. Own dates have no key: there both days stand, `2026-05-03/2026-05-17`.
RANGES = {
    "hour": "Last hour",
    "today": "Today",
    "yesterday": "Yesterday",
    "week": "Last 7 days",
    "thirty": "Last 30 days",
    "month": "Month to date",
    "last_month": "Last month",
    "quarter": "Quarter to date",
    "year": "Year to date",
    "all": "All",
}
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2999, 12, 30)  # that can be chosen


@dataclass(frozen=True, slots=True)
class Period:
    """`start_ms` ≤ t < `end_ms` in UTC epoch milliseconds, cut into buckets of `bucket_ms`.
    `ended`: it was over before now, so no request begins in it any more."""

    start_ms: int
    end_ms: int
    bucket_ms: int
    words: str
    ended: bool = False

    def bucket_words(self) -> str:
        """A bucket's length in words: `per 3 hours`."""
        for size, name in ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute")):
            if self.bucket_ms >= size:
                number = self.bucket_ms // size
                return f"per {name}" if number == 1 else f"per {number} {name}s"
        return f"per {self.bucket_ms // 1000} seconds"


def own_dates(first: date, last: date, today: date) -> str:
    """The range of these days and those between. InvalidInput: there is no such range yet."""
    if first > last:
        raise InvalidInput("from", f"The range begins on {first}, after its last day, {last}.")
    if first > today:
        raise InvalidInput("from", f"The range begins on {first}, which is still to come.")
    if first < FIRST_DAY or last > LAST_DAY:
        raise InvalidInput("from", f"A range lies between {FIRST_DAY} and {LAST_DAY}.")
    return f"{first}/{last}"


def own_days(span: str) -> tuple[date, date] | None:
    """The first and the last day, where a range is one of own dates."""
    first, slash, last = span.partition("/")
    try:
        return (date.fromisoformat(first), date.fromisoformat(last)) if slash else None
    except ValueError:
        return None


def require_range(span: str, today: date) -> None:
    """InvalidInput: there is no such range, or not yet."""
    if span in RANGES:
        return
    days = own_days(span)
    if days is None:
        raise InvalidInput("range", f"There is no range named {span!r}.")
    own_dates(*days, today)


def period(span: str, zone: ZoneInfo, now_ms: int, first_ms: int | None) -> Period:
    """The range as it is now. `first_ms`: when anything was first used or in service; a long range
    begins no earlier, for there is nothing to see before."""
    today = _day_of(now_ms, zone)
    require_range(span, today)
    first_day = today if first_ms is None else _day_of(first_ms, zone)
    if span == "hour":
        start = (now_ms + 1 - HOUR_MS) // (30 * 1000) * (30 * 1000)
        return Period(start, now_ms + 1, 30 * 1000, "in the last hour")
    first, last, words = _days(span, today, first_day)
    begins = max(first, first_day) if first_day <= last else first
    start_ms, end_ms = begin_ms(begins, zone), begin_ms(last + DAY, zone)
    # What happens in this very millisecond is within, and no range is empty.
    return Period(
        start_ms,
        min(end_ms, now_ms + 1),
        _bucket((min(end_ms, now_ms) - start_ms) / DAY_MS),
        words,
        ended=end_ms <= now_ms,
    )


def _days(span: str, today: date, first_day: date) -> tuple[date, date, str]:
    """A range's first and last day, and how it is called in a sentence."""
    month = today.replace(day=1)
    before = add_months(month, -1)
    quarter = month.replace(month=month.month - (month.month - 1) % 3)
    named = {
        "today": (today, today, "today"),
        "yesterday": (today - DAY, today - DAY, "yesterday"),
        "week": (today - 6 * DAY, today, "in the last 7 days"),
        "thirty": (today - 29 * DAY, today, "in the last 30 days"),
        "month": (month, today, f"in {month:%B}"),
        "last_month": (before, month - DAY, f"in {before:%B %Y}"),
        "quarter": (quarter, today, f"since {quarter:%-d %B %Y}"),
        "year": (today.replace(month=1, day=1), today, f"in {today:%Y}"),
        "all": (first_day, today, f"since {first_day:%-d %B %Y}"),
    }
    days = own_days(span)
    return named[span] if days is None else (*days, words_of_days(*days, today))


def _bucket(days: float) -> int:
    """Fine enough to see something, and few enough to be drawn."""
    finest = ((2, QUARTER_MS), (8, HOUR_MS), (32, 3 * HOUR_MS), (400, DAY_MS), (2_800, 7 * DAY_MS))
    return next((bucket for most_days, bucket in finest if days < most_days), 28 * DAY_MS)


def _day_of(at_ms: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at_ms / 1000, zone).date()


def hours_begin(zone: ZoneInfo, start_ms: int, end_ms: int) -> int | None:
    """How many milliseconds after UTC's the zone's hours begin: 0, but half an hour in India. None
    where that changes within the range: clocks are changed by an hour, but on Lord Howe Island by
    half of one, so every day is looked at."""
    days = (*range(start_ms, end_ms, DAY_MS), end_ms)
    ahead = (datetime.fromtimestamp(day / 1000, zone).utcoffset() or timedelta() for day in days)
    begin = {-offset % timedelta(hours=1) for offset in ahead}
    return begin.pop() // timedelta(milliseconds=1) if len(begin) == 1 else None
