"""Every read behind the Energy page.

A range is `start_ms` ≤ t < `end_ms`, in UTC epoch milliseconds; minutes that it touches count
whole, requests belong whole to the moment they started. Sums are over what is known.

The uncertainty of a sum is the plain sum of its parts' uncertainties: a meter is off by the same
part of every reading, so its errors do not average out. `accuracy_unknown_j` are the joules for
which none was kept; they are not in it.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Subquery,
    case,
    cast,
    func,
    or_,
    select,
)

from db import usage_sources
from db.connect import reading
from db.energy_minutes import BASES, MACHINES, METERS, TIMES, whole_sum
from db.energy_ranges import bucket_of_rows, read, rows_within
from db.schema import Developer, EnergyTime
from db.spans import HOUR_MS, QUARTER_MS
from db.usage import MEASURES
from db.uses import EVERY_USE, Uses

PARTS = ("attributed_j", "overhead_j", "idle_j", "loading_j", "other_j")


_ACCURACY = ("uncertainty_j", "accuracy_unknown_j")


def energy_by_time(engine: Engine, start_ms: int, end_ms: int, bucket_ms: int) -> pd.DataFrame:
    """Where the joules went, per time bucket (whole minutes, from `start_ms` on) and basis.

    Columns: bucket_ms (its start), basis, total_j and the `PARTS` that it is the sum of (NaN where
    unknown), uncertainty_j (NaN where none was kept), accuracy_unknown_j, and the milliseconds
    partial_ms (on the basis `partial`) in which a device was missing and unknown_ms (on `unknown`)
    in which there was no reading, each on any machine.
    """
    with reading(engine) as connection:
        rows = rows_within(connection, BASES, start_ms, end_ms, bucket_ms)
        bucket, basis = bucket_of_rows(rows, start_ms, bucket_ms), rows.c.basis
        names = ("total_j", *PARTS)
        joules = select(bucket, basis, *_joules(rows, names)).group_by(bucket, basis)
        found = read(connection, joules.order_by(bucket, basis), floats=(*names, *_ACCURACY))
        rows = rows_within(connection, TIMES, start_ms, end_ms, bucket_ms)
        bucket = bucket_of_rows(rows, start_ms, bucket_ms)
        silent = ("partial_ms", "unknown_ms")
        sums = [whole_sum(rows.c[name]).label(name) for name in silent]
        times = read(connection, select(bucket, *sums).group_by(bucket), floats=())
    found = found.merge(times, on="bucket_ms", how="left")
    for name in silent:
        found[name] = found[name].where(found["basis"] + "_ms" == name, 0)
    return found


def energy_by_quarter(
    engine: Engine,
    start_ms: int,
    end_ms: int,
    *,
    whole_hours: bool = False,
    changes: Sequence[int] = (),
) -> pd.DataFrame:
    """All that the meters read, per quarter of an hour: fine enough for every zone's hours. With
    `whole_hours` per hour of UTC, which has a quarter of the rows, but in quarters for an hour in
    which one of the `changes` lies, and at the range's edges.

    Columns: bucket_ms (its start), total_j (NaN where unknown), uncertainty_j (NaN where none was
    kept), accuracy_unknown_j.
    """
    span = "hour" if whole_hours else "quarter"
    with reading(engine) as connection:
        rows = rows_within(connection, BASES, start_ms, end_ms, longest=span, apart=changes)
        return _totals(connection, rows, bucket_of_rows(rows, 0, QUARTER_MS))


def energy_by_hour(engine: Engine, start_ms: int, end_ms: int, begin_ms: int) -> pd.DataFrame:
    """The same per hour that begins `begin_ms` after UTC's, a multiple of a quarter of an hour, as
    India's do by half of one."""
    with reading(engine) as connection:
        rows = rows_within(connection, BASES, start_ms, end_ms, longest="quarter")
        return _totals(connection, rows, bucket_of_rows(rows, begin_ms, HOUR_MS))


def _totals(connection: Connection, rows: Subquery, bucket: ColumnElement[int]) -> pd.DataFrame:
    query = select(bucket, *_joules(rows, ["total_j"])).group_by(bucket).order_by(bucket)
    return read(connection, query, floats=("total_j", *_ACCURACY))


def _joules(rows: Subquery, names: Sequence[str]) -> list[ColumnElement[Any]]:
    kept = func.sum(rows.c.accuracy_kept) > 0
    return [
        *[func.sum(rows.c[name]).label(name) for name in names],
        case((kept, func.sum(rows.c.uncertainty_j))).label("uncertainty_j"),
        func.sum(rows.c.accuracy_unknown_j).label("accuracy_unknown_j"),
    ]


_MEASURES = tuple(name for name in MEASURES if not name.endswith("tokens") or "told" in name)


def _work(usage: Subquery) -> list[ColumnElement[Any]]:
    """What requests used, as `work_by_developer` says, over rows of a source."""
    u = usage.c
    known = func.sum(u.requests) > func.sum(u.energy_unknown + u.running)
    sums: dict[str, ColumnElement[Any]] = {
        name: func.sum(u[name])
        if name.endswith("_j")
        else cast(func.coalesce(func.sum(u[name]), 0), BigInteger)
        for name in _MEASURES
    }
    sums["energy_j"] = case((or_(known, sums["energy_j"] > 0), sums["energy_j"]))
    sums["uncertainty_j"] = case((sums["accuracy_kept"] > 0, sums["uncertainty_j"]))
    for name in ("told_energy_j", "told_prefill_j", "told_uncertainty_j"):
        sums[name] = case((sums["told"] > 0, sums[name]))
    del sums["accuracy_kept"]
    return [amount.label(name) for name, amount in sums.items()]


def work_by_developer(
    engine: Engine, start_ms: int, end_ms: int, uses: Uses = EVERY_USE
) -> pd.DataFrame:
    """What each developer's requests used.

    Columns: developer_id, developer (the name now), requests, energy_unknown and energy_partial
    (how many of them), energy_j, uncertainty_j (NaN: none), accuracy_unknown_j; and the same over
    the requests that joules per token are told of: told (how many), told_uncached_input_tokens,
    told_output_tokens, told_energy_j, told_prefill_j, told_uncertainty_j, told_accuracy_unknown_j.
    """
    with reading(engine) as connection:
        usage = usage_sources.by_developer(connection, start_ms, end_ms, _MEASURES, uses)
        figures = (
            select(usage.c.developer_id, *_work(usage))
            .group_by(usage.c.developer_id)
            .having(func.sum(usage.c.requests) > 0)
            .subquery()
        )
        columns = [column for column in figures.c if column.name != "developer_id"]
        query = (
            select(figures.c.developer_id, Developer.name.label("developer"), *columns)
            .join(Developer, Developer.id == figures.c.developer_id)
            .order_by(Developer.name)
        )
        return read(connection, query, floats=_WORK_FLOATS)


def work_by_model(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """What requests used, in groups of one model, engine, number of experts and status.

    Columns: model, engine, experts (a token's routed experts on average, rounded; NaN: not told),
    status, and those of `work_by_developer` from `requests` on.
    """
    with reading(engine) as connection:
        usage = usage_sources.by_model(connection, start_ms, end_ms, _MEASURES)
        group = (usage.c.model, usage.c.engine, usage.c.experts, usage.c.status)
        query = (
            select(*group, *_work(usage))
            .group_by(*group)
            .having(func.sum(usage.c.requests) > 0)
            .order_by(*group)
        )
        frame = read(connection, query, floats=("experts", *_WORK_FLOATS))
    return frame.assign(experts=frame["experts"].where(frame["experts"] >= 0))


_WORK_FLOATS = tuple(name for name in _MEASURES if name.endswith("_j"))


def meters(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """Each meter's devices, and what they read. `kind`, `basis` and `accuracy` are the newest.

    Columns: machine, meter, device, kind, basis, accuracy, energy_j (NaN: nothing was read),
    known_ms, unknown_ms, last_ms (the start of the last minute with a reading; NA: none).
    """
    with reading(engine) as connection:
        r = rows_within(connection, METERS, start_ms, end_ms).c
        facts = (r.machine, r.meter, r.device, r.kind, r.basis, r.accuracy)
        query = select(
            *facts,
            case((whole_sum(r.known_ms) > 0, func.sum(r.energy_j))).label("energy_j"),
            whole_sum(r.known_ms).label("known_ms"),
            whole_sum(r.unknown_ms).label("unknown_ms"),
            func.nullif(func.max(r.read_at), 0).label("last_ms"),
            func.max(r.told_at).label("told_ms"),
        ).group_by(*facts)
        found = read(connection, query, floats=("accuracy", "energy_j"))
    frame = found.astype({"last_ms": "Int64"})
    device = ["machine", "meter", "device"]
    # A meter's accuracy changes when somebody corrects it; the device stays one line.
    grouped = frame.sort_values("told_ms", kind="stable").groupby(device, as_index=False)
    return grouped.agg(
        kind=("kind", "last"),
        basis=("basis", "last"),
        accuracy=("accuracy", "last"),
        energy_j=("energy_j", lambda joules: joules.sum(min_count=1)),
        known_ms=("known_ms", "sum"),
        unknown_ms=("unknown_ms", "sum"),
        last_ms=("last_ms", "max"),
    ).astype({"energy_j": float, "last_ms": "Int64"})


def whole_and_parts(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """For machines that a meter reads as a whole, its joules beside those of the parts' meters,
    over the minutes in which one meter of the whole and all of the parts' read without a gap. Those
    in which a part was estimated, so that the whole's reading took its place, have their own row.

    Columns: machine, estimated (1: one of the parts was, else 0), minutes, whole_j, parts_j.
    """
    with reading(engine) as connection:
        r = rows_within(connection, MACHINES, start_ms, end_ms).c
        minutes = whole_sum(r.minutes)
        query = (
            select(
                r.machine,
                r.estimated,
                minutes.label("minutes"),
                func.sum(r.whole_j).label("whole_j"),
                func.sum(r.parts_j).label("parts_j"),
            )
            .group_by(r.machine, r.estimated)
            .having(minutes > 0)
            .order_by(r.machine, r.estimated)
        )
        return read(connection, query, floats=("whole_j", "parts_j"))


def has_energy(engine: Engine) -> bool:
    """Whether any meter has told anything yet, be it that it knows nothing."""
    with reading(engine) as connection:
        return connection.execute(select(EnergyTime.start_at).limit(1)).first() is not None
