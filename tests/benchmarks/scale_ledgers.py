"""The ledgers that `tests.benchmarks.scale` times: years, and a year's last days."""

import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import click
from sqlalchemy import Connection

from db import energy_rollups, months
from db.connect import connect, writing
from db.migrate import migrate
from db.sample import write_large_sample
from db.schema import Base
from db.usage_rebuild import rebuild

UNTIL_MS = 1_779_886_800_000  # 27 May 2026, a Wednesday, at 15:00 in Berlin
_MINUTES = {"energy_intervals": "minute_at", "meter_readings": "minute_at"}
_MADE_ANEW = {"alembic_version", "monthly_use"}


class Size(NamedTuple):
    """Of a ledger: a year's requests, or as many of the last days of a longer one."""

    rows: int
    of_last_days: bool = False

    def __str__(self) -> str:
        return f"{self.rows:,}{' of the last days' * self.of_last_days}"


def ledgers(folder: Path, rows: Sequence[int]) -> dict[Size, Path]:
    """A year's ledgers of these sizes, rising, and the largest's last days with as many requests
    as the smallest. They are kept between runs."""
    folder.mkdir(parents=True, exist_ok=True)
    years = {Size(count): _kept(folder, _name(count), _write_year(count)) for count in rows}
    least, most = Size(rows[0]), Size(rows[-1])
    if least == most:
        return years
    name = f"{_name(least.rows)}-of-{_name(most.rows)}"
    last_days = _kept(folder, name, _write_last_days(least.rows, years[most]))
    smallest = years.pop(least)
    return {least: smallest, Size(least.rows, of_last_days=True): last_days, **years}


def _name(rows: int) -> str:
    return f"{Decimal(rows).normalize():e}".replace("+", "")


def _kept(folder: Path, name: str, write: Callable[[Path], None]) -> Path:
    path = folder / f"sample-{name}.db"
    if not path.exists():
        begin = time.perf_counter()
        unfinished = path.with_suffix(".making")
        unfinished.unlink(missing_ok=True)
        write(unfinished)
        unfinished.rename(path)
        print(f"{path.name} was written in {time.perf_counter() - begin:.0f} s", file=sys.stderr)
    engine = connect(f"sqlite:///{path}")
    migrate(engine)  # one that was kept may be older than the schema
    engine.dispose()
    return path


def _write_year(rows: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with click.progressbar(length=rows, label=f"{rows:,}", file=sys.stderr) as bar:
            write_large_sample(f"sqlite:///{path}", rows, until_ms=UNTIL_MS, progress=bar.update)

    return write


def _write_last_days(rows: int, whole: Path) -> Callable[[Path], None]:
    """Of a whole ledger the newest requests, their minutes, and everything that is not of a day."""

    def write(path: Path) -> None:
        engine = connect(f"sqlite:///{path}")
        migrate(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("ATTACH ? AS whole", (str(whole),))
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            _copy_since(connection, rows)
            connection.commit()
        with writing(engine) as connection:
            months.add(connection, months.recount(connection))
            rebuild(connection)
            energy_rollups.rebuild(connection)
        engine.dispose()

    return write


def _copy_since(connection: Connection, rows: int) -> None:
    ask = connection.exec_driver_sql
    since: int = ask(
        f"SELECT started_at FROM whole.requests ORDER BY started_at DESC LIMIT 1 OFFSET {rows - 1}"
    ).scalar_one()
    times = _MINUTES | {"requests": "started_at"}
    for table in Base.metadata.sorted_tables:
        if table.name in _MADE_ANEW or "usage_" in table.name or "span" in table.c:
            continue
        names = ", ".join(column.name for column in table.c)
        where = f" WHERE {times[table.name]} >= {since}" if table.name in times else ""
        ask(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM whole.{table.name}{where}")
