"""Whole quarters, hours, days and months (UTC), and how a range of time is made up of them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Literal, NamedTuple

QUARTER_MS = 15 * 60_000
HOUR_MS = 60 * 60_000
DAY_MS = 24 * HOUR_MS

Span = Literal["row", "quarter", "hour", "day", "month"]


class Piece(NamedTuple):
    """Part of a range, `start` ≤ t < `end`: whole spans of one length, or single rows."""

    span: Span
    start: int
    end: int


@lru_cache(maxsize=4096)
def month_start(at_ms: int) -> int:
    """When the UTC month of a time (epoch milliseconds) begins."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return _ms(at.year, at.month)


def next_month(at_ms: int) -> int:
    """When the UTC month after that of `at_ms` begins."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return _ms(at.year + at.month // 12, at.month % 12 + 1)


def _ms(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


def _floor(length_ms: int, at_ms: int) -> int:
    return at_ms - at_ms % length_ms


def _next(length_ms: int, at_ms: int) -> int:
    return at_ms - at_ms % length_ms + length_ms


_FLOOR: dict[Span, Callable[[int], int]] = {
    "quarter": partial(_floor, QUARTER_MS),
    "hour": partial(_floor, HOUR_MS),
    "day": partial(_floor, DAY_MS),
    "month": month_start,
}
_NEXT: dict[Span, Callable[[int], int]] = {
    "quarter": partial(_next, QUARTER_MS),
    "hour": partial(_next, HOUR_MS),
    "day": partial(_next, DAY_MS),
    "month": next_month,
}


def floor(span: Span, at_ms: int) -> int:
    """When the span that holds `at_ms` begins."""
    return _FLOOR[span](at_ms)


def ceiling(span: Span, at_ms: int) -> int:
    """When the first span begins that is not before `at_ms`."""
    begun = floor(span, at_ms)
    return begun if begun == at_ms else _NEXT[span](at_ms)


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
