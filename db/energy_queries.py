"""Every read behind the Energy page.

A range is `start_ms` ≤ t < `end_ms`, in UTC epoch milliseconds; minutes that it touches count
whole, requests belong whole to the moment they started. Sums are over what is known.

The uncertainty of a sum is the plain sum of its parts' uncertainties: a meter is off by the same
part of every reading, so its errors do not average out. `accuracy_unknown_j` are the joules for
which none was kept; they are not in it.
"""

from typing import Any

import pandas as pd
from sqlalchemy import BigInteger, ColumnElement, Engine, Subquery, case, cast, func, or_, select

from db import usage_sources
from db.connect import reading
from db.queries import bucket_of, frame_of, minutes_within, read_frame
from db.schema import Developer, EnergyInterval, MeterReading
from db.usage import MEASURES

PARTS = ("attributed_j", "overhead_j", "idle_j", "loading_j", "other_j")
QUARTER_MS = 15 * 60_000  # local hours begin on a quarter of UTC's, in every zone and season

_I = EnergyInterval

_KNOWN = _I.total_j.is_not(None)
_MINUTES_ACCURACY_UNKNOWN = func.sum(
    case((_KNOWN & _I.uncertainty_j.is_(None), _I.total_j), else_=0.0)
).label("accuracy_unknown_j")


def energy_by_time(engine: Engine, start_ms: int, end_ms: int, bucket_ms: int) -> pd.DataFrame:
    """Where the joules went, per time bucket (whole minutes, from `start_ms` on) and basis.

    Columns: bucket_ms (its start), basis, total_j and the `PARTS` that it is the sum of (NaN where
    unknown), uncertainty_j (NaN where none was kept), accuracy_unknown_j, and the milliseconds
    covered_ms (of them partial_ms with a device missing) and unknown_ms.
    """
    bucket = bucket_of(_I.minute_at, start_ms, bucket_ms)
    query = (
        select(
            bucket,
            _I.basis,
            func.sum(_I.total_j).label("total_j"),
            *[func.sum(getattr(_I, part)).label(part) for part in PARTS],
            func.sum(_I.uncertainty_j).label("uncertainty_j"),
            _MINUTES_ACCURACY_UNKNOWN,
            func.sum(case((_KNOWN, _I.duration_ms), else_=0)).label("covered_ms"),
            func.sum(case((_I.basis == "partial", _I.duration_ms), else_=0)).label("partial_ms"),
            func.sum(case((_KNOWN, 0), else_=_I.duration_ms)).label("unknown_ms"),
        )
        .where(minutes_within(start_ms, end_ms))
        .group_by(bucket, _I.basis)
        .order_by(bucket, _I.basis)
    )
    floats = ("total_j", *PARTS, "uncertainty_j", "accuracy_unknown_j")
    return read_frame(engine, query, floats=floats)


def energy_by_quarter(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """All that the meters read, per quarter of an hour: fine enough for every zone's hours.

    Columns: bucket_ms (its start), total_j (NaN where unknown), uncertainty_j (NaN where none was
    kept), accuracy_unknown_j.
    """
    bucket = bucket_of(_I.minute_at, 0, QUARTER_MS)
    query = (
        select(
            bucket,
            func.sum(_I.total_j).label("total_j"),
            func.sum(_I.uncertainty_j).label("uncertainty_j"),
            _MINUTES_ACCURACY_UNKNOWN,
        )
        .where(minutes_within(start_ms, end_ms))
        .group_by(bucket)
        .order_by(bucket)
    )
    return read_frame(engine, query, floats=("total_j", "uncertainty_j", "accuracy_unknown_j"))


_MEASURES = tuple(name for name in MEASURES if not name.endswith("tokens") or "told" in name)
_COUNTS = tuple(name for name in _MEASURES if not name.endswith("_j"))


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


def work_by_developer(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """What each developer's requests used.

    Columns: developer_id, developer (the name now), requests, energy_unknown and energy_partial
    (how many of them), energy_j, uncertainty_j (NaN: none), accuracy_unknown_j; and the same over
    the requests that joules per token are told of: told (how many), told_uncached_input_tokens,
    told_output_tokens, told_energy_j, told_prefill_j, told_uncertainty_j, told_accuracy_unknown_j.
    """
    with reading(engine) as connection:
        usage = usage_sources.by_developer(connection, start_ms, end_ms)
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
        return frame_of(connection, query, floats=_FLOATS)


def work_by_model(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """What requests used, in groups of one model, engine, number of experts and status.

    Columns: model, engine, experts (a token's routed experts on average, rounded; NaN: not told),
    status, and those of `work_by_developer` from `requests` on.
    """
    with reading(engine) as connection:
        usage = usage_sources.by_model(connection, start_ms, end_ms)
        group = (usage.c.model, usage.c.engine, usage.c.experts, usage.c.status)
        query = (
            select(*group, *_work(usage))
            .group_by(*group)
            .having(func.sum(usage.c.requests) > 0)
            .order_by(*group)
        )
        frame = frame_of(connection, query, floats=("experts", *_FLOATS))
    return frame.assign(experts=frame["experts"].where(frame["experts"] >= 0))


_FLOATS = tuple(name for name in _MEASURES if name.endswith("_j"))


def meters(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """Each meter's devices, and what they read. `kind`, `basis` and `accuracy` are the newest.

    Columns: machine, meter, device, kind, basis, accuracy, energy_j (NaN: nothing was read),
    known_ms, unknown_ms, last_ms (the start of the last minute with a reading; NA: none).
    """
    m = MeterReading
    facts = (m.machine, m.meter, m.device, m.kind, m.basis, m.accuracy)
    minute = case((m.known_ms > 0, m.minute_at))
    query = (
        select(
            *facts,
            func.sum(case((m.known_ms > 0, m.energy_j))).label("energy_j"),
            func.sum(m.known_ms).label("known_ms"),
            func.sum(m.unknown_ms).label("unknown_ms"),
            func.max(minute).label("last_ms"),
            func.max(m.minute_at).label("told_ms"),
        )
        .where(m.minute_at > start_ms - 60_000, m.minute_at < end_ms)
        .group_by(*facts)
    )
    frame = read_frame(engine, query, floats=("accuracy", "energy_j")).astype({"last_ms": "Int64"})
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
    over the minutes in which one meter of the whole and all of the parts' read without a gap.

    Columns: machine, minutes, whole_j, parts_j, estimated (1: one of the parts is, else 0).
    """
    m = MeterReading
    whole = m.kind == "machine"
    meter_of_whole = case((whole, m.meter))
    minutes = (
        select(
            m.machine,
            func.sum(case((whole, m.energy_j))).label("whole_j"),
            func.sum(case((whole, None), else_=m.energy_j)).label("parts_j"),
            func.max(case((~whole & (m.basis == "estimated"), 1), else_=0)).label("estimated"),
        )
        .where(m.minute_at > start_ms - 60_000, m.minute_at < end_ms)
        .group_by(m.minute_at, m.machine)
        .having(
            func.sum(m.unknown_ms) == 0,
            func.min(meter_of_whole) == func.max(meter_of_whole),
        )
        .subquery()
    )
    query = (
        select(
            minutes.c.machine,
            func.count().label("minutes"),
            func.sum(minutes.c.whole_j).label("whole_j"),
            func.sum(minutes.c.parts_j).label("parts_j"),
            func.max(minutes.c.estimated).label("estimated"),
        )
        .where(minutes.c.whole_j.is_not(None), minutes.c.parts_j.is_not(None))
        .group_by(minutes.c.machine)
        .order_by(minutes.c.machine)
    )
    return read_frame(engine, query, floats=("whole_j", "parts_j"))


def has_energy(engine: Engine) -> bool:
    """Whether any meter has told anything yet, be it that it knows nothing."""
    with reading(engine) as connection:
        return connection.execute(select(_I.minute_at).limit(1)).first() is not None
