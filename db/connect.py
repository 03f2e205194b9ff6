"""Opens a database: one engine for all of a process's threads, set up for durability."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError, TimeoutError

from db import postgresql
from db.errors import CommitUnknown, LedgerUnavailable, unavailable
from db.urls import database_path, is_postgresql, parse

BUSY_TIMEOUT_MS = 5_000


def connect(url: str, *, read_only: bool = False) -> Engine:
    """An engine on an SQLite database file or a PostgreSQL database.

    A commit survives a power cut (WAL with synchronous=FULL, synchronous_commit=on). Foreign keys
    are enforced; a locked database is waited for up to 5 s. With `read_only` any write is an error.
    Raises InvalidInput for another URL, LedgerUnavailable where there is no file to read; whether a
    server answers shows at the first use.
    """
    parsed = parse(url)
    if is_postgresql(parsed):
        return postgresql.engine_of(parsed, read_only=read_only)
    return _sqlite(parsed, read_only)


def _sqlite(url: URL, read_only: bool) -> Engine:
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
    """A connection to read with: one snapshot. LedgerUnavailable where the database refuses."""
    if is_postgresql(engine.url):
        engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    with _refusals_named(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A short write transaction, committed at the end. It takes the database's one turn to write
    at once, so what it reads cannot change before it writes.

    LedgerUnavailable where the database refuses; of those, CommitUnknown where the connection to
    the server was lost on the way, so that it may have been committed or not.
    """
    with (
        _refusals_named(),
        engine.execution_options(immediate=True).connect() as connection,
        connection.begin() as transaction,
    ):
        number = connection.info.get("transaction")
        yield connection
        try:
            transaction.commit()
        except DBAPIError as error:
            if number and (cause := unavailable(error)):
                raise CommitUnknown(str(cause), number) from error
            raise


def without_time_limit(connection: Connection) -> None:
    """Let this transaction take as long as it needs: a migration, a check, a copy."""
    if is_postgresql(connection.engine.url):
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))


@contextmanager
def _refusals_named() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise LedgerUnavailable(
            "The ledger cannot be used: all of this process's connections to the database are in"
            " use; try again in a moment."
        ) from error
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        if cause := unavailable(error):
            raise cause from error
        raise
