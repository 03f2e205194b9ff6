"""Opens a database: one engine for all of a process's threads, set up for durability."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from db.errors import InvalidInput, LedgerUnavailable, unavailable

BUSY_TIMEOUT_MS = 5_000


def connect(url: str, *, read_only: bool = False) -> Engine:
    """An engine on an SQLite database file.

    WAL with synchronous=FULL: a commit survives a power cut. Foreign keys are enforced; a locked
    database is waited for up to 5 s. With `read_only` any write is an error.
    Raises InvalidInput for a URL that is not an SQLite file's, LedgerUnavailable where there is
    nothing to read.
    """
    path = database_path(url)
    if read_only and not path.exists():
        raise LedgerUnavailable(f"There is no ledger at {path}.")
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    # No upper limit of connections: many readers must not keep the writer waiting for one.
    engine = sqlalchemy.create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, max_overflow=-1
    )

    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours, below
        cursor = connection.cursor()
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal" and not read_only:
            # Only before the first table: a new file can give unused pages back (`db.vacuum`).
            cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read with: one snapshot. LedgerUnavailable where the disk refuses."""
    with _disk_errors_named(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A short write transaction, committed at the end. It takes SQLite's write lock at once, so
    what it reads cannot change before it writes. LedgerUnavailable where the disk refuses."""
    with (
        _disk_errors_named(),
        engine.execution_options(immediate=True).begin() as connection,
    ):
        yield connection


@contextmanager
def _disk_errors_named() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        if cause := unavailable(error):
            raise cause from error
        raise


def database_path(url: str) -> Path:
    """The file of an SQLite URL; InvalidInput where the URL is not a file's."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InvalidInput(
            "database_url", f"{url!r} is not a database URL; write sqlite:////path/to/ledger.db."
        ) from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise InvalidInput(
            "database_url",
            "The ledger is kept in an SQLite file; write sqlite:////path/to/ledger.db.",
        )
    return Path(str(parsed.database))
