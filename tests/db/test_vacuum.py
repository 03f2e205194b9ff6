"""Unused space goes back to the disk while the gateway goes on."""

import sqlite3
import threading
from pathlib import Path

import pytest

from db import vacuum
from db.connect import connect, writing
from db.errors import InvalidInput, LedgerInUse
from db.ledger import Ledger
from db.migrate import migrate
from tests.db.energy_rows import request, write
from tests.db.team import NOON, Team, on_sqlite, rows

ROWS = 40_000


def fill_and_empty(ledger: Ledger, team: Team) -> int:
    """Leaves a file of mostly unused pages; returns its size."""
    write(ledger.engine, requests=[request(team.ada, at=NOON + n) for n in range(ROWS)])
    with writing(ledger.engine) as connection:
        connection.exec_driver_sql("DELETE FROM requests")
    vacuum.empty_log(ledger.path)
    return ledger.path.stat().st_size


@on_sqlite
def test_a_file_that_was_emptied_gets_small_and_its_log_empty(ledger: Ledger, team: Team) -> None:
    before = fill_and_empty(ledger, team)
    steps: list[tuple[int, int]] = []
    done = vacuum.vacuum(ledger.engine, lambda *step: steps.append(step))
    assert done is not None
    after = ledger.path.stat().st_size
    assert after < before / 5
    assert (done.freed, done.unused, done.log) == (before - after, 0, 0)
    assert steps[-1][0] == steps[-1][1]
    assert 3 <= len(steps) < steps[-1][1] / vacuum.FEWEST_PAGES + 1  # many pages a step


@on_sqlite
def test_the_gateways_writes_go_on_meanwhile(ledger: Ledger, team: Team) -> None:
    fill_and_empty(ledger, team)
    steps: list[int] = []

    def on_step(done: int, of: int) -> None:
        steps.append(done)
        team.admit(ledger, at=NOON)  # would fail if the file were still locked

    vacuum.vacuum(ledger.engine, on_step)
    assert len(steps) > 3
    assert len(rows(ledger.engine, "requests")) == len(steps)


@on_sqlite
def test_a_reader_keeps_the_log_but_no_writer_waits_for_them(ledger: Ledger, team: Team) -> None:
    reader = sqlite3.connect(ledger.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM developers").fetchall()
    team.admit(ledger, at=NOON)
    admitted = 0
    left: list[int] = []
    emptying = threading.Thread(target=lambda: left.append(vacuum.empty_log(ledger.path)))
    emptying.start()
    while emptying.is_alive():
        team.admit(ledger, at=NOON)
        admitted += 1
    assert left[0] > 0
    assert admitted > 3
    reader.close()
    assert vacuum.empty_log(ledger.path) == 0


def old_file(path: Path) -> str:
    """A ledger as versions before made it: it keeps the pages that it does not use."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
    url = f"sqlite:///{path}"
    engine = connect(url)
    migrate(engine)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(1000000) AS it")
        connection.exec_driver_sql("DROP TABLE big")
    engine.dispose()
    return url


def test_an_old_file_is_written_anew_once_and_gives_back_space_from_then_on(
    tmp_path: Path,
) -> None:
    url = old_file(tmp_path / "ledger.db")
    engine = connect(url)
    with pytest.raises(InvalidInput, match="vacuum --full"):
        vacuum.vacuum(engine)
    engine.dispose()
    assert vacuum.vacuum_full(url).freed > 900_000
    engine = connect(url)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(1000000) AS it")
        connection.exec_driver_sql("DROP TABLE big")
    done = vacuum.vacuum(engine)
    engine.dispose()
    assert done is not None
    assert done.freed > 900_000


@on_sqlite
def test_a_file_is_not_written_anew_under_a_gateway(ledger: Ledger, url: str) -> None:
    with pytest.raises(LedgerInUse, match="stop it first"):
        vacuum.vacuum_full(url)
