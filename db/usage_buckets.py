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
from db.usage import HOURS, PERIODS, total
from db.usage_pieces import Ends, ends_of
from db.usage_sources import Rows, Which, ended, netted, running_of

_LENGTH: dict[Span, int] = {"day": DAY_MS, "hour": HOUR_MS}
_MOST_NAMED = 3_000  # spans of one developer, one by one in a query
# All spans of one length and sign whose bucket is told from their beginning in the same way: when a
# bucket of a day begins (UTC), and how many days after the one that they begin in. None: they need
# not be told apart, for nothing is taken from them.
_Kind = tuple[Span, int, tuple[int, int] | None]


def by_developer_in(
    connection: Connection,
    begins: Sequence[int],
    end_ms: int,
    keys: Sequence[str],
    measures: Sequence[str],
    which: Which,
) -> list[Rows]:
    """The `keys` (developer_id, team_id) and, before them, `at`: when the bucket begins, or a
    moment in it; the `measures` (of `MEASURES`, with `requests`), and how many requests run. In
    parts, so that each may be read in its table's order: their sum is the range.

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
    taken = [piece for _, piece in mixed]
    running = running_of(keys, begins[0], end_ms, measures, which)
    return [
        *_parts(simple, ends, keys, measures, which, mixed=False),
        *netted(taken, _parts(mixed, ends, keys, measures, which, mixed=True), keys, measures, ()),
        running.with_only_columns(*_columns(running, (*keys, *measures, "running"))),
    ]


def _parts(
    found: Sequence[tuple[int, Piece]],
    ends: Ends,
    keys: Sequence[str],
    measures: Sequence[str],
    which: Which,
    *,
    mixed: bool,
) -> list[Rows]:
    parts: list[Rows] = []
    alike: defaultdict[_Kind, list[int]] = defaultdict(list)
    for begin, piece in found:
        if piece.span in _LENGTH:
            phase = begin % DAY_MS
            for start in range(piece.start, piece.end, _LENGTH[piece.span]):
                days = (begin - _bucket(start, phase, 0)) // DAY_MS
                alike[piece.span, piece.sign, (phase, days) if mixed else None].append(start)
        else:
            parts += ended(keys, [piece], measures, which, partial(_always, begin))
    for (span, sign, told), starts in alike.items():
        starts.sort()
        whole = Piece(span, starts[0], starts[-1] + _LENGTH[span], sign)
        at = _itself if told is None else partial(_bucket, phase=told[0], days=told[1])
        named = _named(span, starts, ends, one=which.developer_id is not None)
        (part,) = ended(keys, [whole], measures, which, at, named)
        table = PERIODS if span == "day" else HOURS
        parts.append(_summed(part, keys, measures, table.c.start_at) if mixed else part)
    names = (*keys, *measures, "running")
    return [part.with_only_columns(*_columns(part, names)) for part in parts]


def _summed(part: Rows, keys: Sequence[str], measures: Sequence[str], start_at: Any) -> Rows:
    """A row for each group of a table's rows, in their order: less is left to sort."""
    of, amounts = _columns(part, keys), _columns(part, measures)
    sums = [total(amount.name, amount.element) for amount in amounts]
    running = _columns(part, ["running"])
    return part.with_only_columns(*of, *sums, *running).group_by(start_at, *of[1:])


def _columns(part: Rows, names: Sequence[str]) -> list[Any]:
    return [part.selected_columns[name] for name in names]


def _itself(start: Any) -> Any:
    return start


def _always(begin: int, _moment: Any) -> ColumnElement[int]:
    return literal(begin, BigInteger)


def _bucket(start: Any, phase: int, days: int) -> Any:
    """The bucket that begins `phase` after a midnight (UTC), in the hour that `start` lies in or
    last before that, or so many `days` later."""
    within = phase % HOUR_MS
    return start - (start - (phase - within)) % DAY_MS + days * DAY_MS + within


def _named(span: Span, starts: Sequence[int], ends: Ends, *, one: bool) -> list[int] | None:
    """The spans' beginnings one by one; None: all are meant from the first to the last. `one`
    developer's are named even then: each is found at once, and nobody else's is read."""
    gapless = starts[-1] - starts[0] == (len(starts) - 1) * _LENGTH[span]
    if gapless and not (one and len(starts) <= _MOST_NAMED):
        return None
    named = list(starts)
    if span == "hour":  # whose requests are deleted: quarters stand in its place
        for start in starts:
            if start < ends.kept_from:
                named += range(start + QUARTER_MS, start + HOUR_MS, QUARTER_MS)
    return named
