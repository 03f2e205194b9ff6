"""Every read behind a page or a report.

A range is `start_ms` ≤ `started_at` < `end_ms`, in UTC epoch milliseconds. Requests of every status
count, a running one with what is known of it so far; a request belongs whole to the moment it
started. Energy sums are over what is known, beside a count of the requests of which it is not.
Two queries on the same range add up to the same totals.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Label,
    Select,
    Subquery,
    case,
    cast,
    func,
    literal_column,
    select,
    union_all,
)

from db import usage_sources
from db.connect import reading
from db.energy_minutes import BASES, COMPLETE, JOULES, SOURCES, TIMES, whole_sum
from db.energy_ranges import bucket_of_rows, read, rows_within
from db.ids import now_ms
from db.memberships import team_name_at
from db.schema import Developer, Meta, MonthlyUse, Request, Team
from db.spans import HOUR_MS
from db.usage import TIME_MEASURES
from db.usage_pieces import activity
from db.uses import EVERY_USE, Uses


@dataclass(frozen=True, slots=True)
class Totals:
    """A range in figures. `energy_j` None: requests were made, but of none is the energy known.

    `energy_unknown` counts requests without any energy figure, `energy_partial` those with a lower
    bound; `estimated_counts` those whose tokens are an estimate.
    """

    requests: int
    running: int
    ok: int
    errors: int
    cancelled: int
    interrupted: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    estimated_counts: int
    energy_j: float | None
    energy_unknown: int
    energy_partial: int
    developers: int


@dataclass(frozen=True, slots=True)
class EnergyTotals:
    """What the meters read, None where nothing was read:

        total_j = attributed_j + idle_j + overhead_j + loading_j + other_j

    `uncertainty_j` is half the width of the total's interval: the errors of one meter are alike in
    all its readings, so they add up; None where it was not kept. `complete_j` is the part of the
    total read while no device was missing.

    `covered_s` is the time for which the reading is complete, on every machine; `partial_s` that
    in which a device was missing, `unknown_s` that in which meters ran but gave nothing. `by_basis`
    splits `total_j`; `sources` are the meters it came from.
    """

    total_j: float | None
    attributed_j: float | None
    idle_j: float | None
    overhead_j: float | None
    loading_j: float | None
    other_j: float | None
    uncertainty_j: float | None
    complete_j: float | None
    covered_s: float
    partial_s: float
    unknown_s: float
    by_basis: dict[str, float]
    sources: list[str]


@dataclass(frozen=True, slots=True)
class Activity:
    """When requests were first and last made (UTC epoch milliseconds)."""

    first_ms: int
    last_ms: int


def started_within(start_ms: int, end_ms: int) -> ColumnElement[bool]:
    return (Request.started_at >= start_ms) & (Request.started_at < end_ms)


def _sum(column: Any) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


_MEASURES = (
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "estimated_counts",
    "energy_unknown",
    "energy_partial",
    "energy_j",
)


def _figures(usage: Subquery) -> list[ColumnElement[Any]]:
    """The figures of `Totals` over rows of a source in `db.usage_sources`."""
    u = usage.c
    counts = ("running", "ok", "errors", "cancelled", "interrupted", *_MEASURES[:-1])
    return [*[_sum(u[name]).label(name) for name in counts], _joules_of(usage)]


def _joules_of(usage: Subquery) -> ColumnElement[Any]:
    """Their energy; NULL where it is known of none."""
    u = usage.c
    known = (func.sum(u.requests) > func.sum(u.energy_unknown + u.running)) | (
        func.sum(u.energy_j) > 0
    )
    return case((known, func.sum(u.energy_j))).label("energy_j")


def totals(
    engine: Engine,
    start_ms: int,
    end_ms: int,
    developer_id: int | None = None,
    *,
    uses: Uses = EVERY_USE,
) -> Totals:
    """The whole range, or one developer's part of it."""
    with reading(engine) as connection:
        usage = usage_sources.by_developer(
            connection, start_ms, end_ms, _MEASURES, uses, developer_id
        )
        developers = func.count(usage.c.developer_id.distinct()).label("developers")
        query = select(*_figures(usage), developers).where(usage.c.requests > 0)
        figures = dict(connection.execute(query).mappings().one())
    if figures["requests"] == 0:
        figures["energy_j"] = 0.0
    return Totals(**figures)


def by_developer(
    engine: Engine, start_ms: int, end_ms: int, uses: Uses = EVERY_USE
) -> pd.DataFrame:
    """One row for each developer with requests in the range, by name.

    Columns: developer_id, developer (the name now), team (now), archived, the figures of `Totals`
    (energy_j NaN where unknown).
    """
    with reading(engine) as connection:
        usage = usage_sources.by_developer(connection, start_ms, end_ms, _MEASURES, uses)
        figures = (
            select(usage.c.developer_id, *_figures(usage))
            .group_by(usage.c.developer_id)
            .having(func.sum(usage.c.requests) > 0)
            .subquery()
        )
        query = (
            select(
                Developer.id.label("developer_id"),
                Developer.name.label("developer"),
                team_name_at(Developer.id, now_ms()).label("team"),
                Developer.archived_at.is_not(None).label("archived"),
                *[column for column in figures.c if column.name != "developer_id"],
            )
            .join(figures, figures.c.developer_id == Developer.id)
            .order_by(Developer.name)
        )
        return read(connection, query, floats=("energy_j",))


def by_developer_and_team(
    engine: Engine, start_ms: int, end_ms: int, uses: Uses = EVERY_USE
) -> pd.DataFrame:
    """`by_developer`'s figures with a row for each team that the developer was in when asking.

    Columns: developer_id, developer, team_id (0: no team), team (the name now; None: no team), the
    figures of `Totals` (energy_j NaN where unknown).
    """
    with reading(engine) as connection:
        usage = usage_sources.by_developer(connection, start_ms, end_ms, _MEASURES, uses)
        keys = (usage.c.developer_id, usage.c.team_id)
        figures = (
            select(*keys, *_figures(usage))
            .group_by(*keys)
            .having(func.sum(usage.c.requests) > 0)
            .subquery()
        )
        query = (
            select(
                Developer.id.label("developer_id"),
                Developer.name.label("developer"),
                figures.c.team_id,
                Team.name.label("team"),
                *[column for column in figures.c if column.name not in ("developer_id", "team_id")],
            )
            .join(figures, figures.c.developer_id == Developer.id)
            .outerjoin(Team, Team.id == figures.c.team_id)
            .order_by(Developer.name, figures.c.team_id)
        )
        return read(connection, query, floats=("energy_j",))


def by_team(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """One row for each team with requests in the range, by name: a request counts to the team that
    its developer was in then.

    Columns: team_id (0: no team), team (the name now; None: no team), developers, the figures of
    `Totals` (energy_j NaN where unknown).
    """
    with reading(engine) as connection:
        usage = usage_sources.by_developer(connection, start_ms, end_ms, _MEASURES)
        figures = (
            select(
                usage.c.team_id,
                func.count(usage.c.developer_id.distinct()).label("developers"),
                *_figures(usage),
            )
            .where(usage.c.requests > 0)
            .group_by(usage.c.team_id)
            .subquery()
        )
        query = (
            select(
                figures.c.team_id,
                Team.name.label("team"),
                *[column for column in figures.c if column.name != "team_id"],
            )
            .outerjoin(Team, Team.id == figures.c.team_id)
            .order_by(Team.name.nulls_first())
        )
        return read(connection, query, floats=("energy_j",))


def timeline(
    engine: Engine, start_ms: int, end_ms: int, bucket_ms: int, uses: Uses = EVERY_USE
) -> pd.DataFrame:
    """Requests per time bucket; buckets without any are left out.

    Buckets of `bucket_ms` begin at `start_ms` (start at a local midnight for local days). Of one
    team, model or engine, an hour of UTC counts to the bucket in which it begins.
    Columns: bucket_ms (its start), requests, input_tokens, cached_input_tokens, output_tokens,
    energy_j (NaN where unknown), energy_unknown.
    """
    with reading(engine) as connection:
        usage = _by_time(connection, start_ms, end_ms, bucket_ms, uses)
        counts = [name for name in TIME_MEASURES if name != "energy_j"]
        query = (
            select(
                bucket_of(usage.c.at, start_ms, bucket_ms),
                *[_sum(usage.c[name]).label(name) for name in counts],
                _joules_of(usage),
            )
            .group_by(literal_column("bucket_ms"))
            .having(func.sum(usage.c.requests) > 0)
            .order_by(literal_column("bucket_ms"))
        )
        return read(connection, query, floats=("energy_j",))


def _by_time(
    connection: Connection, start_ms: int, end_ms: int, bucket_ms: int, uses: Uses
) -> Subquery:
    """With the key `at`, a moment in the row's bucket. What all requests add up to is kept by time
    alone, but a team's, a model's and an engine's by the hour."""
    if uses == EVERY_USE:
        return usage_sources.by_time(connection, start_ms, end_ms, bucket_ms)
    parts = usage_sources.by_developer_over_time(
        connection,
        start_ms,
        end_ms,
        TIME_MEASURES,
        longest="hour" if bucket_ms >= HOUR_MS else "row",
        uses=uses,
    )
    rows = union_all(*parts).subquery()
    at = case((rows.c.at < start_ms, start_ms), else_=rows.c.at).label("at")
    others = [column for column in rows.c if column.name != "at"]
    return select(at, *others).subquery()


def energy_between(engine: Engine, start_ms: int, end_ms: int) -> EnergyTotals:
    """What the meters read in the minutes that the range touches, begun ones included whole."""
    with reading(engine) as connection:
        rows = rows_within(connection, BASES, start_ms, end_ms)
        joules = connection.execute(select(*_joules(rows))).mappings().one()
        basis, total_j = rows.c.basis, func.sum(rows.c.total_j)
        bases = select(basis, total_j).group_by(basis).having(total_j.is_not(None)).order_by(basis)
        by_basis: dict[str, float] = dict(connection.execute(bases).all())
        rows = rows_within(connection, SOURCES, start_ms, end_ms)
        sources = select(rows.c.source).group_by(rows.c.source).order_by(rows.c.source)
        named = list(connection.execute(sources).scalars())
        rows = rows_within(connection, TIMES, start_ms, end_ms)
        seconds = connection.execute(select(*_seconds(rows))).mappings().one()
    return EnergyTotals(**joules, **seconds, by_basis=by_basis, sources=named)


def energy_timeline(engine: Engine, start_ms: int, end_ms: int, bucket_ms: int) -> pd.DataFrame:
    """What the meters read per time bucket (a whole number of minutes); empty ones are left out.

    Columns: bucket_ms (its start), and as in `EnergyTotals` the joules (NaN where unknown),
    covered_s, partial_s, unknown_s.
    """
    frames = []
    with reading(engine) as connection:
        for rollup, sums in ((BASES, _joules), (TIMES, _seconds)):
            rows = rows_within(connection, rollup, start_ms, end_ms, bucket_ms)
            bucket, found = bucket_of_rows(rows, start_ms, bucket_ms), sums(rows)
            query = select(bucket, *found).group_by(bucket).order_by(bucket)
            frames.append(read(connection, query, floats=[each.name for each in found]))
    joules, seconds = frames  # a minute has both, so these have the same buckets
    return joules.merge(seconds, on="bucket_ms")


def _joules(rows: Subquery) -> list[Label[Any]]:
    """Sums over rows of `db.energy_minutes.BASES`. A sum passes over NULL, but a total of which a
    part's uncertainty is not known has none that is."""
    r = rows.c
    sure = (func.sum(r.accuracy_unknown) == 0) & (func.sum(r.accuracy_kept) > 0)
    complete = case((r.basis.in_(COMPLETE), r.total_j))
    return [
        *[func.sum(r[name]).label(name) for name in JOULES],
        func.sum(complete).label("complete_j"),
        case((sure, func.sum(r.uncertainty_j))).label("uncertainty_j"),
    ]


def _seconds(rows: Subquery) -> list[Label[Any]]:
    names = ("covered", "partial", "unknown")
    sums = [func.coalesce(whole_sum(rows.c[f"{name}_ms"]), 0) / 1000.0 for name in names]
    return [each.label(f"{name}_s") for each, name in zip(sums, names, strict=True)]


def month_use(engine: Engine, month: str) -> pd.DataFrame:
    """What each key used in a UTC month (`YYYY-MM`), as budgets count it: requests and tokens once
    a request has ended, joules as they are booked.

    Columns: developer_id, api_key_id (0: the dashboard's own chat), requests, input_tokens,
    output_tokens, energy_j.
    """
    query = (
        select(
            MonthlyUse.developer_id,
            MonthlyUse.api_key_id,
            MonthlyUse.requests,
            MonthlyUse.input_tokens,
            MonthlyUse.output_tokens,
            MonthlyUse.energy_j,
        )
        .where(MonthlyUse.month == month)
        .order_by(MonthlyUse.developer_id, MonthlyUse.api_key_id)
    )
    return read_frame(engine, query, floats=("energy_j",))


def first_activity(engine: Engine) -> Activity | None:
    """When the first and the last request were made; None on an empty ledger. To the hour, where
    retention has deleted it."""
    with reading(engine) as connection:
        first, last = activity(connection)
    return None if first is None or last is None else Activity(first, last)


def is_sample(engine: Engine) -> bool:
    """Whether the database says of itself that its rows are made up."""
    with reading(engine) as connection:
        return (
            connection.execute(select(Meta.value).where(Meta.key == "sample")).first() is not None
        )


def bucket_of(column: Any, start_ms: int, bucket_ms: int) -> ColumnElement[int]:
    if bucket_ms <= 0:
        raise ValueError(f"A bucket lasts at least a millisecond, not {bucket_ms}.")
    bucket: ColumnElement[int] = (column - (column - start_ms) % bucket_ms).label("bucket_ms")
    return bucket


def read_frame(
    engine: Engine, query: Select[*tuple[Any, ...]], floats: tuple[str, ...]
) -> pd.DataFrame:
    """The rows as a DataFrame; columns named in `floats` have NaN for NULL even if all are."""
    with reading(engine) as connection:
        return read(connection, query, floats)
