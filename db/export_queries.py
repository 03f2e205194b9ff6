"""Reads for exports, in pieces: none holds a snapshot for longer than it takes to read one.

A range is `start_ms` ≤ t < `end_ms`, in UTC epoch milliseconds. What is written between two pieces
is in the later one, and rows never move between them: a request keeps the time it started at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Engine, Row, cast, func, or_, select

from db.connect import reading
from db.queries import started_within
from db.schema import ApiKey, Developer, Request, Team
from db.usage_sources import by_developer_and_model

_JOULES = ("energy_j", "uncertainty_j")
_COUNTED = (
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "estimated_counts",
    "energy_unknown",
    "energy_partial",
    "accuracy_kept",
)
_MEASURES = (*_COUNTED, *_JOULES)
_KEYS = ("developer_id", "team_id", "model")
SUMMED = ("running", "ok", "errors", "cancelled", "interrupted", *_COUNTED)


@dataclass(frozen=True, slots=True)
class Whose:
    """Of whom: one developer, one team (as of each request's own day), or everybody."""

    developer_id: int | None = None
    team_id: int | None = None


EVERYBODY = Whose()


def requests_in_order(
    engine: Engine, start_ms: int, end_ms: int, whose: Whose, size: int
) -> Iterator[Sequence[Row[Any]]]:
    """Requests by time, `size` at once: the table's columns, then `team` and `key` (names, NULL
    where there is none)."""
    after: tuple[int, int] | None = None
    while rows := _requests_after(engine, start_ms, end_ms, whose, size, after):
        yield rows
        if len(rows) < size:
            return
        after = (rows[-1].started_at, rows[-1].id)


def _requests_after(
    engine: Engine,
    start_ms: int,
    end_ms: int,
    whose: Whose,
    size: int,
    after: tuple[int, int] | None,
) -> Sequence[Row[Any]]:
    begin = start_ms if after is None else after[0]
    query = (
        select(Request.__table__, Team.name.label("team"), ApiKey.name.label("key"))
        .outerjoin(Team, Team.id == Request.team_id)
        .outerjoin(ApiKey, ApiKey.id == Request.api_key_id)
        .where(started_within(begin, end_ms), *_of_requests(whose))
        .order_by(Request.started_at, Request.id)
        .limit(size)
    )
    if after is not None:
        query = query.where(or_(Request.started_at > after[0], Request.id > after[1]))
    with reading(engine) as connection:
        return connection.execute(query).all()


def usage_of(engine: Engine, start_ms: int, end_ms: int, whose: Whose) -> list[Row[Any]]:
    """What each developer used in each team with each model, by their names now.

    Columns: developer, team (NULL: none), model, the sums of `SUMMED`, and energy_j and
    uncertainty_j of the requests that have one.
    """
    with reading(engine) as connection:
        usage = by_developer_and_model(connection, start_ms, end_ms, _MEASURES)
        u = usage.c
        filters = [u.requests > 0]
        if whose.developer_id is not None:
            filters.append(u.developer_id == whose.developer_id)
        if whose.team_id is not None:
            filters.append(u.team_id == whose.team_id)
        figures = (
            select(
                *[u[name] for name in _KEYS],
                *[cast(func.sum(u[name]), BigInteger).label(name) for name in SUMMED],
                *[func.sum(u[name]).label(name) for name in _JOULES],
            )
            .where(*filters)
            .group_by(*[u[name] for name in _KEYS])
            .subquery()
        )
        f = figures.c
        query = (
            select(
                Developer.name.label("developer"),
                Team.name.label("team"),
                f.model,
                *[f[name] for name in (*SUMMED, *_JOULES)],
            )
            .join(Developer, Developer.id == f.developer_id)
            .outerjoin(Team, Team.id == f.team_id)
            .order_by(Developer.name, f.team_id, f.model)
        )
        return list(connection.execute(query))


def _of_requests(whose: Whose) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if whose.developer_id is not None:
        filters.append(Request.developer_id == whose.developer_id)
    if whose.team_id is not None:
        filters.append(Request.team_id == whose.team_id)
    return filters
