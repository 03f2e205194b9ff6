"""Deletes rows that are older than the retention, without standing in the gateway's way.

Each transaction deletes a few hundred rows, oldest first, and takes a few milliseconds; after it
comes a pause several times as long, in which the gateway's writer has the database to itself. The
horizon moves in the same transactions, so at any moment it tells what is complete.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, delete, select, union_all

from db.audit import note
from db.connect import writing
from db.retention import Kind, before, current, horizons
from db.schema import EnergyInterval, Horizon, MeterReading, Request
from db.spans import HOUR_MS
from db.upsert import upsert
from db.usage_rebuild import split_hour

log = logging.getLogger(__name__)

ACTOR = "retention"
LARGEST_BATCH = 500
SMALLEST_BATCH = 50
BATCH_S = 0.01  # a batch that took longer is followed by a smaller one
SHORTEST_PAUSE_S = 0.02
PAUSES = 4  # a pause lasts so many times as long as the batch before it

_horizons: Table = Horizon.__table__  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Removed:
    """Rows that were deleted: of requests, and of meters' minutes."""

    requests: int
    minutes: int


def expire(
    engine: Engine, *, stop: threading.Event | None = None, at: int | None = None
) -> Removed:
    """Delete what is older than the retention in force allows, until `stop` is set.

    Whatever it had deleted by then, or by a crash, is deleted for good; the next run goes on there.
    Several processes may run it at once.
    """
    stop = stop or threading.Event()
    kept = current(engine)
    counts: dict[str, int] = {"requests": 0, "minutes": 0}
    for kind, days, remove in (
        ("requests", kept.requests_days, _remove_requests),
        ("minutes", kept.minutes_days, _remove_minutes),
    ):
        oldest = before(days, at)
        if oldest is not None:
            counts[kind] = _in_batches(engine, stop, remove, oldest)
    removed = Removed(**counts)
    if removed != Removed(0, 0):
        with writing(engine) as connection:
            note(connection, ACTOR, "old rows deleted", **counts)
        log.info("Retention deleted %d requests and %d minutes.", removed.requests, removed.minutes)
    return removed


def _in_batches(
    engine: Engine,
    stop: threading.Event,
    remove: Callable[[Connection, int, int], int | None],
    oldest: int,
) -> int:
    removed, size = 0, LARGEST_BATCH
    while not stop.is_set():
        with writing(engine) as connection:
            began = time.monotonic()
            count = remove(connection, oldest, size)
        took = time.monotonic() - began
        if count is None:
            break
        removed += count
        size = max(size // 2, SMALLEST_BATCH) if took > BATCH_S else min(size * 2, LARGEST_BATCH)
        stop.wait(max(SHORTEST_PAUSE_S, took * PAUSES))
    return removed


def _remove_requests(connection: Connection, oldest: int, size: int) -> int | None:
    """Delete the oldest requests that have ended; None: there are none so old."""
    r = Request
    found = connection.execute(
        select(r.id, r.started_at)
        .where(r.started_at < oldest, r.status != "running")
        .order_by(r.started_at, r.id)
        .limit(size)
    ).all()
    if not found:
        return None
    whole_from = horizons(connection).requests_from or 0
    for hour in sorted({row.started_at - row.started_at % HOUR_MS for row in found}):
        if hour >= whole_from:
            split_hour(connection, hour)
    gone = delete(r).where(r.id.in_([row.id for row in found])).returning(r.energy_j)
    joules = connection.execute(gone).scalars().all()
    _move_horizon(connection, "requests", found[-1].started_at, len(joules), joules)
    return len(joules)


def _remove_minutes(connection: Connection, oldest: int, size: int) -> int | None:
    """Delete the oldest minutes, from both tables up to the same one."""
    e, m = EnergyInterval, MeterReading
    minutes = [select(table.minute_at).where(table.minute_at < oldest) for table in (e, m)]
    found = connection.execute(union_all(*minutes).order_by("minute_at").limit(size)).scalars()
    last = max(found, default=None)
    if last is None:
        return None
    gone = delete(e).where(e.minute_at <= last).returning(e.attributed_j)
    joules = connection.execute(gone).scalars().all()
    readings = connection.execute(delete(m).where(m.minute_at <= last)).rowcount
    _move_horizon(connection, "minutes", last, len(joules) + readings, joules)
    return len(joules) + readings


def _move_horizon(
    connection: Connection, kind: Kind, last: int, removed: int, joules: Sequence[float | None]
) -> None:
    """The hour of the last deleted row, and all before it, are not complete from now on."""
    row = {
        "kind": kind,
        "kept_from": last - last % HOUR_MS + HOUR_MS,
        "removed": removed,
        "removed_j": math.fsum(each or 0.0 for each in joules),
    }
    upsert(connection, _horizons, [row], added=("removed", "removed_j"), most=("kept_from",))
