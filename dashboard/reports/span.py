"""The days that an export is of, in a reader's own time zone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.costs.months import add_months, midnight
from db.errors import InvalidInput

_EARLIEST, _LATEST = date(1970, 1, 2), date(2999, 12, 31)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Part:
    """A calendar day or month, or what of it lies in a span: `start_ms` ≤ t < `end_ms`, UTC epoch
    milliseconds. `day` is its first day, begun or not."""

    day: date
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """From the day `first` to before the day `before`, as `zone` has them."""

    first: date
    before: date
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if self.before <= self.first:
            raise InvalidInput(
                "to", f"The range ends before {self.before}, so it must begin earlier than that."
            )
        if self.first < _EARLIEST or self.before > _LATEST:
            raise InvalidInput("from", f"A range lies between {_EARLIEST} and {_LATEST}.")

    @property
    def last(self) -> date:
        return self.before - _DAY

    @property
    def start_ms(self) -> int:
        return begin_ms(self.first, self.zone)

    @property
    def end_ms(self) -> int:
        return begin_ms(self.before, self.zone)

    def days(self, start_ms: int, end_ms: int) -> Iterator[Part]:
        """The days between two moments, which are within the span."""
        return self._parts(start_ms, end_ms, lambda day: day, lambda day: day + _DAY)

    def months(self, start_ms: int, end_ms: int) -> Iterator[Part]:
        """The calendar months between two moments, which are within the span."""
        return self._parts(
            start_ms, end_ms, lambda day: day.replace(day=1), lambda day: add_months(day, 1)
        )

    def _parts(
        self,
        start_ms: int,
        end_ms: int,
        first: Callable[[date], date],
        following: Callable[[date], date],
    ) -> Iterator[Part]:
        if start_ms >= end_ms:
            return
        day = first(datetime.fromtimestamp(start_ms / 1000, self.zone).date())
        while (starts := begin_ms(day, self.zone)) < end_ms:
            after = following(day)
            ends = begin_ms(after, self.zone)
            if start_ms < ends:
                yield Part(day, max(starts, start_ms), min(ends, end_ms))
            day = after


def begin_ms(day: date, zone: ZoneInfo) -> int:
    """When a day begins, in UTC epoch milliseconds."""
    return round(
        (midnight(day, zone) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)
    )
