"""What a range of time is added up from: few rows of `db.schema.usage`, and single requests where
the range begins or ends within an hour.

Each source is a subquery with the keys that it is named for and every measure, of ended requests
and, apart from those, of running ones with what is known of them so far.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from db.schema import Request
from db.spans import Piece, Span, floor
from db.usage import (
    COUNTS,
    ENDED,
    EXPERTS,
    HOURS,
    MODELS,
    PERIODS,
    ROW,
    TEAM,
    TIME_MEASURES,
    TIMES,
    total,
)
from db.usage_pieces import ends_of
from db.uses import EVERY_USE, Uses

_r = Request
Rows = Select[*tuple[Any, ...]]
_DEVELOPER = ("developer_id", "team_id")
_KEYS_OF_ROWS: dict[str, ColumnElement[Any]] = {
    "developer_id": _r.developer_id.expression,
    "team_id": TEAM,
    "model": _r.model.expression,
    "engine": _r.engine.expression,
    "at": _r.started_at.expression,
}
_MODEL = ("model", "engine", "status", "experts")
_LONGEST_FIRST: tuple[Span, ...] = ("year", "month", "day", "hour")
# As the index on what did not go well says it, by status and time.
_RUNNING = and_(_r.status == "running", _r.status != literal_column("'ok'"))


@dataclass(frozen=True, slots=True)
class Which:
    """Whose requests of which use are read; None: everybody's."""

    uses: Uses
    developer_id: int | None = None

    def conditions(self, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        found = self.uses.conditions(columns)
        if self.developer_id is not None:
            found.append(columns["developer_id"] == self.developer_id)
        return found


def by_developer(
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    uses: Uses = EVERY_USE,
    developer_id: int | None = None,
) -> Subquery:
    """Keys developer_id and team_id, of all developers or one; the `measures` (of `MEASURES`), and
    how many requests run and ended in each way: running, ok, errors, cancelled, interrupted."""
    return _by(_DEVELOPER, connection, start_ms, end_ms, measures, Which(uses, developer_id))


def by_developer_and_model(
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    uses: Uses = EVERY_USE,
    developer_id: int | None = None,
) -> Subquery:
    """The same, with the key model too."""
    keys = (*_DEVELOPER, "model")
    return _by(keys, connection, start_ms, end_ms, measures, Which(uses, developer_id))


def by_developer_over_time(
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    *,
    longest: Literal["hour", "row"],
    uses: Uses = EVERY_USE,
) -> list[Rows]:
    """The same as `by_developer`, with the key `at` too: when the hour (UTC) of the row begins, or
    a single request's moment. In parts: their sum is the range. `longest` row: of a short range,
    every single request's moment."""
    keys, which = ("at", *_DEVELOPER), Which(uses)
    spans: Sequence[Span] = ("hour",) if longest == "hour" else ()
    in_order = ends_of(connection).plain(start_ms, end_ms, spans)
    return [
        *ended(keys, in_order, measures, which),
        running_of(keys, start_ms, end_ms, measures, which),
    ]


def _by(
    keys: Sequence[str],
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    which: Which,
) -> Subquery:
    found = ends_of(connection).signed(start_ms, end_ms, _LONGEST_FIRST)
    parts = netted(found, ended(keys, found, measures, which), keys, measures)
    return union_all(*parts, running_of(keys, start_ms, end_ms, measures, which)).subquery()


def ended(
    keys: Sequence[str],
    found: Sequence[Piece],
    measures: Sequence[str],
    which: Which,
    at: Callable[[Any], ColumnElement[Any]] = lambda moment: moment,
    starts: Sequence[int] | None = None,
) -> list[Rows]:
    """A part for each piece, of requests that have ended. `at` makes the key of that name of a
    moment, or of a span's beginning; only the spans that begin at `starts` are read, where told."""
    parts: list[Rows] = []
    for piece in found:
        columns = _columns_of(piece)
        of = [at(columns[key]).label(key) if key == "at" else columns[key] for key in keys]
        match piece.span:
            case "row":
                counts = {name: _is(_r.status, ending) for name, ending in COUNTS.items()}
                part = _rows(of, piece, measures, counts)
            case "hour" | "quarter":
                status, requests = HOURS.c.status, HOURS.c.requests
                counts = {
                    name: case((status == ending, requests), else_=0)
                    for name, ending in COUNTS.items()
                }
                part = _kept(HOURS, of, piece, measures, counts, starts)
            case _:
                counts = {name: PERIODS.c[name] for name in COUNTS}
                part = _kept(PERIODS, of, piece, measures, counts, starts)
        parts.append(part.where(*which.conditions(columns)))
    return parts


def _columns_of(piece: Piece) -> dict[str, ColumnElement[Any]]:
    if piece.span == "row":
        return {name: column.label(name) for name, column in _KEYS_OF_ROWS.items()}
    table = HOURS if piece.span in ("hour", "quarter") else PERIODS
    return {**dict(table.c), "at": table.c.start_at}


def running_of(
    keys: Sequence[str], start_ms: int, end_ms: int, measures: Sequence[str], which: Which
) -> Rows:
    """The part of requests that run, each at its own moment."""
    rows = [_KEYS_OF_ROWS[key].label(key) for key in keys]
    none: dict[str, ColumnElement[int]] = {name: literal_column("0") for name in COUNTS}
    running = _running(rows, start_ms, end_ms, measures, none)
    return running.where(*which.conditions(_KEYS_OF_ROWS))


def by_model(
    connection: Connection, start_ms: int, end_ms: int, measures: Sequence[str]
) -> Subquery:
    """Keys model, engine, status and experts (-1: not told); the `measures` (of `MEASURES`)."""
    rows = (_r.model, _r.engine, _r.status, EXPERTS.label("experts"))
    found = ends_of(connection).signed(start_ms, end_ms, _LONGEST_FIRST)
    parts = [
        _rows(rows, piece, measures, {})
        if piece.span == "row"
        else _kept(MODELS, _of(MODELS, _MODEL), piece, measures, {})
        for piece in found
    ]
    left = netted(found, parts, _MODEL, measures, ())
    return union_all(*left, _running(rows, start_ms, end_ms, measures, {})).subquery()


def by_time(connection: Connection, start_ms: int, end_ms: int, bucket_ms: int) -> Subquery:
    """Key `at`, a moment within the bucket that the row belongs to; measures as `TIME_MEASURES`.
    Buckets of `bucket_ms` begin at `start_ms`."""
    spans: list[Span] = [
        span for span in ("hour", "quarter") if _fits(span, start_ms) and _fits(span, bucket_ms)
    ]
    parts: list[Rows] = []
    for piece in ends_of(connection).plain(start_ms, end_ms, spans[:1], keep_start=True):
        if piece.span == "row":
            parts.append(_rows([_r.started_at.label("at")], piece, TIME_MEASURES, {}))
        else:
            begin = Piece(piece.span, floor("quarter", piece.start), piece.end)
            at = case((TIMES.c.start_at < start_ms, start_ms), else_=TIMES.c.start_at).label("at")
            parts.append(_kept(TIMES, [at], begin, TIME_MEASURES, {}))
    parts.append(_running([_r.started_at.label("at")], start_ms, end_ms, TIME_MEASURES, {}))
    return union_all(*parts).subquery()


def _of(table: Table, names: Sequence[str]) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in names]


def _fits(span: Span, at_ms: int) -> bool:
    return floor(span, at_ms) == at_ms


# What the parts are made of: the same columns, in the same order


def _rows(
    keys: Sequence[Any], piece: Piece, measures: Sequence[str], ended: dict[str, Any]
) -> Rows:
    """Requests that have ended, one by one."""
    amounts = {name: ROW[name] for name in measures}
    return _select(keys, amounts, literal_column("0"), ended, piece.sign).where(
        ENDED, _r.started_at >= piece.start, _r.started_at < piece.end
    )


def _kept(
    table: Table,
    keys: Sequence[Any],
    piece: Piece,
    measures: Sequence[str],
    ended: dict[str, Any],
    starts: Sequence[int] | None = None,
) -> Rows:
    """Whole spans of one of the tables: all of the piece, or those that begin at `starts`."""
    amounts = {name: table.c[name] for name in measures}
    query = _select(keys, amounts, literal_column("0"), ended, piece.sign)
    if starts is None:
        query = query.where(table.c.start_at >= piece.start, table.c.start_at < piece.end)
    else:
        query = query.where(table.c.start_at.in_(starts))
    if "span" not in table.c:
        return query
    # Quarters of hours whose requests are deleted stand among the hours.
    span = "hour" if piece.span == "quarter" and table is not TIMES else piece.span
    return query.where(table.c.span == span)


def _running(
    keys: Sequence[Any], start_ms: int, end_ms: int, measures: Sequence[str], ended: dict[str, Any]
) -> Rows:
    """Requests that run: their energy is not unknown yet, and nothing is told of a token's."""
    amounts = {name: ROW[name] for name in measures}
    for name in measures:
        if name == "energy_unknown" or name.startswith("told"):
            amounts[name] = literal_column("0.0" if name.endswith("_j") else "0")
    query = _select(keys, amounts, literal_column("1"), ended)
    return query.where(_RUNNING, _r.started_at >= start_ms, _r.started_at < end_ms)


def _select(
    keys: Sequence[Any],
    amounts: Mapping[str, ColumnElement[Any]],
    running: ColumnElement[int],
    ended: dict[str, Any],
    sign: int = 1,
) -> Rows:
    return select(
        *keys,
        *[(amount * sign if sign < 0 else amount).label(name) for name, amount in amounts.items()],
        running.label("running"),
        *[(amount * sign if sign < 0 else amount).label(name) for name, amount in ended.items()],
    )


def netted(
    found: Sequence[Piece],
    parts: Sequence[Rows],
    keys: Sequence[str],
    measures: Sequence[str],
    counts: Collection[str] = tuple(COUNTS),
) -> Sequence[Rows]:
    """The parts, or what they leave of each group where some are taken from the others: nothing of
    a group without any request in the range. Measures have `requests` among them."""
    if all(piece.sign > 0 for piece in found):
        return parts
    u = union_all(*parts).subquery().c
    query = select(
        *[u[key] for key in keys],
        *[_left(name, u) if name.endswith("_j") else total(name, u[name]) for name in measures],
        literal_column("0").label("running"),
        *[total(name, u[name]) for name in counts],
    )
    return [query.group_by(*[u[key] for key in keys]).having(func.sum(u.requests) > 0)]


def _left(name: str, u: Any) -> ColumnElement[Any]:
    """The sum of joules that were taken from others. Of no request there are none: not what the
    rounding of many additions leaves, nor ever less than none."""
    none: ColumnElement[float] = literal_column("0.0")
    amount = func.sum(u[name])
    empty = or_(*[func.sum(count) == 0 for count in _counts_of(name, u)])
    return case((empty, none), (amount < 0, none), else_=amount).label(name)


def _counts_of(name: str, u: Any) -> list[ColumnElement[int]]:
    """How many requests each joule of these may be of."""
    found = [u.told] if name.startswith("told") else [u.requests - u.energy_unknown]
    if name.endswith("accuracy_unknown_j"):
        found.append(u.requests - u.energy_unknown - u.accuracy_kept)
    elif name.endswith("uncertainty_j"):
        found.append(u.accuracy_kept)
    return found


def _is(column: Any, value: str) -> ColumnElement[int]:
    return case((column == value, 1), else_=0)
