"""Moves a ledger to another database, either way between SQLite and PostgreSQL.

Rows go in batches, in the order of their primary keys; each batch is committed together with where
it ended, so that a copy that was interrupted goes on from there. At the end both sides are read
again and compared by a checksum of every value.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, text, tuple_

from db.connect import connect, reading, without_time_limit, writing
from db.errors import InvalidInput, LedgerInUse, LedgerUnavailable
from db.migrate import is_current, migrate
from db.presence import OnFile, OnServer
from db.schema import Base, Meta, Writer
from db.upsert import upsert
from db.urls import is_postgresql, parse, shown
from db.writers import DEAD_AFTER_MS, now_of

BATCH = 5_000
# In `meta` while a copy into a database is under way: each table's last key, as JSON.
MARK = "copied up to: "

_meta: Table = Meta.__table__  # type: ignore[assignment]
_TABLES = Base.metadata.sorted_tables

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Compared:
    """A table's rows on both sides, and a checksum of all their values."""

    table: str
    rows: int
    copied: int
    checksum: str
    copied_checksum: str

    @property
    def equal(self) -> bool:
        return (self.rows, self.checksum) == (self.copied, self.copied_checksum)


def copy_ledger(
    source_url: str,
    target_url: str,
    *,
    batch: int = BATCH,
    begin: Callable[[str, int], None] = lambda _what, _rows: None,
    progress: Progress = lambda _rows: None,
) -> list[Compared]:
    """Copy every row, then compare. The target has to be empty, or to hold a begun copy.

    `begin` is told what comes next and of how many rows, `progress` how many more are done.
    Raises InvalidInput where the target holds something else, LedgerInUse where a gateway runs on
    either, LedgerUnavailable where one cannot be used.
    """
    if parse(source_url) == parse(target_url):
        raise InvalidInput("to", "Both addresses are the same database; choose another target.")
    with ExitStack() as held:
        source = held.enter_context(_held(source_url, read_only=True))
        target = held.enter_context(_held(target_url, read_only=False))
        reader = held.enter_context(reading(source))
        without_time_limit(reader)
        _require_copied_or_empty(target)
        rows = {table.name: _count(reader, table) for table in _TABLES}
        begin("Copying", sum(rows.values()))
        for table in _TABLES:
            for done in _copy_table(reader, target, table, batch):
                progress(done)
        _set_sequences(target)
        begin("Comparing", 2 * sum(rows.values()))
        with reading(target) as copied:
            without_time_limit(copied)
            found = [_compare(reader, copied, table, progress) for table in _TABLES]
        if all(table.equal for table in found):
            _finish(target)
        return found


def unfinished_copy(connection: Connection) -> bool:
    """Whether this database holds a copy that was begun and not finished."""
    begun = select(Meta.key).where(Meta.key.startswith(MARK, autoescape=True)).limit(1)
    return connection.execute(begun).first() is not None


def require_whole(connection: Connection) -> None:
    """LedgerUnavailable where this database is not a ledger but part of one."""
    if unfinished_copy(connection):
        raise LedgerUnavailable(
            "A copy into this database was begun and not finished; run `python -m db copy` again."
        )


# Both sides, while no gateway writes to them


@contextmanager
def _held(url: str, *, read_only: bool) -> Iterator[Engine]:
    presence = OnServer(url, alone=True) if is_postgresql(url) else OnFile(url)
    engine = connect(url, read_only=read_only)
    presence.enter()
    try:
        if not read_only:
            migrate(engine)
        elif not is_current(engine):
            raise LedgerUnavailable(
                f"{shown(url)} is not a ledger of this version; start Breakeven on it once to"
                " update it."
            )
        _require_no_writer(engine, url)
        yield engine
    finally:
        engine.dispose()
        presence.leave()


def _require_no_writer(engine: Engine, url: str) -> None:
    """Also none whose connection was lost a moment ago."""
    if not is_postgresql(url):
        return  # the lock file says it all
    with reading(engine) as connection:
        seen_at = connection.execute(select(func.max(Writer.seen_at))).scalar() or 0
        away = now_of(connection) - seen_at < DEAD_AFTER_MS and not unfinished_copy(connection)
    if away:
        raise LedgerInUse(
            f"A gateway wrote to {shown(url)} within the last {DEAD_AFTER_MS // 1000} s and did not"
            " say that it closed; stop it, wait that long, and try again."
        )


def _require_copied_or_empty(target: Engine) -> None:
    with writing(target) as connection:
        if unfinished_copy(connection):
            return
        for table in _TABLES:
            if connection.execute(select(table).limit(1)).first() is not None:
                raise InvalidInput(
                    "to",
                    f"{shown(target.url)} holds rows already (in {table.name}); copy into an empty"
                    " database.",
                )
        _remember(connection, "", None)


def _finish(target: Engine) -> None:
    with writing(target) as connection:
        connection.execute(delete(_meta).where(_meta.c.key.startswith(MARK, autoescape=True)))


# Copying


def _copy_table(reader: Connection, target: Engine, table: Table, batch: int) -> Iterator[int]:
    """Copy what is missing of a table; yields how many rows each step has dealt with."""
    key = list(table.primary_key)
    with reading(target) as connection:
        last = _remembered(connection, table.name)
        done = connection.execute(select(func.count()).select_from(table)).scalar_one()
    if last is not None:
        yield done
    while rows := reader.execute(_after(table, last).order_by(*key).limit(batch)).all():
        last = [getattr(rows[-1], column.name) for column in key]
        with writing(target) as connection:
            _insert(connection, table, rows)
            _remember(connection, table.name, last)
        yield len(rows)


def _after(table: Table, last: Sequence[Any] | None) -> Any:
    query = select(table)
    if table is _meta:  # the source's own marks would be none of this copy's
        query = query.where(~_meta.c.key.startswith(MARK, autoescape=True))
    if last is None:
        return query
    key = list(table.primary_key)
    if len(key) == 1:
        return query.where(key[0] > last[0])
    return query.where(tuple_(*key) > tuple_(*last))


def _insert(connection: Connection, table: Table, rows: Sequence[Any]) -> None:
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), [row._asdict() for row in rows])
        return
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    driver: Any = connection.connection.driver_connection
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({columns}) FROM STDIN') as stream,
        ):
            for row in rows:
                stream.write_row(row)
    except psycopg.DataError as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise InvalidInput(
            "from", f"PostgreSQL cannot hold a row of {table.name} ({said}); correct it first."
        ) from error


def _set_sequences(target: Engine) -> None:
    """Have the next row's number follow the largest one, as SQLite does by itself."""
    if not is_postgresql(target.url):
        return
    with writing(target) as connection:
        for table in _TABLES:
            if (column := table.autoincrement_column) is not None:
                connection.execute(
                    text(
                        f"SELECT setval(sequence, (SELECT max({column.name}) FROM {table.name}))"
                        " FROM pg_get_serial_sequence(:table, :column) AS sequence"
                        " WHERE sequence IS NOT NULL"
                    ),
                    {"table": table.name, "column": column.name},
                )


def _remember(connection: Connection, table: str, last: Sequence[Any] | None) -> None:
    mark = {"key": MARK + table, "value": json.dumps(last)}
    upsert(connection, _meta, [mark], replaced=("value",))


def _remembered(connection: Connection, table: str) -> list[Any] | None:
    mark = select(Meta.value).where(Meta.key == MARK + table)
    value = connection.execute(mark).scalar()
    return None if value is None else list(json.loads(value))


# Comparing


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(
        select(func.count()).select_from(_after(table, None).subquery())
    ).scalar_one()


def _compare(reader: Connection, copied: Connection, table: Table, progress: Progress) -> Compared:
    rows, checksum = checksum_of(reader, table, progress)
    copied_rows, copied_checksum = checksum_of(copied, table, progress)
    return Compared(table.name, rows, copied_rows, checksum, copied_checksum)


def checksum_of(
    connection: Connection, table: Table, progress: Progress = lambda _rows: None
) -> tuple[int, str]:
    """How many rows a table has, and the sum of their SHA-256 (of 256 bits): whatever order a
    database reads them in, and as large in memory for a million of them as for one."""
    count, total = 0, 0
    result = connection.execution_options(yield_per=BATCH).execute(_after(table, None))
    for part in result.partitions():
        for row in part:
            digest = hashlib.sha256(repr([_canonical(value) for value in row]).encode()).digest()
            total += int.from_bytes(digest, "big")
        count += len(part)
        progress(len(part))
    return count, f"{total % 2**256:064x}"


def _canonical(value: Any) -> Any:
    """What both databases tell apart: 0.0 and -0.0, and 1.5 and 1.50, are the same."""
    if isinstance(value, float):
        return value + 0.0
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value
