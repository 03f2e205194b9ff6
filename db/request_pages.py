"""Requests page by page, newest first, whatever is looked for and however long the ledger.

A page goes on from a row's (started_at, id); no rows are counted to be passed over. Of everybody,
of one developer and of one status there is an index by time. When a team, a model or an engine was
used is told by the days and hours of `db.schema.usage`, and in which months a key was by
`db.schema.MonthlyUse`, so that only hours, or a developer's months, with such a request are looked
at, and what is rare is found as fast as what is common.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    func,
    literal_column,
    select,
    tuple_,
    union,
)

from db.connect import reading
from db.months import bounds_of, month_of
from db.schema import ApiKey, MonthlyUse, Request
from db.spans import HOUR_MS, floor, following
from db.usage import COUNTS, HOURS, MODELS, PERIODS

NO_TEAM = 0
NULLABLE = (
    "first_token_at",
    "finished_at",
    "api_key_id",
    "team_id",
    "queue_ms",
    "ttft_ms",
    "duration_ms",
)
FLOATS = ("energy_j", "prefill_energy_j", "energy_uncertainty_j", "experts_active_mean")
_r = Request
_REQUESTS: Table = Request.__table__  # type: ignore[assignment]
_Direction = Literal["older", "newer"]
_Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Which:
    """What is looked for: `start_ms` ≤ started_at < `end_ms` (UTC epoch milliseconds), and all else
    that is not None. `team_id` is that of the developer then, 0 for none."""

    start_ms: int | None = None
    end_ms: int | None = None
    developer_id: int | None = None
    team_id: int | None = None
    model: str | None = None
    engine: str | None = None
    status: str | None = None
    api_key_ids: tuple[int, ...] | None = None


EVERY = Which()


@dataclass(frozen=True, slots=True)
class Named:
    """A key by its name, to be searched for."""

    id: int
    name: str
    developer_id: int


@dataclass(frozen=True, slots=True)
class Served:
    """The models and engines that requests were answered with, by name."""

    models: tuple[str, ...]
    engines: tuple[str, ...]


def recent_requests(
    engine: Engine,
    limit: int,
    before: tuple[int, int] | None = None,
    *,
    after: tuple[int, int] | None = None,
    which: Which = EVERY,
) -> pd.DataFrame:
    """Requests, newest first, with all the columns of the table, at most `limit`: the newest, those
    next `before` a row's (started_at, id), or those next `after` one.

    Ids are kept as Python integers' 64 bits; numbers that may be missing are pandas' nullable
    integers.
    """
    direction: _Direction = "older" if after is None else "newer"
    with reading(engine) as connection:
        reader = _Reader(connection, limit, direction, before if after is None else after)
        return _frame(reader.page(which))


def request_with_id(engine: Engine, request_id: int) -> pd.DataFrame:
    """The same of one request; no row where there is none."""
    with reading(engine) as connection:
        return _frame(_all(connection, select(_REQUESTS).where(_r.id == request_id)))


def served(engine: Engine) -> Served:
    """What there is to choose from."""
    kept = MODELS.c
    running = select(_r.model, _r.engine).where(*_is_running())
    query = union(select(kept.model, kept.engine).where(kept.span == "month"), running)
    with reading(engine) as connection:
        rows = _all(connection, query)
    return Served(*(tuple(sorted({row[place] for row in rows})) for place in (0, 1)))


def keys_named(
    engine: Engine, text: str, most: int, *, developer_ids: Collection[int] | None = None
) -> list[Named]:
    """Keys that have the text in their name, the last used first, at most `most`; those of some
    developers, where they are named."""
    query = (
        select(ApiKey.id, ApiKey.name, ApiKey.developer_id)
        .where(ApiKey.name.icontains(text, autoescape=True))
        .order_by(func.coalesce(ApiKey.last_used_at, ApiKey.created_at).desc(), ApiKey.id.desc())
        .limit(most)
    )
    if developer_ids is not None:
        query = query.where(ApiKey.developer_id.in_(developer_ids))
    with reading(engine) as connection:
        return [Named(*row) for row in connection.execute(query)]


class _Reader:
    """Reads one page in one direction from one row on."""

    def __init__(
        self,
        connection: Connection,
        limit: int,
        direction: _Direction,
        beside: tuple[int, int] | None,
    ) -> None:
        self._connection = connection
        self._limit = limit
        self._older = direction == "older"
        self._beside = beside

    def page(self, which: Which) -> _Rows:
        """The rows, newest first."""
        if which.api_key_ids == ():
            return []
        if not (_by_use(which) or which.api_key_ids):
            return self._rows(which, self._limit)[:: 1 if self._older else -1]
        rows: _Rows = []
        if which.status in (None, "running"):  # those are in no hour yet
            rows += self._rows(replace(which, status="running"), self._limit)
        if which.status != "running":
            rows += self._ended_by_key(which) if which.api_key_ids else self._ended(which)
        return sorted(self._next(rows), key=_when, reverse=True)

    def _next(self, rows: _Rows) -> _Rows:
        """Those of them that come next, the next one first."""
        return sorted(rows, key=_when, reverse=self._older)[: self._limit]

    def _ended_by_key(self, which: Which) -> _Rows:
        """Of keys, requests that do not run any more. They are looked for month by month among the
        requests of the keys' developers, which have an index; a key's have none."""
        rows: _Rows = []
        for month, users in groupby(self._months(which), key=itemgetter(0)):
            begins, ends = bounds_of(month)
            within = replace(
                which,
                start_ms=begins if which.start_ms is None else max(begins, which.start_ms),
                end_ms=ends if which.end_ms is None else min(ends, which.end_ms),
            )
            for _, developer_id, key_id in users:
                one = replace(within, developer_id=developer_id, api_key_ids=(key_id,))
                rows += self._first(self._days(one) if _by_use(one) else [one])
            if len(rows) >= self._limit:
                break
        return self._next(rows)

    def _months(self, which: Which) -> _Rows:
        """(month, developer, key) of each key in each month in which it was used, next first."""
        used = MonthlyUse
        start_ms, end_ms = self._bounds(which)
        query = select(used.month, used.developer_id, used.api_key_id).where(
            used.api_key_id.in_(which.api_key_ids or ()),
            used.month >= month_of(start_ms),
            used.month <= month_of(end_ms),
        )
        if which.developer_id is not None:
            query = query.where(used.developer_id == which.developer_id)
        return _all(
            self._connection, query.order_by(used.month.desc() if self._older else used.month)
        )

    def _ended(self, which: Which) -> _Rows:
        """Requests that do not run any more, of one team, model or engine."""
        return self._first(hour for day in self._days(which) for hour in self._hours(day))

    def _first(self, parts: Iterable[Which]) -> _Rows:
        """Of parts in their order, those that come next and do not run any more."""
        rows: _Rows = []
        for part in parts:
            rows += self._rows(part, self._limit - len(rows), _r.status != "running")
            if len(rows) >= self._limit:
                break
        return rows

    def _days(self, which: Which) -> Iterator[Which]:
        """The days that have such a request, the next one first: what of each is in the range."""
        for month in self._periods("month", which):
            yield from self._periods("day", month)

    def _periods(self, span: Literal["month", "day"], which: Which) -> Iterator[Which]:
        start_ms, end_ms = self._bounds(which)
        kept = PERIODS.c
        ended = [] if which.status is None else [kept[_COLUMNS[which.status]] > 0]
        query = self._times(kept.start_at, floor(span, start_ms), end_ms).where(
            kept.span == span, *_uses(PERIODS, which), *ended
        )
        for start in self._connection.scalars(query):
            end = following(span, start)
            yield replace(which, start_ms=max(start, start_ms), end_ms=min(end, end_ms))

    def _hours(self, day: Which) -> Iterator[Which]:
        """The same of a day's hours."""
        start_ms, end_ms = day.start_ms or 0, day.end_ms or 0
        hours = HOURS.c
        status = [] if day.status is None else [hours.status == day.status]
        query = self._times(hours.start_at, floor("hour", start_ms), end_ms).where(
            *_uses(HOURS, day), *status
        )
        starts = self._connection.scalars(query)
        # An hour that has partly outlived its retention is kept as its quarters.
        for hour, _ in groupby(floor("hour", start) for start in starts):
            yield replace(day, start_ms=max(hour, start_ms), end_ms=min(hour + HOUR_MS, end_ms))

    def _times(
        self, start_at: ColumnElement[int], start_ms: int, end_ms: int
    ) -> Select[*tuple[Any, ...]]:
        order = start_at.desc() if self._older else start_at.asc()
        within = (start_at >= start_ms, start_at < end_ms)
        return select(start_at).where(*within).group_by(start_at).order_by(order)

    @cached_property
    def _ends(self) -> tuple[int, int]:
        """When the first and the last request began."""
        first, last = (
            self._connection.execute(select(end(_r.started_at))).scalar() or 0
            for end in (func.min, func.max)
        )
        return first, last

    def _bounds(self, which: Which) -> tuple[int, int]:
        """The part of the range that has rows, and is on this side of the row to go on from."""
        first, last = self._ends
        start_ms = max(first, which.start_ms or 0)
        end_ms = last + 1 if which.end_ms is None else min(last + 1, which.end_ms)
        if self._beside is not None:
            if self._older:
                end_ms = min(end_ms, self._beside[0] + 1)
            else:
                start_ms = max(start_ms, self._beside[0])
        return start_ms, end_ms

    def _rows(self, which: Which, limit: int, *more: ColumnElement[bool]) -> _Rows:
        """By one of the indexes that end in `started_at`."""
        query = select(_REQUESTS).where(*_conditions(which), *more).limit(limit)
        place = tuple_(_r.started_at, _r.id)
        if self._beside is not None:
            beside = tuple_(*self._beside)
            query = query.where(place < beside if self._older else place > beside)
        if self._older:
            return _all(self._connection, query.order_by(_r.started_at.desc(), _r.id.desc()))
        return _all(self._connection, query.order_by(_r.started_at, _r.id))


_AT, _ID = _REQUESTS.c.keys().index("started_at"), _REQUESTS.c.keys().index("id")
_COLUMNS = {status: column for column, status in COUNTS.items()}


def _when(row: tuple[Any, ...]) -> tuple[int, int]:
    """A row's place."""
    return row[_AT], row[_ID]


def _by_use(which: Which) -> bool:
    """Whether something is looked for that no index on requests has."""
    return any(each is not None for each in (which.team_id, which.model, which.engine))


def _uses(table: Table, which: Which) -> list[ColumnElement[bool]]:
    """The same of a table of what requests add up to."""
    names = ("developer_id", "team_id", "model", "engine")
    asked = {name: getattr(which, name) for name in names}
    return [table.c[name] == value for name, value in asked.items() if value is not None]


def _conditions(which: Which) -> Iterator[ColumnElement[bool]]:
    if which.start_ms is not None:
        yield _r.started_at >= which.start_ms
    if which.end_ms is not None:
        yield _r.started_at < which.end_ms
    if which.developer_id is not None:
        yield _r.developer_id == which.developer_id
    if which.team_id is not None:
        yield _r.team_id.is_(None) if which.team_id == NO_TEAM else _r.team_id == which.team_id
    if which.model is not None:
        yield _r.model == which.model
    if which.engine is not None:
        yield _r.engine == which.engine
    if which.status is not None:
        yield _r.status == which.status
        if which.status != "ok":
            yield _r.status != literal_column("'ok'")  # as its index says it
    if which.api_key_ids is not None:
        yield _r.api_key_id.in_(which.api_key_ids)


def _is_running() -> tuple[ColumnElement[bool], ...]:
    return _r.status == "running", _r.status != literal_column("'ok'")


def _all(connection: Connection, query: Any) -> _Rows:
    return [tuple(row) for row in connection.execute(query)]


def _frame(rows: _Rows) -> pd.DataFrame:
    names = _REQUESTS.c.keys()
    columns = dict(zip(names, zip(*rows, strict=True), strict=False))
    found = pd.DataFrame(columns, columns=names)
    return found.astype(dict.fromkeys(NULLABLE, "Int64")).astype(dict.fromkeys(FLOATS, float))
