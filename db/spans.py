"""Whole quarters, hours, days, months and years (UTC), and how a range is made up of them."""

from calendar import isleap, monthrange
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Literal, NamedTuple

QUARTER_MS = 15 * 60_000
HOUR_MS = 60 * 60_000
DAY_MS = 24 * HOUR_MS

Span = Literal["row", "quarter", "hour", "day", "month", "year"]


# A busy hour has at least twice as many requests as rows that they add up to.
ROWS_COST = 2
Known = tuple[int, int]  # from the first moment to the one after the last


class Piece(NamedTuple):
    """Part of a range, `start` ≤ t < `end`: whole spans of one length, or single rows. `sign` -1:
    to be taken from the others, since it lies outside the range."""

    span: Span
    start: int
    end: int
    sign: int = 1


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


def signed_pieces(start_ms: int, end_ms: int, spans: Sequence[Span], known: Known) -> list[Piece]:
    """The range in as little to read as possible: where most of a longer span lies in it, the whole
    of that, less what lies outside, as a month of Berlin's is UTC's and the two hours before it
    less its own last two. In no order.

    `known`: when there is anything at all. What lies beyond costs nothing, and is left out.
    """
    return _joined(_signed(start_ms, end_ms, spans, known))


def cost(found: Iterable[Piece], known: Known) -> float:
    """How much there is to read, counted in spans."""
    return sum(_cost(piece, known) for piece in found)


def _signed(start: int, end: int, spans: Sequence[Span], known: Known) -> list[Piece]:
    if max(start, known[0]) >= min(end, known[1]):
        return []
    if not spans:
        return [Piece("row", start, end)]
    first, last = ceiling(spans[0], start), floor(spans[0], end)
    if first > last:
        return _of_one(start, end, spans, known)
    return [
        *_of_one(start, first, spans, known),
        *([Piece(spans[0], first, last)] if first < last else []),
        *_of_one(last, end, spans, known),
    ]


def _of_one(start: int, end: int, spans: Sequence[Span], known: Known) -> list[Piece]:
    """A range within one of the longest spans: in shorter ones, or all of it less the rest."""
    if start >= end:
        return []
    span, shorter = spans[0], spans[1:]
    begins, ends = floor(span, start), ceiling(span, end)
    inside = _signed(start, end, shorter, known)
    outside = [*_signed(begins, start, shorter, known), *_signed(end, ends, shorter, known)]
    less = [Piece(span, begins, ends), *(piece._replace(sign=-piece.sign) for piece in outside)]
    return less if cost(less, known) < cost(inside, known) else inside


def _cost(piece: Piece, known: Known) -> float:
    start, end = max(piece.start, known[0]), min(piece.end, known[1])
    if piece.span == "row":
        return ROWS_COST * max(end - start, 0) / HOUR_MS
    count, at = 0, floor(piece.span, start)
    while at < end:
        count, at = count + 1, following(piece.span, at)
    return count


def _joined(found: Iterable[Piece]) -> list[Piece]:
    """Neighbours of one kind as one."""
    joined: list[Piece] = []
    for piece in sorted(found, key=lambda it: (it.span, it.sign, it.start)):
        before = joined[-1] if joined else piece
        if (before.span, before.sign, before.end) == (piece.span, piece.sign, piece.start):
            joined[-1] = before._replace(end=piece.end)
        else:
            joined.append(piece)
    return joined
