"""Which whole days, hours and quarters, and which minutes at their edges, make up a range."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from db.spans import DAY_MS, HOUR_MS, QUARTER_MS, down, up

MINUTE_MS = 60_000

SPANS = {"quarter": QUARTER_MS, "hour": HOUR_MS, "day": DAY_MS}
MINUTE = "minute"
MOST_NAMED = 3_000  # spans named one by one in a query

Range = tuple[int, int]  # from the first millisecond to the one after the last


@dataclass(frozen=True, slots=True)
class Piece:
    """All whole spans of one kind, or `MINUTE`s, that begin within these ranges."""

    span: str
    ranges: Sequence[Range]

    @property
    def starts(self) -> int:
        """How many spans that is."""
        return sum(end - begin for begin, end in self.ranges) // self.size

    @property
    def size(self) -> int:
        return SPANS.get(self.span, MINUTE_MS)

    @property
    def stride(self) -> int | None:
        """How far one range begins after the one before, where that and their lengths are the same
        for all."""
        found = {
            (after[0] - before[0], before[1] - before[0]) for before, after in pairwise(self.ranges)
        }
        first, last = self.ranges[0], self.ranges[-1]
        same = len(found) == 1 and last[1] - last[0] == first[1] - first[0]
        return found.pop()[0] if same else None


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
    begin = max(down(start_ms, MINUTE_MS), kept.first)
    end = min(up(end_ms, MINUTE_MS), kept.end)
    last = kept.end if kept.last_minute is None else kept.last_minute
    inner: Iterable[int] = ()
    if bucket_ms is not None:
        first_inner = start_ms + max(-(-(begin - start_ms) // bucket_ms), 1) * bucket_ms
        inner = range(first_inner, min(end, last + 1), bucket_ms)
    if end > last:
        end = kept.end
    found = [begin, *(up(cut, MINUTE_MS) for cut in inner), end]
    gone = kept.end if kept.first_minute is None else down(kept.first_minute, smallest_ms)
    moved = {down(cut, smallest_ms) if cut < gone else cut for cut in found}
    return sorted(cut for cut in moved if begin - smallest_ms < cut <= end)


def pieces(at: Sequence[int], spans: Sequence[str]) -> list[Piece]:
    """The spans, the largest first, that lie between two neighbouring cuts; and the minutes that
    are left. Where a query could not name all of one kind, smaller ones take their place."""
    left = [(begin, end) for begin, end in pairwise(at) if begin < end]
    found = []
    for span in spans:
        whole, rest = _split(left, SPANS[span])
        if parts := _named(span, whole):
            found += parts
            left = rest
    left = _joined(left)
    minutes = _named(MINUTE, left)
    if left and not minutes:
        begin = left[0][0]
        minutes = [Piece(MINUTE, [(begin, at[-1])])]
        found = pieces([*(cut for cut in at if cut < begin), begin], spans)
    return [*found, *minutes]


def _named(span: str, ranges: Sequence[Range]) -> list[Piece]:
    """As pieces that a query names shortly: few ranges, few spans, or ranges at even distances,
    of which the first and the last may be shorter. None where they are none of these."""
    whole = Piece(span, ranges)
    if len(ranges) <= 2 or whole.starts <= MOST_NAMED:
        return [whole] if ranges else []
    inner = Piece(span, ranges[1:-1])
    return [inner, Piece(span, [ranges[0], ranges[-1]])] if inner.stride else []


def _split(ranges: Sequence[Range], size: int) -> tuple[list[Range], list[Range]]:
    """What whole spans of `size` there are in each range, and what is left before and after."""
    whole, rest = [], []
    for begin, end in ranges:
        first, last = up(begin, size), down(end, size)
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
