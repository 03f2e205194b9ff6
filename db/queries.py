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
    Select,
    Subquery,
    case,
    cast,
    func,
    literal_column,
    select,
    tuple_,
)

from db import usage_sources
from db.connect import reading
from db.ids import now_ms
from db.memberships import team_name_at
from db.schema import Developer, EnergyInterval, Meta, MonthlyUse, Request, Team
from db.usage import TIME_MEASURES


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


def minutes_within(start_ms: int, end_ms: int) -> ColumnElement[bool]:
    return (EnergyInterval.minute_at > start_ms - 60_000) & (EnergyInterval.minute_at < end_ms)


def _sum(column: Any) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _figures(usage: Subquery) -> list[ColumnElement[Any]]:
    """The figures of `Totals` over rows of a source in `db.usage_sources`."""
    u = usage.c
    counts = (
        "requests",
        "running",
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
    )
    return [*[_sum(u[name]).label(name) for name in counts], _joules_of(usage)]


def _joules_of(usage: Subquery) -> ColumnElement[Any]:
    """Their energy; NULL where it is known of none."""
    u = usage.c
    known = (func.sum(u.requests) > func.sum(u.energy_unknown + u.running)) | (
        func.sum(u.energy_j) > 0
    )
    return case((known, func.sum(u.energy_j))).label("energy_j")


def totals(engine: Engine, start_ms: int, end_ms: int, developer_id: int | None = None) -> Totals:
    """The whole range, or one developer's part of it."""
    with reading(engine) as connection:
        usage = usage_sources.by_developer(connection, start_ms, end_ms)
        developers = func.count(usage.c.developer_id.distinct()).label("developers")
        query = select(*_figures(usage), developers).where(usage.c.requests > 0)
        if developer_id is not None:
            query = query.where(usage.c.developer_id == developer_id)
        figures = dict(connection.execute(query).mappings().one())
    if figures["requests"] == 0:
        figures["energy_j"] = 0.0
    return Totals(**figures)


def by_developer(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """One row for each developer with requests in the range, by name.

    Columns: developer_id, developer (the name now), team (now), archived, the figures of `Totals`
    (energy_j NaN where unknown).
    """
    with reading(engine) as connection:
        usage = usage_sources.by_developer(connection, start_ms, end_ms)
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
        return frame_of(connection, query, floats=("energy_j",))


def by_team(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """One row for each team with requests in the range, by name: a request counts to the team that
    its developer was in then.

    Columns: team_id (0: no team), team (the name now; None: no team), developers, the figures of
    `Totals` (energy_j NaN where unknown).
    """
    with reading(engine) as connection:
        usage = usage_sources.by_developer(connection, start_ms, end_ms)
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
        return frame_of(connection, query, floats=("energy_j",))


def timeline(engine: Engine, start_ms: int, end_ms: int, bucket_ms: int) -> pd.DataFrame:
    """Requests per time bucket; buckets without any are left out.

    Buckets of `bucket_ms` begin at `start_ms` (start at a local midnight for local days).
    Columns: bucket_ms (its start), requests, input_tokens, cached_input_tokens, output_tokens,
    energy_j (NaN where unknown), energy_unknown.
    """
    with reading(engine) as connection:
        usage = usage_sources.by_time(connection, start_ms, end_ms, bucket_ms)
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
        return frame_of(connection, query, floats=("energy_j",))


_JOULES = (
    "total_j",
    "attributed_j",
    "idle_j",
    "overhead_j",
    "loading_j",
    "other_j",
    "uncertainty_j",
    "complete_j",
)
_COMPLETE = EnergyInterval.basis.in_(("measured", "estimated"))


def _energy_rows(start_ms: int, end_ms: int) -> Subquery:
    """Minutes of each machine and basis, and their milliseconds by how they are known."""
    e = EnergyInterval
    return (
        select(
            e.minute_at,
            e.machine,
            *[getattr(e, name) for name in _JOULES if name != "complete_j"],
            # A sum passes over NULL, but a total of which a part's uncertainty is not known has
            # none that is.
            case((e.total_j.is_not(None) & e.uncertainty_j.is_(None), 1), else_=0).label("unsure"),
            case((_COMPLETE, e.total_j)).label("complete_j"),
            case((_COMPLETE, e.duration_ms), else_=0).label("covered_ms"),
            case((e.basis == "partial", e.duration_ms), else_=0).label("partial_ms"),
            case((e.total_j.is_(None), e.duration_ms), else_=0).label("unknown_ms"),
        )
        .where(minutes_within(start_ms, end_ms))
        .subquery()
    )


def _energy_by_minute(start_ms: int, end_ms: int) -> Subquery:
    """One row a minute: joules over all machines. A minute is covered for as long as it is on every
    machine that has meters in it."""
    e = _energy_rows(start_ms, end_ms).c
    durations = ("covered_ms", "partial_ms", "unknown_ms")
    machine = (
        select(e.minute_at, *[func.sum(e[n]).label(n) for n in (*_JOULES, "unsure", *durations)])
        .group_by(e.minute_at, e.machine)
        .subquery()
    )
    m = machine.c
    return (
        select(
            m.minute_at,
            *[func.sum(m[name]).label(name) for name in (*_JOULES, "unsure")],
            func.min(m.covered_ms).label("covered_ms"),
            func.max(m.partial_ms).label("partial_ms"),
            func.max(m.unknown_ms).label("unknown_ms"),
        )
        .group_by(m.minute_at)
        .subquery()
    )


def _energy(connection: Connection, start_ms: int, end_ms: int) -> Subquery:
    """What sums over minutes are made of. Where there is one machine, its rows as they are: a year
    of them is added up in half the time."""
    machines = select(func.min(EnergyInterval.machine), func.max(EnergyInterval.machine)).where(
        minutes_within(start_ms, end_ms)
    )
    first, last = connection.execute(machines).one()
    if first == last:
        return _energy_rows(start_ms, end_ms)
    return _energy_by_minute(start_ms, end_ms)


def _energy_sums(minutes: Subquery) -> list[ColumnElement[Any]]:
    m = minutes.c
    sums: list[ColumnElement[Any]] = [
        func.sum(m[name]).label(name) for name in _JOULES if name != "uncertainty_j"
    ]
    sure = case((func.sum(m.unsure) == 0, func.sum(m.uncertainty_j)))
    durations = ("covered", "partial", "unknown")
    return [
        *sums,
        sure.label("uncertainty_j"),
        *[(_sum(m[f"{name}_ms"]) / 1000.0).label(f"{name}_s") for name in durations],
    ]


def energy_between(engine: Engine, start_ms: int, end_ms: int) -> EnergyTotals:
    """What the meters read in the minutes that the range touches, begun ones included whole."""
    bases = (
        select(EnergyInterval.basis, EnergyInterval.source, func.sum(EnergyInterval.total_j))
        .where(minutes_within(start_ms, end_ms) & EnergyInterval.total_j.is_not(None))
        .group_by(EnergyInterval.basis, EnergyInterval.source)
        .order_by(EnergyInterval.basis, EnergyInterval.source)
    )
    with reading(engine) as connection:
        read = connection.execute(bases).all()
        sums = select(*_energy_sums(_energy(connection, start_ms, end_ms)))
        figures = dict(connection.execute(sums).mappings().one())
    by_basis: dict[str, float] = {}
    for basis, _, joules in read:
        by_basis[basis] = by_basis.get(basis, 0.0) + (joules or 0.0)
    sources = sorted({source for _, source, _ in read})
    return EnergyTotals(**figures, by_basis=by_basis, sources=sources)


def energy_timeline(engine: Engine, start_ms: int, end_ms: int, bucket_ms: int) -> pd.DataFrame:
    """What the meters read per time bucket (a whole number of minutes); empty ones are left out.

    Columns: bucket_ms (its start), and as in `EnergyTotals` the joules (NaN where unknown),
    covered_s, partial_s, unknown_s.
    """
    with reading(engine) as connection:
        minutes = _energy(connection, start_ms, end_ms)
    bucket = bucket_of(minutes.c.minute_at, start_ms, bucket_ms)
    query = select(bucket, *_energy_sums(minutes)).group_by(bucket).order_by(bucket)
    return read_frame(engine, query, floats=(*_JOULES, "covered_s", "partial_s", "unknown_s"))


def recent_requests(
    engine: Engine,
    limit: int,
    before: tuple[int, int] | None = None,
    *,
    developer_id: int | None = None,
    status: str | None = None,
) -> pd.DataFrame:
    """Requests, newest first, with all the columns of the table, at most `limit`.

    The next page is the one with `before` = the last row's (started_at, id). Ids are kept as Python
    integers' 64 bits; numbers that may be missing are pandas' nullable integers.
    """
    newest_first = (Request.started_at.desc(), Request.id.desc())
    query = select(Request.__table__).order_by(*newest_first).limit(limit)
    if before is not None:
        query = query.where(tuple_(Request.started_at, Request.id) < tuple_(*before))
    if developer_id is not None:
        query = query.where(Request.developer_id == developer_id)
    if status is not None:
        query = query.where(Request.status == status)
        if status != "ok":
            query = query.where(Request.status != literal_column("'ok'"))  # as its index says it
    floats = ("energy_j", "prefill_energy_j", "energy_uncertainty_j", "experts_active_mean")
    frame = read_frame(engine, query, floats=floats)
    nullable = ["first_token_at", "finished_at", "api_key_id", "queue_ms", "ttft_ms", "duration_ms"]
    return frame.astype(dict.fromkeys(nullable, "Int64"))


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
        first, last = usage_sources.activity(connection)
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
        return frame_of(connection, query, floats)


def frame_of(
    connection: Connection, query: Select[*tuple[Any, ...]], floats: tuple[str, ...]
) -> pd.DataFrame:
    """As `read_frame`, within a snapshot that is open already."""
    result = connection.execute(query)
    frame = pd.DataFrame(result.all(), columns=list(result.keys()))
    return frame.astype(dict.fromkeys(floats, float))
