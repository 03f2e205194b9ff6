"""The ranges a reader can choose, in their own time zone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# What the page calls each range. The key stands in addresses.
RANGES = {"hour": "Last hour", "today": "Today", "month": "Month to date", "all": "All"}


@dataclass(frozen=True, slots=True)
class Period:
    """`start_ms` ≤ t < `end_ms` in UTC epoch milliseconds, cut into buckets of `bucket_ms`."""

    start_ms: int
    end_ms: int
    bucket_ms: int
    words: str

    def bucket_words(self) -> str:
        """A bucket's length in words: `per 3 hours`."""
        for size, name in ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute")):
            if self.bucket_ms >= size:
                number = self.bucket_ms // size
                return f"per {name}" if number == 1 else f"per {number} {name}s"
        return f"per {self.bucket_ms // 1000} seconds"


def period(span: str, zone: ZoneInfo, now_ms: int, first_ms: int | None) -> Period:
    """The range as it is now. `first_ms`: when anything was first used or in service; a long range
    begins no earlier, for there is nothing to see before."""
    now = datetime.fromtimestamp(now_ms / 1000, zone)
    first_ms = now_ms if first_ms is None else first_ms
    now_ms += 1  # what happens in this very millisecond is within, and no range is empty
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if span == "hour":
        start = (now_ms - HOUR_MS) // (30 * 1000) * (30 * 1000)
        return Period(start, now_ms, 30 * 1000, "in the last hour")
    if span == "today":
        return Period(_ms(midnight), now_ms, QUARTER_MS, "today")
    first = datetime.fromtimestamp(first_ms / 1000, zone)
    first_day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    if span == "month":
        begins = max(midnight.replace(day=1), first_day)
        return Period(_ms(begins), now_ms, _bucket(begins, now), f"in {now:%B}")
    if span != "all":
        raise ValueError(f"There is no range named {span!r}.")
    return Period(_ms(first_day), now_ms, _bucket(first_day, now), f"since {first:%-d %B %Y}")


def _bucket(begins: datetime, now: datetime) -> int:
    """Fine enough to see something, and few enough to be drawn."""
    days = (now - begins) / timedelta(days=1)
    for most_days, bucket in ((2, QUARTER_MS), (8, HOUR_MS), (32, 3 * HOUR_MS), (400, DAY_MS)):
        if days < most_days:
            return bucket
    return 7 * DAY_MS


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def hours_begin(zone: ZoneInfo, start_ms: int, end_ms: int) -> int | None:
    """How many milliseconds after UTC's the zone's hours begin: 0, but half an hour in India. None
    where that changes within the range: clocks are changed by an hour, but on Lord Howe Island by
    half of one, so every day is looked at."""
    days = (*range(start_ms, end_ms, DAY_MS), end_ms)
    ahead = (datetime.fromtimestamp(day / 1000, zone).utcoffset() or timedelta() for day in days)
    begin = {-offset % timedelta(hours=1) for offset in ahead}
    return begin.pop() // timedelta(milliseconds=1) if len(begin) == 1 else None
