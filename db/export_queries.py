"""Reads for exports, in pieces: none holds a snapshot for longer than it takes to read one.

A range is `start_ms` ≤ t < `end_ms`, in UTC epoch milliseconds. What is written between two pieces
is in the later one, and rows never move between them: a request keeps the time it started at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Engine, Row, Select, case, cast, func, or_, select

from db.connect import reading
from db.queries import started_within
from db.schema import ApiKey, Developer, Request, Team, UsageHour

HOUR_MS = 3_600_000

_COUNTED = (
    "requests",
    "ok",
    "errors",
    "cancelled",
    "interrupted",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "estimated_counts",
    "energy_unknown",
    "energy_partial",
    "accuracy_kept",
)
_JOULES = ("energy_j", "uncertainty_j")
_STATUSES = {"ok": "ok", "errors": "error", "cancelled": "cancelled", "interrupted": "interrupted"}


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


def usage_span(engine: Engine) -> tuple[int, int] | None:
    """From when to when there is any usage, in whole hours; None where there is none."""
    hours = select(func.min(UsageHour.start_at), func.max(UsageHour.start_at))
    with reading(engine) as connection:
        first, last = connection.execute(hours).one()
    return None if first is None else (first, last + HOUR_MS)


def usage_of(engine: Engine, start_ms: int, end_ms: int, whose: Whose) -> list[dict[str, Any]]:
    """What each developer used in each team with each model, in requests that have ended.

    Whole hours (UTC) are read from what is kept of them, and the rest from the requests: a day
    begins within an hour in some zones. Keys: developer, team, model, requests and of them ok,
    errors, cancelled, interrupted, estimated_counts, energy_unknown, energy_partial and
    accuracy_kept; input_tokens, cached_input_tokens, output_tokens, energy_j, uncertainty_j.
    """
    first, last = -(-start_ms // HOUR_MS) * HOUR_MS, end_ms // HOUR_MS * HOUR_MS
    if first >= last:  # within one hour, or two
        reads = [_ended(start_ms, end_ms, whose)]
    else:
        edges = [(start_ms, first), (last, end_ms)]
        reads = [_hours(first, last, whose)]
        reads += [_ended(begin, end, whose) for begin, end in edges if begin < end]
    added: dict[tuple[Any, ...], dict[str, Any]] = {}
    with reading(engine) as connection:
        for query in reads:
            for row in connection.execute(query).mappings():
                key = (row["developer"], row["team"], row["model"])
                so_far = added.setdefault(
                    key,
                    dict(zip(("developer", "team", "model"), key, strict=True))
                    | dict.fromkeys(_COUNTED, 0)
                    | dict.fromkeys(_JOULES, 0.0),
                )
                for name in (*_COUNTED, *_JOULES):
                    so_far[name] += row[name] or 0
    return [added[key] for key in sorted(added, key=lambda key: tuple(str(part) for part in key))]


def _hours(start_ms: int, end_ms: int, whose: Whose) -> Select[*tuple[Any, ...]]:
    u = UsageHour
    figures: list[ColumnElement[Any]] = [
        _whole(case((u.status == status, u.requests), else_=0)).label(name)
        for name, status in _STATUSES.items()
    ]
    figures += [_whole(getattr(u, name)).label(name) for name in _COUNTED if name not in _STATUSES]
    figures += [func.sum(getattr(u, name)).label(name) for name in _JOULES]
    filters = [u.start_at >= start_ms, u.start_at < end_ms]
    if whose.developer_id is not None:
        filters.append(u.developer_id == whose.developer_id)
    if whose.team_id is not None:
        filters.append(u.team_id == whose.team_id)
    return (
        select(Developer.name.label("developer"), Team.name.label("team"), u.model, *figures)
        .join(Developer, Developer.id == u.developer_id)
        .outerjoin(Team, Team.id == u.team_id)
        .where(*filters)
        .group_by(Developer.name, Team.name, u.model)
    )


def _ended(start_ms: int, end_ms: int, whose: Whose) -> Select[*tuple[Any, ...]]:
    r = Request
    uncertain = r.energy_uncertainty_j.is_not(None)
    conditions: dict[str, ColumnElement[bool]] = {
        **{name: r.status == status for name, status in _STATUSES.items()},
        "estimated_counts": r.counts_exact.is_(False),
        "energy_unknown": r.energy_j.is_(None),
        "energy_partial": r.energy_basis == "partial",
        "accuracy_kept": uncertain,
    }
    figures: list[ColumnElement[Any]] = [func.count().label("requests")]
    figures += [_number(condition).label(name) for name, condition in conditions.items()]
    figures += [_whole(getattr(r, name)).label(name) for name in _COUNTED if "tokens" in name]
    figures += [func.sum(r.energy_j).label("energy_j")]
    figures += [func.sum(r.energy_uncertainty_j).label("uncertainty_j")]
    return (
        select(Developer.name.label("developer"), Team.name.label("team"), r.model, *figures)
        .join(Developer, Developer.id == r.developer_id)
        .outerjoin(Team, Team.id == r.team_id)
        .where(started_within(start_ms, end_ms), r.status != "running", *_of_requests(whose))
        .group_by(Developer.name, Team.name, r.model)
    )


def usage_by_team(engine: Engine, start_ms: int, end_ms: int) -> list[Row[Any]]:
    """What each team used, by the team that each request was made in; those in none as team 0.

    Columns: team_id, team (its name; NULL for none), requests, input_tokens, cached_input_tokens,
    output_tokens, energy_j (NULL where none is known), energy_unknown, energy_partial and
    energy_estimated (how many requests).
    """
    r = Request
    unknown = r.energy_j.is_(None) & (r.status != "running")
    figures = (
        select(
            func.coalesce(r.team_id, 0).label("team_id"),
            func.count().label("requests"),
            _whole(r.input_tokens).label("input_tokens"),
            _whole(r.cached_input_tokens).label("cached_input_tokens"),
            _whole(r.output_tokens).label("output_tokens"),
            func.sum(r.energy_j).label("energy_j"),
            _number(unknown).label("energy_unknown"),
            _number(r.energy_basis == "partial").label("energy_partial"),
            _number(r.energy_basis == "estimated").label("energy_estimated"),
        )
        .where(started_within(start_ms, end_ms))
        .group_by(func.coalesce(r.team_id, 0))
        .subquery()
    )
    columns = [column for column in figures.c if column.name != "team_id"]
    query = (
        select(figures.c.team_id, Team.name.label("team"), *columns)
        .outerjoin(Team, Team.id == figures.c.team_id)
        .order_by(figures.c.team_id)
    )
    with reading(engine) as connection:
        return list(connection.execute(query))


def teams(engine: Engine) -> dict[str, int]:
    """Every team's id by its name, archived ones too."""
    with reading(engine) as connection:
        rows = connection.execute(select(Team.name, Team.id).order_by(Team.name))
        return {row.name: row.id for row in rows}


def _of_requests(whose: Whose) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if whose.developer_id is not None:
        filters.append(Request.developer_id == whose.developer_id)
    if whose.team_id is not None:
        filters.append(Request.team_id == whose.team_id)
    return filters


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return _whole(case((condition, 1), else_=0))


def _whole(column: Any) -> ColumnElement[int]:
    """A sum of whole numbers, as one: PostgreSQL makes a NUMERIC of it."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)
