"""Copies a ledger that is in use into one file that can be trusted: verified before it has a name.

The copy is one snapshot: a read transaction is held while pages are copied, so writers go on in the
write-ahead log and the copy never starts anew. (SQLite's documentation: "Using the SQLite Online
Backup API", "Write-Ahead Logging".)
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from db.check import check
from db.connect import connect
from db.errors import InvalidInput, LedgerUnavailable, unavailable
from db.ids import now_ms
from db.urls import database_path

PAGES_A_STEP = 256  # of 4 KiB: a step copies a megabyte
OnStep = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """`rows` by table, `size` in bytes. `broken` names the rules that the ledger itself breaks."""

    path: Path
    size: int
    rows: dict[str, int]
    broken: list[str]


def default_path(home: Path) -> Path:
    """Where a backup goes that is given no name: the time (UTC) tells them apart."""
    at = datetime.fromtimestamp(now_ms() / 1000, UTC)
    return home / "backups" / f"ledger-{at:%Y%m%dT%H%M%SZ}.db"


def backup(url: str, target: Path, on_step: OnStep | None = None) -> Copied:
    """Copy the ledger into a new file, with mode 0600, while a gateway goes on writing.

    `on_step` is told how many pages are copied, of how many. InvalidInput where the file exists
    already; LedgerUnavailable where the ledger cannot be read or the copy is not sound.
    """
    require_sqlite(url, f"pg_dump --format=custom --file={target}")
    source = database_path(url)
    if not source.exists():
        raise LedgerUnavailable(f"There is no ledger at {source}.")
    if target.exists():
        raise InvalidInput("file", f"{target} exists already; a backup never overwrites a file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with new_file(target) as unfinished:
        rows = copy(source, unfinished, on_step)
        broken = _verified(unfinished, rows)
        if target.exists():
            raise InvalidInput("file", f"{target} was made by somebody else meanwhile.")
        unfinished.replace(target)
        sync(target.parent)
    return Copied(target, target.stat().st_size, rows, broken)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A file beside the target that only its owner can read, gone afterwards unless renamed."""
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.unfinished")
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        yield unfinished
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)


def copy(source: Path, target: Path, on_step: OnStep | None = None) -> dict[str, int]:
    """One snapshot of a database into an empty file, durable; returns the rows of each table."""

    def told(_status: int, remaining: int, total: int) -> None:
        if on_step is not None:
            on_step(total - remaining, total)

    try:
        with (
            closing(sqlite3.connect(uri(source, "rw"), uri=True, isolation_level=None)) as read,
            closing(sqlite3.connect(target, isolation_level=None)) as written,
        ):
            read.execute("BEGIN")
            rows = count_rows(read)  # the snapshot is that of the first read
            read.backup(written, pages=PAGES_A_STEP, progress=told, sleep=0)
            read.execute("COMMIT")
            # A backup is one file, so it has no write-ahead log beside it.
            written.execute("PRAGMA journal_mode=DELETE").fetchall()
    except sqlite3.Error as error:
        raise unavailable(error) or LedgerUnavailable(f"{source} is not copied: {error}") from error
    sync(target)
    return rows


def count_rows(database: sqlite3.Connection) -> dict[str, int]:
    """The rows of each table."""
    tables = database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        " ORDER BY name"
    ).fetchall()
    return {
        name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in tables
    }


def require_sqlite(url: str, postgresql_command: str) -> None:
    """InvalidInput for a PostgreSQL ledger: its own tools do this, with the command to type."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        address = URL.create(
            "postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database
        )
        raise InvalidInput(
            "database_url",
            f"The ledger is in PostgreSQL, whose own tools do this: {postgresql_command}"
            f" --dbname='{address.render_as_string()}'",
        )


def uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def _verified(path: Path, rows: dict[str, int]) -> list[str]:
    """The rules that the ledger breaks; LedgerUnavailable where the copy is not what was read."""
    try:
        with closing(sqlite3.connect(uri(path, "ro"), uri=True)) as copied:
            damage = copied.execute("PRAGMA integrity_check").fetchall()
            if damage != [("ok",)]:
                raise LedgerUnavailable(f"The ledger's file is damaged: {damage[0][0]}")
            found = count_rows(copied)
    except sqlite3.Error as error:
        raise unavailable(error) or error from error
    if found != rows:
        raise LedgerUnavailable(f"The copy has other rows than the ledger: {found}, not {rows}.")
    engine = connect(f"sqlite:///{path.absolute()}", read_only=True)
    try:
        return [violation.rule for violation in check(engine, live=True).violations]
    finally:
        engine.dispose()


def sync(path: Path) -> None:
    """Have a file, or a folder's list of files, on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
