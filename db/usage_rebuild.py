"""Makes what requests add up to anew from the requests, and tells where the two differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    case,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
)

from db.schema import Request
from db.spans import DAY_MS, HOUR_MS, QUARTER_MS, Span, floor, following
from db.usage import (
    COUNTS,
    ENDED,
    EXPERTS,
    HOURS,
    MODELS,
    PERIODS,
    ROW,
    TEAM,
    TIMES,
    bounds,
    total,
)

_r = Request
_TOLERANCE = "1e-9"  # relative, of joules: for the rounding of many additions


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what it is made of adds up to: whole keys, by column."""

    table: str
    key: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Layer:
    """A table's rows of one span (None: the table has one) and the query that makes them."""

    table: Table
    span: Span | None
    query: Select[*tuple[Any, ...]]
    of_rows: bool = False


def rebuild(connection: Connection, rows_from: int | None = None) -> None:
    """Make the tables anew from all requests that have ended: minutes for 10 million.

    `rows_from`: requests that started before this (a whole hour, epoch ms) are deleted, so hours
    before it stay as they are; days, months and years are made anew from the hours.
    """
    if rows_from is None:
        for table in (HOURS, PERIODS, MODELS, TIMES):
            connection.execute(delete(table))
    for layer, start, end in _layers(connection, rows_from):
        connection.execute(delete(layer.table).where(*_within(layer, start, end)))
        names = [column.name for column in layer.query.selected_columns]
        connection.execute(insert(layer.table).from_select(names, layer.query))


def differences(
    connection: Connection, rows_from: int | None, most: int
) -> tuple[int, list[Difference]]:
    """How many rows are not what their requests, hours, days or months add up to, and the first of
    them.

    `rows_from`: requests that started before this (a whole hour, epoch ms) are deleted, so hours
    before it cannot be compared with them, but longer spans can be with shorter ones.
    """
    count, named = 0, list[Difference]()
    for layer, start, end in _layers(connection, rows_from):
        for row in connection.execute(_unequal(layer, start, end)).mappings():
            count += 1
            if len(named) < most:
                named.append(Difference(layer.table.name, dict(row)))
    return count, named


def _layers(connection: Connection, rows_from: int | None) -> Iterator[tuple[_Layer, int, int]]:
    """What each table and span is made of, and from when to when; each is made of one before it.
    A month at a time: less to sort."""
    for start, end in _every("month", connection):
        from_rows = max(start, rows_from or start)
        for layer in _of_month(start, end, from_rows):
            yield layer, from_rows if layer.of_rows else start, end
    for start, end in _every("year", connection):
        for table in (PERIODS, MODELS):
            yield _of_spans(table, "year", "month", start, end), start, end


def _every(span: Span, connection: Connection) -> Iterator[tuple[int, int]]:
    """Every UTC month or year that has requests or hours of them."""
    known = [at for at in bounds(connection) if at is not None]
    if not known:
        return
    start = floor(span, min(known))
    while start <= max(known):
        yield start, following(span, start)
        start = following(span, start)


def _of_month(start: int, end: int, rows_from: int) -> list[_Layer]:
    def of_rows(table: Table, span: Span | None, length_ms: int, keys: Sequence[Any]) -> _Layer:
        return _of_rows(table, span, length_ms, keys, rows_from, end)

    return [
        of_rows(HOURS, None, HOUR_MS, _DEVELOPER),
        _Layer(PERIODS, "day", _days(start, end)),
        _of_spans(PERIODS, "month", "day", start, end),
        of_rows(MODELS, "hour", HOUR_MS, _MODEL),
        _of_spans(MODELS, "day", "hour", start, end, DAY_MS),
        _of_spans(MODELS, "month", "day", start, end),
        of_rows(TIMES, "quarter", QUARTER_MS, ()),
        _of_spans(TIMES, "hour", "quarter", start, end, HOUR_MS),
    ]


def _of_spans(
    table: Table, span: Span, of: Span, start: int, end: int, length_ms: int | None = None
) -> _Layer:
    """From rows of a shorter span; `length_ms` None: all of them make one."""
    others = [column for column in table.primary_key if column.name not in _TIME_KEYS]
    at = [] if length_ms is None else [_floor(table.c.start_at, length_ms)]
    whole: list[ColumnElement[int]] = []
    if length_ms is None:
        whole = [literal_column(str(start)).label("start_at")]
    sums = [total(column.name, column) for column in table.c if not column.primary_key]
    query = select(*_name(span), *whole, *at, *others, *sums).group_by(*at, *others)
    within = (table.c.span == of, table.c.start_at >= start, table.c.start_at < end)
    return _Layer(table, span, query.where(*within))


_TIME_KEYS = ("span", "start_at")
_DEVELOPER = (_r.developer_id, TEAM.label("team_id"), _r.model, _r.engine, _r.status)
_MODEL = (_r.model, _r.engine, _r.status, EXPERTS.label("experts"))


def _of_rows(
    table: Table, span: Span | None, length_ms: int, keys: Sequence[Any], start: int, end: int
) -> _Layer:
    keys = [_floor(_r.started_at, length_ms), *keys]
    sums = [total(name, ROW[name]) for name in ROW if name in table.c]
    query = select(*_name(span), *keys, *sums).group_by(*keys)
    within = (ENDED, _r.started_at >= start, _r.started_at < end)
    return _Layer(table, span, query.where(*within), of_rows=True)


def split_hour(connection: Connection, hour: int) -> None:
    """Keep an hour (epoch ms) by its quarters, before its requests are deleted: local days of some
    zones begin on the half hour. They stand among the hours."""
    end = hour + HOUR_MS
    for layer in (
        _of_rows(HOURS, None, QUARTER_MS, _DEVELOPER, hour, end),
        _of_rows(MODELS, "hour", QUARTER_MS, _MODEL, hour, end),
    ):
        connection.execute(delete(layer.table).where(*_within(layer, hour, end)))
        names = [column.name for column in layer.query.selected_columns]
        connection.execute(insert(layer.table).from_select(names, layer.query))


def _name(span: Span | None) -> list[ColumnElement[str]]:
    return [] if span is None else [literal_column(f"'{span}'").label("span")]


def _floor(at: Any, length_ms: int) -> ColumnElement[int]:
    # Written out, since it is grouped by: PostgreSQL would not see that two parameters agree.
    floored: ColumnElement[int] = at - at % literal_column(str(length_ms))
    return floored.label("start_at")


def _days(start: int, end: int) -> Select[*tuple[Any, ...]]:
    """Days of developers from their hours, by how the requests ended."""
    h = HOURS.c
    keys = (_floor(h.start_at, DAY_MS), h.developer_id, h.team_id, h.model, h.engine)
    endings = [
        total(name, case((h.status == ending, h.requests), else_=0))
        for name, ending in COUNTS.items()
    ]
    sums = [total(name, h[name]) for name in ROW]
    query = select(*_name("day"), *keys, *endings, *sums).group_by(*keys)
    return query.where(h.start_at >= start, h.start_at < end)


def _within(layer: _Layer, start: int, end: int) -> list[ColumnElement[bool]]:
    """The rows of a layer's span that begin in this range."""
    at = layer.table.c.start_at
    span = [] if layer.span is None else [layer.table.c.span == layer.span]
    return [*span, at >= start, at < end]


def _unequal(layer: _Layer, start: int, end: int) -> Select[*tuple[Any, ...]]:
    """The keys of rows whose measures are not those of the query that makes them."""
    table, made = layer.table, layer.query.subquery()
    keys = [column.name for column in table.primary_key]
    measures = [column.name for column in table.c if column.name not in keys]
    kept = select(
        *[table.c[name] for name in keys], *[(-table.c[name]).label(name) for name in measures]
    ).where(*_within(layer, start, end))
    both = union_all(select(*[made.c[name] for name in (*keys, *measures)]), kept).subquery()
    differ = []
    for name in measures:
        off, amount = func.sum(both.c[name]), both.c[name]
        if name.endswith("_j"):
            bound: ColumnElement[float] = literal_column(_TOLERANCE) * (
                1 + func.sum(func.abs(amount))
            )
            differ.append(func.abs(off) > bound)
        else:
            differ.append(off != 0)
    names = [both.c[name] for name in keys]
    return select(*names).group_by(*names).having(or_(*differ))
