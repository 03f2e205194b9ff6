"""Whole quarters, hours, days, months and years (UTC), and how a range is made up of them."""

from calendar import isleap, monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Literal, NamedTuple

QUARTER_MS = 15 * 60_000
HOUR_MS = 60 * 60_000
DAY_MS = 24 * HOUR_MS

Span = Literal["row", "quarter", "hour", "day", "month", "year"]


class Piece(NamedTuple):
    """Part of a range, `start` ≤ t < `end`: whole spans of one length, or single rows."""

    span: Span
    start: int
    end: int


def down(at_ms: int, length_ms: int) -> int:
    """The last multiple of a length that is not after a time (epoch milliseconds)."""
    return at_ms - at_ms % length_ms


def up(at_ms: int, length_ms: int) -> int:
    """The first multiple of a length that is not before a time."""
    return -(-at_ms // length_ms) * length_ms


def _next(length_ms: int, at_ms: int) -> int:
    return down(at_ms, length_ms) + length_ms


@lru_cache(maxsize=4096)
def month_start(at_ms: int) -> int:
    """When the UTC month of a time begins."""
    at = _utc(at_ms)
    return _ms(at.year, at.month)


@lru_cache(maxsize=4096)
def year_start(at_ms: int) -> int:
    """When the UTC year of a time begins."""
    return _ms(_utc(at_ms).year)


def _next_month(at_ms: int) -> int:
    at = _utc(at_ms)
    return month_start(at_ms) + monthrange(at.year, at.month)[1] * DAY_MS


def _next_year(at_ms: int) -> int:
    days = 366 if isleap(_utc(at_ms).year) else 365
    return year_start(at_ms) + days * DAY_MS


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def _ms(year: int, month: int = 1) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


_FLOOR: dict[Span, Callable[[int], int]] = {
    "quarter": partial(down, length_ms=QUARTER_MS),
    "hour": partial(down, length_ms=HOUR_MS),
    "day": partial(down, length_ms=DAY_MS),
    "month": month_start,
    "year": year_start,
}
_NEXT: dict[Span, Callable[[int], int]] = {
    "quarter": partial(_next, QUARTER_MS),
    "hour": partial(_next, HOUR_MS),
    "day": partial(_next, DAY_MS),
    "month": _next_month,
    "year": _next_year,
}


def floor(span: Span, at_ms: int) -> int:
    """When the span that holds `at_ms` begins."""
    return _FLOOR[span](at_ms)


def following(span: Span, at_ms: int) -> int:
    """When the span after the one that holds `at_ms` begins."""
    return _NEXT[span](at_ms)


def ceiling(span: Span, at_ms: int) -> int:
    """When the first span begins that is not before `at_ms`."""
    begun = floor(span, at_ms)
    return begun if begun == at_ms else following(span, at_ms)


def pieces(start_ms: int, end_ms: int, spans: Sequence[Span]) -> list[Piece]:
    """The range in as few spans as possible, of these lengths (the longest first), and rows at its
    edges; in order of time."""
    if start_ms >= end_ms:
        return []
    if not spans:
        return [Piece("row", start_ms, end_ms)]
    first, last = ceiling(spans[0], start_ms), floor(spans[0], end_ms)
    if first >= last:
        return pieces(start_ms, end_ms, spans[1:])
    return [
        *pieces(start_ms, first, spans[1:]),
        Piece(spans[0], first, last),
        *pieces(last, end_ms, spans[1:]),
    ]
