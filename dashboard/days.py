"""A range day by day and week by week, as far as the kept sums by UTC hour allow.

Up to `MOST_BY_HOUR` the days are the reader's own: an hour (UTC) counts to the day in which it
begins, which is exact but in zones whose days begin on a half or quarter of an hour. A longer range
would be too many hours to add up while somebody waits, and is told in days of UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.periods import DAY_MS, HOUR_MS, Period, hours_begin
from dashboard.reports.span import begin_ms
from db.spans import up

MOST_BY_HOUR = 32 * DAY_MS  # a month, and the hour by which clocks are changed
UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Days:
    """A range's days: in which zone, and what a page says of them."""

    start_ms: int
    end_ms: int
    zone: ZoneInfo
    words: str

    def begins(self, also: Iterable[int] = ()) -> list[int]:
        """When each of them begins, in whole hours (UTC) but for the range's own beginning; and
        the hours after the moments `also`, where a day is to be divided."""
        midnights = (begin_ms(day.date(), self.zone) for day in self.all()[1:])
        hours = {up(at, HOUR_MS) for at in (*midnights, *also)}
        return [self.start_ms, *sorted(at for at in hours if self.start_ms < at < self.end_ms)]

    def of(self, at_ms: Any) -> Any:
        """The day in which each of these moments (a column) lies, as a date at midnight. What
        begins before the range counts to its first day."""
        within = at_ms.clip(lower=self.start_ms)
        local = pd.to_datetime(within, unit="ms", utc=True).dt.tz_convert(self.zone)
        return local.dt.tz_localize(None).dt.normalize()

    def all(self) -> pd.DatetimeIndex:
        """Every day that the range touches."""
        ends = self.of(pd.Series([self.start_ms, self.end_ms - 1], dtype="int64"))
        return pd.date_range(ends.iloc[0], ends.iloc[1], freq="D")


def days_of(chosen: Period, zone: ZoneInfo) -> Days:
    """The days of a range, for a reader in `zone`."""
    start, end = chosen.start_ms, chosen.end_ms
    if end - start > MOST_BY_HOUR + HOUR_MS:
        words = "Days and weeks are those of UTC, because the range is longer than a month."
        return Days(start, end, UTC, words)
    words = f"Days and weeks are those of {zone.key}."
    if hours_begin(zone, start, end) != 0:
        words = f"{words} An hour of UTC counts to the day in which it begins."
    return Days(start, end, zone, words)


def weeks_of(days: Any) -> Any:
    """The Monday of each of these days (a column)."""
    return days - pd.to_timedelta(days.dt.day_of_week, unit="D")
