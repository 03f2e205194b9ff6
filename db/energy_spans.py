"""Which whole days, hours and quarters, and which minutes at their edges, make up a range."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

SPANS = {"quarter": QUARTER_MS, "hour": HOUR_MS, "day": DAY_MS}
MINUTE = "minute"
MOST_RANGES = 200  # in one query; what would take more is read in smaller spans

Range = tuple[int, int]  # from the first millisecond to the one after the last


@dataclass(frozen=True, slots=True)
class Piece:
    """All whole spans of one kind, or `MINUTE`s, that begin within these ranges."""

    span: str
    ranges: Sequence[Range]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a ledger has: spans that begin from `first` to before `end`, whole days; and minutes
    that begin from `first_minute` to `last_minute`, None where none are left."""

    first: int
    end: int
    first_minute: int | None
    last_minute: int | None


def cuts(
    kept: Kept, start_ms: int, end_ms: int, bucket_ms: int | None, smallest_ms: int
) -> list[int]:
    """Where a range, and each of its buckets from `start_ms` on, begins and ends.

    A minute belongs to the bucket that it begins in, those begun before the range to its first.
    Where no minute is beyond an end, it is moved on to where whole spans end. Where the minutes
    are gone, and only what they add up to is left, a cut is moved back to a span of `smallest_ms`.
    """
    begin = max(_down(start_ms, MINUTE_MS), kept.first)
    end = min(_up(end_ms, MINUTE_MS), kept.end)
    last = kept.end if kept.last_minute is None else kept.last_minute
    inner: Iterable[int] = ()
    if bucket_ms is not None:
        first_inner = start_ms + max(-(-(begin - start_ms) // bucket_ms), 1) * bucket_ms
        inner = range(first_inner, min(end, last + 1), bucket_ms)
    if end > last:
        end = kept.end
    found = [begin, *(_up(cut, MINUTE_MS) for cut in inner), end]
    gone = kept.end if kept.first_minute is None else _down(kept.first_minute, smallest_ms)
    moved = {_down(cut, smallest_ms) if cut < gone else cut for cut in found}
    return sorted(cut for cut in moved if begin - smallest_ms < cut <= end)


def pieces(at: Sequence[int], spans: Sequence[str]) -> list[Piece]:
    """The spans, the largest first, that lie between two neighbouring cuts; and the minutes that
    are left."""
    left = [(begin, end) for begin, end in pairwise(at) if begin < end]
    found = []
    for span in spans:
        whole, rest = _split(left, SPANS[span])
        if whole and len(whole) <= MOST_RANGES:
            found.append(Piece(span, whole))
            left = rest
    if left:
        found.append(Piece(MINUTE, _joined(left)))
    return found


def _split(ranges: Sequence[Range], size: int) -> tuple[list[Range], list[Range]]:
    """What whole spans of `size` there are in each range, and what is left before and after."""
    whole, rest = [], []
    for begin, end in ranges:
        first, last = _up(begin, size), _down(end, size)
        if first < last:
            whole.append((first, last))
            rest += [(begin, first), (last, end)]
        else:
            rest.append((begin, end))
    return _joined(whole), [(begin, end) for begin, end in rest if begin < end]


def _joined(ranges: Sequence[Range]) -> list[Range]:
    """Ranges in order, those that touch as one."""
    found: list[Range] = []
    for begin, end in ranges:
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def _down(at: int, size: int) -> int:
    return at - at % size


def _up(at: int, size: int) -> int:
    return -(-at // size) * size
