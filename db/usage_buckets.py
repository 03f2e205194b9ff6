"""What developers used over time, in buckets such as a reader's own days.

A day of a zone that is not UTC's is the day of UTC that shares most hours with it, less the others
of that, and the hours before or after: a few hours are read instead of 24.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, literal

from db.spans import DAY_MS, HOUR_MS, QUARTER_MS, Piece, Span
from db.usage import HOURS, PERIODS
from db.usage_pieces import Ends, ends_of
from db.usage_sources import Rows, Which, ended, netted, running_of

_LENGTH: dict[Span, int] = {"day": DAY_MS, "hour": HOUR_MS}
_MOST_NAMED = 3_000  # spans named one by one in a query
# All spans of one length and sign whose bucket is told from their beginning in the same way: when a
# bucket of a day begins (UTC), and how many days after the one that they begin in.
_Kind = tuple[Span, int, int, int]


def by_developer_in(
    connection: Connection,
    begins: Sequence[int],
    end_ms: int,
    keys: Sequence[str],
    measures: Sequence[str],
    which: Which,
) -> list[Rows]:
    """The `keys` (developer_id, team_id) and figures of `usage_sources.by_developer`, and before
    them the key `at`: when the bucket begins, or a moment in it. In parts, so that each may be read
    in its table's order: their sum is the range. Measures have `requests` among them.

    `begins`: when each bucket begins, in order; the first at any time, the others at whole hours
    (UTC), and none longer than days are: a bucket is read from its days.
    """
    ends = ends_of(connection)
    keys = ("at", *keys)
    simple, mixed = list[tuple[int, Piece]](), list[tuple[int, Piece]]()
    for begin, end in pairwise([*begins, end_ms]):
        found = ends.signed(begin, end, ("day", "hour"))
        kind = simple if all(piece.sign > 0 for piece in found) else mixed
        kind += [(begin, piece) for piece in found]
    of_mixed = _parts(mixed, ends, keys, measures, which)
    return [
        *_parts(simple, ends, keys, measures, which),
        *netted([piece for _, piece in mixed], of_mixed, keys, measures),
        running_of(keys, begins[0], end_ms, measures, which),
    ]


def _parts(
    found: Sequence[tuple[int, Piece]],
    ends: Ends,
    keys: Sequence[str],
    measures: Sequence[str],
    which: Which,
) -> list[Rows]:
    parts: list[Rows] = []
    alike: defaultdict[_Kind, list[int]] = defaultdict(list)
    for begin, piece in found:
        if piece.span in _LENGTH:
            for start in range(piece.start, piece.end, _LENGTH[piece.span]):
                days = (begin - _bucket(start, begin % DAY_MS, 0)) // DAY_MS
                alike[piece.span, piece.sign, begin % DAY_MS, days].append(start)
        else:
            parts += ended(keys, [piece], measures, which, partial(_always, begin))
    for (span, sign, phase, days), starts in alike.items():
        starts.sort()
        whole = Piece(span, starts[0], starts[-1] + _LENGTH[span], sign)
        at = partial(_bucket, phase=phase, days=days)
        (part,) = ended(keys, [whole], measures, which, at)
        parts.append(_of(part, span, starts, ends, one=which.developer_id is not None))
    return parts


def _always(begin: int, _moment: Any) -> ColumnElement[int]:
    return literal(begin, BigInteger)


def _bucket(start: Any, phase: int, days: int) -> Any:
    """The bucket that begins `phase` after a midnight (UTC), in the hour that `start` lies in or
    last before that, or so many `days` later."""
    within = phase % HOUR_MS
    return start - (start - (phase - within)) % DAY_MS + days * DAY_MS + within


def _of(part: Rows, span: Span, starts: Sequence[int], ends: Ends, *, one: bool) -> Rows:
    """The part's spans that begin at these times alone. `one` developer's are named even where
    nothing lies between them: each is found at once, and nobody else's is read."""
    length = _LENGTH[span]
    gapless = starts[-1] - starts[0] == (len(starts) - 1) * length
    if gapless and not (one and len(starts) <= _MOST_NAMED):
        return part
    named = list(starts)
    if span == "hour":  # whose requests are deleted: quarters stand in its place
        for start in starts:
            if start < ends.kept_from:
                named += range(start + QUARTER_MS, start + HOUR_MS, QUARTER_MS)
    table = PERIODS if span == "day" else HOURS
    return part.where(table.c.start_at.in_(named))
