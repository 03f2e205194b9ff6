"""What the ledger does when the disk will not. Each fault is SQLite's own, not a pretended one."""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from db import keys
from db.connect import connect
from db.errors import LedgerUnavailable
from db.ledger import Ledger
from db.presence import lock_path
from tests.db.faults import pragma
from tests.db.team import WAIT_S, Team, outcome, row, rows, wait_until_open, window


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@contextmanager
def full_disk(ledger: Ledger) -> Iterator[None]:
    with ledger.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pragma(ledger, f"PRAGMA max_page_count={pages}", "PRAGMA max_page_count=1073741823"):
        yield


def fill(ledger: Ledger, team: Team) -> LedgerUnavailable:
    """Admit until the ledger refuses."""
    for _ in range(5_000):
        error = ledger.admit(team.request()).exception(WAIT_S)
        if error is not None:
            assert isinstance(error, LedgerUnavailable)
            return error
    raise AssertionError("the disk was never full")


def use(ledger: Ledger, team: Team) -> None:
    ledger.open()
    raise fill(ledger, team)


def test_a_full_disk_refuses_new_requests_in_clear_words(ledger: Ledger, team: Team) -> None:
    with full_disk(ledger):
        error = fill(ledger, team)
        assert "disk is full" in str(error)
        health = ledger.health()
        assert (health.state, health.message) == ("unavailable", str(error))


def test_a_full_disk_loses_no_request_that_was_admitted(ledger: Ledger, team: Team) -> None:
    with full_disk(ledger):
        admitted = 0
        while ledger.admit(team.request()).exception(WAIT_S) is None:
            admitted += 1
        assert len(rows(ledger.engine, "requests")) == admitted
    wait_until_open(ledger)
    team.admit(ledger)
    assert len(rows(ledger.engine, "requests")) == admitted + 1


def test_an_outcome_and_energy_that_a_full_disk_refused_are_written_once_there_is_room(
    ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    with full_disk(ledger):
        fill(ledger, team)
        # The energy of many meters needs new pages; the outcome shares their transaction.
        many = [
            ledger.record_energy(window({request_id: 1.0}, source=f"meter {number}" * 40))
            for number in range(200)
        ]
        refused = [future.exception(WAIT_S) for future in many]
        assert any(isinstance(error, LedgerUnavailable) for error in refused)
        done = ledger.finish(outcome(request_id)).exception(WAIT_S)
        assert done is None or isinstance(done, LedgerUnavailable)
    wait_until_open(ledger)
    stored = row(ledger.engine, request_id)
    assert (stored["status"], stored["energy_j"]) == ("ok", 200.0)
    attributed = sum(it["attributed_j"] for it in rows(ledger.engine, "energy_intervals"))
    assert attributed == 200.0


def test_a_disk_that_turns_read_only_is_noticed_and_its_return_too(
    ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    with pragma(ledger, "PRAGMA query_only=ON", "PRAGMA query_only=OFF"):
        error = ledger.admit(team.request()).exception(WAIT_S)
        assert isinstance(error, LedgerUnavailable)
        assert "read-only" in str(error)
        late = ledger.finish(outcome(request_id)).exception(WAIT_S)
        assert isinstance(late, LedgerUnavailable)
        time.sleep(1.5)
        assert ledger.health().state == "unavailable"
    wait_until_open(ledger)
    assert row(ledger.engine, request_id)["status"] == "ok"


def test_a_short_lock_of_another_program_is_waited_for(
    url: str, ledger: Ledger, team: Team
) -> None:
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = ledger.admit(team.request())
        time.sleep(0.5)
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert waiting.exception(WAIT_S) is None


def test_a_long_lock_of_another_program_is_named_and_survived(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    patience = pragma(ledger, "PRAGMA busy_timeout=300", "PRAGMA busy_timeout=5000")
    with patience, closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = ledger.finish(outcome(request_id)).exception(WAIT_S)
        assert isinstance(error, LedgerUnavailable)
        assert "locked" in str(error)
        assert ledger.health().state == "unavailable"
        refused = ledger.admit(team.request())
        assert refused.done()  # nobody waits for what is known to be stuck
        assert isinstance(refused.exception(), LedgerUnavailable)
        other.execute("ROLLBACK")
    wait_until_open(ledger)
    assert row(ledger.engine, request_id)["status"] == "ok"


def test_a_damaged_file_is_named_when_it_is_opened(url: str, ledger: Ledger, team: Team) -> None:
    team.admit(ledger)
    ledger.close()
    content = bytearray(ledger.path.read_bytes())
    content[: 16 * 1024] = b"\xa5" * (16 * 1024)
    ledger.path.write_bytes(content)
    with pytest.raises(LedgerUnavailable, match=r"not a database|damaged"):
        Ledger(url).open()


def test_a_file_damaged_while_open_is_named(ledger: Ledger, team: Team) -> None:
    team.admit(ledger)
    ledger.close()
    content = bytearray(ledger.path.read_bytes())
    for page in range(2, len(content) // 4096):  # all but the schema
        content[page * 4096 : page * 4096 + 200] = b"\xa5" * 200
    ledger.path.write_bytes(content)
    with pytest.raises(LedgerUnavailable, match="damaged"):
        use(ledger, team)


@contextmanager
def without_privilege() -> Iterator[None]:
    """Root may write anywhere, so it is another user for a moment."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("writable", ["nothing", "the lock file"])
def test_a_read_only_folder_is_named_when_the_ledger_is_opened(writable: str) -> None:
    folder = Path(tempfile.mkdtemp())  # not tmp_path, where no other user gets
    try:
        ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}")
        ledger.open()
        ledger.close()
        ledger.path.chmod(0o444)
        lock_path(ledger.path).chmod(0o666 if writable == "the lock file" else 0o444)
        folder.chmod(0o555)
        with without_privilege(), pytest.raises(LedgerUnavailable, match="writable"):
            Ledger(f"sqlite:///{ledger.path}").open()
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_damaged_database_is_named_to_who_reads_it_too(ledger: Ledger, team: Team) -> None:
    ledger.close()
    ledger.path.write_bytes(b"\xa5" * 8192)
    with pytest.raises(LedgerUnavailable, match="not a database"):
        keys.verify(connect(f"sqlite:///{ledger.path}"), "bk-anything")


def test_many_slow_readers_do_not_keep_the_writer_waiting(ledger: Ledger, team: Team) -> None:
    with ExitStack() as readers:
        for _ in range(40):
            connection = readers.enter_context(ledger.engine.connect())
            connection.exec_driver_sql("SELECT count(*) FROM requests").all()
        assert ledger.admit(team.request()).exception(WAIT_S) is None
