"""Puts a backup in the ledger's place, and keeps what was there beside it."""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db.backup import copy, count_rows, new_file, require_sqlite, sync, uri
from db.check import check
from db.connect import connect
from db.errors import InvalidInput, LedgerInUse
from db.ids import now_ms
from db.migrate import known_versions, migrate
from db.urls import database_path
from db.vacuum import no_gateway_on


@dataclass(frozen=True, slots=True)
class Found:
    """A sound backup: its schema's version, its rows by table, its newest request (UTC epoch ms).
    `is_sample`: the rows are a made-up team's."""

    version: str
    rows: dict[str, int]
    newest_request: int | None
    is_sample: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """`kept` is where the ledger before is now (None: there was none); `broken` names the rules
    that the restored ledger breaks."""

    kept: Path | None
    broken: list[str]


def inspect_backup(file: Path) -> Found:
    """What a backup holds. InvalidInput where it is no sound ledger of a version known here."""
    if not file.is_file():
        raise InvalidInput("file", f"There is no file {file}.")
    try:
        with closing(sqlite3.connect(uri(file, "ro"), uri=True)) as database:
            damage = database.execute("PRAGMA integrity_check").fetchall()
            if damage != [("ok",)]:
                raise InvalidInput("file", f"{file} is damaged: {damage[0][0]}")
            rows = count_rows(database)
            if not {"alembic_version", "developers", "requests", "meta"} <= rows.keys():
                raise InvalidInput("file", f"{file} is a database, but not a Breakeven ledger.")
            (version,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
            (newest,) = database.execute("SELECT max(started_at) FROM requests").fetchone()
            marked = database.execute("SELECT 1 FROM meta WHERE key = 'sample'").fetchone()
    except sqlite3.Error as error:
        raise InvalidInput(
            "file", f"{file} is not a database that can be read: {error}."
        ) from error
    if version not in known_versions():
        raise InvalidInput(
            "file", f"A newer version of Breakeven wrote {file}; install that version."
        )
    return Found(version, rows, newest, marked is not None)


def restore(url: str, file: Path) -> Restored:
    """Put the backup in the ledger's place, in one step, brought up to date and checked.

    The ledger before is kept beside it under a dated name; the backup stays as it is. LedgerInUse
    while a gateway or another program has the ledger open; InvalidInput as of `inspect_backup`.
    """
    require_sqlite(url, f"pg_restore --clean --if-exists --single-transaction {file}")
    inspect_backup(file)
    path = database_path(url)
    if path.exists() and path.samefile(file):
        raise InvalidInput("file", f"{file} is the ledger itself.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with no_gateway_on(path), new_file(path) as restored:
        copy(file, restored)
        broken = _brought_up_to_date(restored)
        kept = _set_aside(path) if path.exists() else None
        restored.replace(path)
        sync(path.parent)
        return Restored(kept, broken)


def _brought_up_to_date(path: Path) -> list[str]:
    """Migrate and check the copy, so that nothing is replaced by what could not be used."""
    engine = connect(f"sqlite:///{path.absolute()}")
    try:
        migrate(engine)
        # Requests that ran when the backup was made are ended by the next gateway.
        broken = [violation.rule for violation in check(engine, live=True).violations]
    finally:
        engine.dispose()
    _into_one_file(path)
    return broken


def _into_one_file(path: Path) -> None:
    """Move what is in the write-ahead log into the file; fails while another has it open."""
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=DELETE").fetchall()


def _set_aside(path: Path) -> Path:
    """Give the present ledger a second, dated name; the next rename then takes its first."""
    try:
        _into_one_file(path)
    except sqlite3.OperationalError as error:
        raise LedgerInUse(f"Another program has the ledger {path} open; close it.") from error
    except sqlite3.DatabaseError:
        pass  # it is damaged, which may be why it is replaced: its log is set aside with it
    at = datetime.fromtimestamp(now_ms() / 1000, UTC)
    kept = path.with_name(f"{path.stem}-before-restore-{at:%Y%m%dT%H%M%SZ}{path.suffix}")
    if kept.exists():
        raise InvalidInput("file", f"{kept} exists already; try again in a second.")
    for ending in ("-wal", "-shm"):  # a log of the old file must never meet the new one
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(kept.with_name(kept.name + ending))
    try:
        os.link(path, kept)
    except OSError:  # a disk without hard links: for a moment there is no ledger
        path.rename(kept)
    return kept
