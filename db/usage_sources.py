"""What a range of time is added up from: few rows of `db.schema.usage`, and single requests where
the range begins or ends within an hour.

Each source is a subquery with the keys that it is named for and every measure, of ended requests
and, apart from those, of running ones with what is known of them so far.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Table,
    and_,
    case,
    literal_column,
    select,
    union_all,
)

from db.schema import Horizon, Request
from db.spans import Piece, Span, floor, following, pieces
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
    bounds,
)
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


def by_developer(
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    uses: Uses = EVERY_USE,
) -> Subquery:
    """Keys developer_id and team_id; the `measures` (of `MEASURES`), and how many requests run and
    ended in each way: running, ok, errors, cancelled, interrupted."""
    return _by(_DEVELOPER, connection, start_ms, end_ms, measures, uses)


def by_developer_and_model(
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    uses: Uses = EVERY_USE,
) -> Subquery:
    """The same, with the key model too."""
    return _by((*_DEVELOPER, "model"), connection, start_ms, end_ms, measures, uses)


def by_developer_over_time(
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    *,
    longest: Literal["day", "hour", "row"],
    uses: Uses = EVERY_USE,
) -> list[Rows]:
    """The same as `by_developer`, with the key `at` too: when the day or hour (UTC) of the row
    begins, or a single request's moment. In parts, so that each may be read in its table's order:
    their sum is the range. `longest` row: of a short range, every single request's moment."""
    found: Mapping[str, Sequence[Span]] = {"day": ("day", "hour"), "hour": ("hour",), "row": ()}
    spans = found[longest]
    return _parts(("at", *_DEVELOPER), connection, start_ms, end_ms, measures, spans, uses)


def _by(
    keys: Sequence[str],
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    uses: Uses,
) -> Subquery:
    parts = _parts(keys, connection, start_ms, end_ms, measures, _LONGEST_FIRST, uses)
    return union_all(*parts).subquery()


def _parts(
    keys: Sequence[str],
    connection: Connection,
    start_ms: int,
    end_ms: int,
    measures: Sequence[str],
    spans: Sequence[Span],
    uses: Uses,
) -> list[Rows]:
    parts: list[Rows] = []
    rows = [_KEYS_OF_ROWS[key].label(key) for key in keys]
    of_rows, of_hours, of_periods = (
        uses.conditions(columns) for columns in (_KEYS_OF_ROWS, dict(HOURS.c), dict(PERIODS.c))
    )
    for piece in _pieces(connection, start_ms, end_ms, spans):
        match piece.span:
            case "row":
                ended = {name: _is(_r.status, ending) for name, ending in COUNTS.items()}
                parts.append(_rows(rows, piece, measures, ended).where(*of_rows))
            case "hour" | "quarter":
                status, requests = HOURS.c.status, HOURS.c.requests
                ended = {
                    name: case((status == ending, requests), else_=0)
                    for name, ending in COUNTS.items()
                }
                kept = _kept(HOURS, _of(HOURS, keys), piece, measures, ended)
                parts.append(kept.where(*of_hours))
            case _:
                ended = {name: PERIODS.c[name] for name in COUNTS}
                kept = _kept(PERIODS, _of(PERIODS, keys), piece, measures, ended)
                parts.append(kept.where(*of_periods))
    none: dict[str, ColumnElement[int]] = {name: literal_column("0") for name in COUNTS}
    parts.append(_running(rows, start_ms, end_ms, measures, none).where(*of_rows))
    return parts


def by_model(
    connection: Connection, start_ms: int, end_ms: int, measures: Sequence[str]
) -> Subquery:
    """Keys model, engine, status and experts (-1: not told); the `measures` (of `MEASURES`)."""
    parts: list[Rows] = []
    rows = (_r.model, _r.engine, _r.status, EXPERTS.label("experts"))
    for piece in _pieces(connection, start_ms, end_ms, _LONGEST_FIRST):
        if piece.span == "row":
            parts.append(_rows(rows, piece, measures, {}))
        else:
            parts.append(_kept(MODELS, _of(MODELS, _MODEL), piece, measures, {}))
    parts.append(_running(rows, start_ms, end_ms, measures, {}))
    return union_all(*parts).subquery()


def by_time(connection: Connection, start_ms: int, end_ms: int, bucket_ms: int) -> Subquery:
    """Key `at`, a moment within the bucket that the row belongs to; measures as `TIME_MEASURES`.
    Buckets of `bucket_ms` begin at `start_ms`."""
    spans: list[Span] = [
        span for span in ("hour", "quarter") if _fits(span, start_ms) and _fits(span, bucket_ms)
    ]
    parts: list[Rows] = []
    for piece in _pieces(connection, start_ms, end_ms, spans[:1], keep_start=True):
        if piece.span == "row":
            parts.append(_rows([_r.started_at.label("at")], piece, TIME_MEASURES, {}))
        else:
            begin = Piece(piece.span, floor("quarter", piece.start), piece.end)
            at = case((TIMES.c.start_at < start_ms, start_ms), else_=TIMES.c.start_at).label("at")
            parts.append(_kept(TIMES, [at], begin, TIME_MEASURES, {}))
    parts.append(_running([_r.started_at.label("at")], start_ms, end_ms, TIME_MEASURES, {}))
    return union_all(*parts).subquery()


def _of(table: Table, names: Sequence[str]) -> list[ColumnElement[Any]]:
    return [table.c.start_at.label("at") if name == "at" else table.c[name] for name in names]


def _fits(span: Span, at_ms: int) -> bool:
    return floor(span, at_ms) == at_ms


# What the parts are made of: the same columns, in the same order


def _rows(
    keys: Sequence[Any], piece: Piece, measures: Sequence[str], ended: dict[str, Any]
) -> Rows:
    """Requests that have ended, one by one."""
    return _select(keys, {name: ROW[name] for name in measures}, literal_column("0"), ended).where(
        ENDED, _r.started_at >= piece.start, _r.started_at < piece.end
    )


def _kept(
    table: Table, keys: Sequence[Any], piece: Piece, measures: Sequence[str], ended: dict[str, Any]
) -> Rows:
    """Whole spans of one of the tables."""
    amounts = {name: table.c[name] for name in measures}
    query = _select(keys, amounts, literal_column("0"), ended)
    query = query.where(table.c.start_at >= piece.start, table.c.start_at < piece.end)
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
) -> Rows:
    return select(
        *keys,
        *[amount.label(name) for name, amount in amounts.items()],
        running.label("running"),
        *[amount.label(name) for name, amount in ended.items()],
    )


def _is(column: Any, value: str) -> ColumnElement[int]:
    return case((column == value, 1), else_=0)


def _pieces(
    connection: Connection,
    start_ms: int,
    end_ms: int,
    spans: Sequence[Span],
    *,
    keep_start: bool = False,
) -> list[Piece]:
    """The range in pieces. Where nothing is before or after it, it may as well take in the whole
    year that it begins or ends in: fewer and larger pieces. Where retention has deleted requests,
    an edge is moved back to the quarter of an hour, which is kept of them."""
    kept_from = connection.execute(_KEPT_FROM).scalar() or 0
    first_row, last_row, first_hour, last_hour = bounds(connection)
    if not keep_start and start_ms < kept_from:
        start_ms = floor("quarter", start_ms)
    if end_ms < kept_from:
        end_ms = floor("quarter", end_ms)
    first = first_hour if first_hour is not None and first_hour < kept_from else first_row
    if (first is None or start_ms <= first) and not keep_start:
        start_ms = floor("year", start_ms)
    last = max((at for at in (last_row, last_hour) if at is not None), default=end_ms)
    if spans and last < end_ms:
        end_ms = following("year", last)
    found: list[Piece] = []
    for piece in pieces(start_ms, end_ms, spans):
        found += _without_deleted(piece, kept_from) if piece.span == "row" else [piece]
    return found


_KEPT_FROM = select(Horizon.kept_from).where(Horizon.kind == "requests")


def _without_deleted(piece: Piece, kept_from: int) -> list[Piece]:
    """Of a piece of rows, those before `kept_from` as what is kept of them, by the quarter."""
    between = min(max(kept_from, piece.start), piece.end)
    found = [Piece("quarter", piece.start, between), Piece("row", between, piece.end)]
    return [part for part in found if part.start < part.end]


def activity(connection: Connection) -> tuple[int | None, int | None]:
    """When the first and the last request were made; the hour of it where it is deleted."""
    first_row, last_row, first_hour, last_hour = bounds(connection)
    first = first_row
    if first_hour is not None and (first_row is None or first_hour < floor("hour", first_row)):
        first = first_hour
    return first, last_hour if last_row is None else last_row
