"""The processes that write to a ledger: who they are, when last seen, and what dead ones left.

On PostgreSQL a writer has died when nobody holds its lock any more (`db.presence`) and it has not
been seen for half a minute: a living one that lost its connection for a moment keeps its rows. An
SQLite file has one writer at a time, so whatever is left at its start is a dead one's.
"""

import os
import socket
from collections.abc import Set
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, func, insert, select, text, true, update

from db import writes
from db.ids import now_ms
from db.presence import FIRST_WRITER_LOCK
from db.schema import Request, Writer

DEAD_AFTER_MS = 30_000
LEFT = 0  # `seen_at` of one that has closed: nothing of it is alive


def join(connection: Connection) -> int:
    """Enter this process; returns its number."""
    row = insert(Writer).values(**_this_process(now_of(connection)))
    key = connection.execute(row).inserted_primary_key
    assert key is not None
    return int(key[0])


def attend(connection: Connection, writer_id: int, running: Set[int]) -> int:
    """Note that this writer is alive. Returns how many of its `running` requests it took back: a
    writer that was away for long enough was taken for dead by another."""
    now = now_of(connection)
    seen_at = connection.execute(select(Writer.seen_at).where(Writer.id == writer_id)).scalar()
    if seen_at is None:  # an older backup has taken the database's place
        connection.execute(insert(Writer).values(id=writer_id, **_this_process(now)))
        return writes.resume(connection, running) if running else 0
    _see(connection, writer_id, now)
    if now - seen_at < DEAD_AFTER_MS or not running:
        return 0
    return writes.resume(connection, running)


def leave(connection: Connection, writer_id: int) -> None:
    """Say that this writer has closed: what it left running will not end any more."""
    _see(connection, writer_id, LEFT)


def interrupt_dead(connection: Connection, writer_id: int) -> int:
    """End what writers other than this one left running, where they are dead. How many rows."""
    if connection.dialect.name == "sqlite":
        return writes.interrupt_running(connection, true())
    of_others = (
        select(Request.writer_id, func.coalesce(Writer.seen_at, LEFT))
        .outerjoin(Writer, Writer.id == Request.writer_id)
        .where(Request.status == "running", func.coalesce(Request.writer_id, 0) != writer_id)
        .distinct()
    )
    now = now_of(connection)
    dead = [
        number or 0
        for number, seen_at in connection.execute(of_others).all()
        if now - seen_at >= DEAD_AFTER_MS and not _is_held(connection, number or 0)
    ]
    if not dead:
        return 0
    return writes.interrupt_running(connection, func.coalesce(Request.writer_id, 0).in_(dead))


def _this_process(now: int) -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "started_at": now,
        "seen_at": now,
    }


def _is_held(connection: Connection, writer_id: int) -> bool:
    """Whether a living session holds a writer's lock; within a transaction."""
    key = {"key": FIRST_WRITER_LOCK + writer_id}
    free = connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), key).scalar_one()
    return not free


def _see(connection: Connection, writer_id: int, at: int) -> None:
    connection.execute(update(Writer).where(Writer.id == writer_id).values(seen_at=at))


def now_of(connection: Connection) -> int:
    """One clock for all writers: the server's, where there is one."""
    if connection.dialect.name == "sqlite":
        return now_ms()
    clock = cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
    return int(connection.execute(select(clock)).scalar_one())
