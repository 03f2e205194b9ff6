"""Gives a database's unused space back to the disk, while a gateway goes on writing.

An SQLite file that was created with auto_vacuum=INCREMENTAL (`db.connect`) gives back its free
pages a few at a time; one that is older has to be written anew once, with the gateway stopped.
PostgreSQL vacuums while others work by itself. (SQLite's documentation: "PRAGMA auto_vacuum",
"PRAGMA incremental_vacuum", "PRAGMA wal_checkpoint".)
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine

from db.errors import InvalidInput, LedgerInUse, unavailable
from db.presence import lock_path
from db.urls import database_path

INCREMENTAL = 2
MOST_PAGES, FEWEST_PAGES = 256, 8
STEP_S = 0.01  # a step that took longer is followed by a smaller one
SHORTEST_PAUSE_S = 0.02
PAUSES = 4  # a pause lasts so many times as long as the step before it
CHECKPOINT_TRIES = 20
CHECKPOINT_WAITS_MS = 20  # writers wait meanwhile
LOCKED_WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """`freed` bytes were given back; `unused` are left in the file, and `log` in its WAL."""

    freed: int
    unused: int
    log: int


def vacuum(engine: Engine, on_step: Callable[[int, int], None] | None = None) -> Vacuumed | None:
    """Give unused space back in small steps; None on PostgreSQL, which does not tell how much.

    `on_step` is told how many pages are done, of how many. InvalidInput where the file has to be
    written anew first (`vacuum_full`).
    """
    if engine.dialect.name != "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("VACUUM (ANALYZE)")
            connection.exec_driver_sql("RESET statement_timeout")
        return None
    path = database_path(engine.url.render_as_string())
    with _opened(path) as database:
        before = _bytes(database, "page_count")
        free = _number(database, "freelist_count")
        if free and _number(database, "auto_vacuum") != INCREMENTAL:
            raise InvalidInput(
                "database",
                "This ledger's file was made before it could give space back while in use; stop"
                " the gateway and run `python -m db vacuum --full` once.",
            )
        _in_steps(database, free, on_step)
        log = _empty_log(database, path)
        return Vacuumed(
            before - _bytes(database, "page_count"), _bytes(database, "freelist_count"), log
        )


def vacuum_full(url: str) -> Vacuumed:
    """Write an SQLite file anew without unused space, able to give it back in steps from then on.

    Needs as much free disk again as the ledger takes. LedgerInUse while a gateway runs.
    """
    path = database_path(url)
    with no_gateway_on(path), _opened(path) as database:
        before = _bytes(database, "page_count")
        database.execute(f"PRAGMA auto_vacuum={INCREMENTAL}")
        database.execute("VACUUM")
        log = _empty_log(database, path)
        return Vacuumed(before - _bytes(database, "page_count"), 0, log)


@contextmanager
def no_gateway_on(path: Path) -> Iterator[None]:
    """Keeps gateways away; LedgerInUse while one runs."""
    try:
        with FileLock(lock_path(path), timeout=0, thread_local=False):
            yield
    except Timeout as error:
        raise LedgerInUse(f"A gateway runs on the ledger {path}; stop it first.") from error


def empty_log(path: Path) -> int:
    """Move the write-ahead log into the file and empty it, without making writers wait for
    readers. Returns the bytes that are left in it: 0, or more while somebody still reads."""
    with _opened(path) as database:
        return _empty_log(database, path)


def _empty_log(database: sqlite3.Connection, path: Path) -> int:
    database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    waits_ms = _number(database, "busy_timeout")
    database.execute(f"PRAGMA busy_timeout={CHECKPOINT_WAITS_MS}")
    for _ in range(CHECKPOINT_TRIES):
        busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            break
        time.sleep(CHECKPOINT_WAITS_MS * PAUSES / 1000)
    database.execute(f"PRAGMA busy_timeout={waits_ms}")
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def _in_steps(
    database: sqlite3.Connection, free: int, on_step: Callable[[int, int], None] | None
) -> None:
    pages, left = MOST_PAGES, free
    while left:
        began = time.monotonic()
        # The pragma frees a page a step, without a row to fetch; only a script takes all its steps.
        database.executescript(f"PRAGMA incremental_vacuum({pages})")
        took = time.monotonic() - began
        was, left = left, _number(database, "freelist_count")
        if on_step is not None:
            on_step(max(free - left, 0), free)
        if left >= was:  # others free pages as fast as they are given back
            return
        pages = max(pages // 2, FEWEST_PAGES) if took > STEP_S else min(pages * 2, MOST_PAGES)
        time.sleep(max(SHORTEST_PAUSE_S, took * PAUSES))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file itself; every statement is a transaction of its own."""
    try:
        opened = sqlite3.connect(
            path.absolute().as_uri() + "?mode=rw",
            uri=True,
            timeout=LOCKED_WAIT_S,
            isolation_level=None,
        )
        with closing(opened) as database:
            yield database
    except sqlite3.Error as error:
        raise unavailable(error) or error from error


def _number(database: sqlite3.Connection, pragma: str) -> int:
    return int(database.execute(f"PRAGMA {pragma}").fetchone()[0])


def _bytes(database: sqlite3.Connection, pragma: str) -> int:
    return _number(database, pragma) * _number(database, "page_size")
