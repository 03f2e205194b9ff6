"""The ledger's file is locked, read-only or damaged while the gateway runs, or when it starts."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from db.connect import connect
from db.migrate import migrate
from engine.api.auth import TRUSTED_FOR_S
from tests.kill.gateway import message_of, running, wait_until
from tests.product import Product

Kind = Literal["serve", "dashboard"]

STARTS_WITHIN_S = 120
GARBAGE = b"\xa5" * 200
PAGE = 4_096

# Root may write anywhere but for this.
LIKE_ANYBODY = (
    ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
)


def _require_like_anybody() -> None:
    if LIKE_ANYBODY and shutil.which("setpriv") is None:
        pytest.skip("root cannot be kept from writing to read-only files here")


def test_a_lock_of_another_program_is_named_and_ends_with_it(tmp_path: Path) -> None:
    with running(tmp_path) as gateway:
        assert gateway.ask().status_code == 200
        in_flight = gateway.begin_slow_answer(pieces=4, pause_s=0.2)
        with closing(sqlite3.connect(gateway.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = gateway.ask()
            assert refused.status_code == 503
            assert "another program keeps the database locked" in message_of(refused)
            health = gateway.health()
            assert health.status_code == 503
            assert "locked" in health.json()["ledger"]["message"]
            told = in_flight.result().text
            assert "[DONE]" not in told
            assert "ledger_unavailable" in told
            other.execute("ROLLBACK")
        gateway.wait_until_recovered()
        assert gateway.ask().status_code == 200
        assert [row["status"] for row in gateway.rows()] == ["ok"] * 3
        assert [row["output_tokens"] for row in gateway.rows()] == [5, 4, 5]
        gateway.check()


def test_a_file_made_read_only_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    """Who has it open may go on writing; a connection made anew may not."""
    _require_like_anybody()
    with running(tmp_path, LIKE_ANYBODY) as gateway:
        assert gateway.ask().status_code == 200
        files = list(tmp_path.glob("ledger.db*"))
        for path in files:
            path.chmod(0o444)
        # A fault of another kind has it connect anew.
        with closing(sqlite3.connect(gateway.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert gateway.ask().status_code == 503
            other.execute("ROLLBACK")
        wait_until(lambda: "read-only" in (gateway.health().json()["ledger"]["message"] or ""))
        refused = gateway.ask()
        assert refused.status_code == 503
        assert "read-only; make both writable" in message_of(refused)
        assert gateway.health().status_code == 503
        for path in files:
            path.chmod(0o644)
        gateway.wait_until_recovered()
        assert gateway.ask().status_code == 200
        assert [row["status"] for row in gateway.rows()] == ["ok"] * 2
        gateway.check()


@pytest.mark.parametrize("forgotten_s", [0.0, 2 * TRUSTED_FOR_S])  # who reads it first: the writer
def test_a_file_damaged_while_it_runs_is_named_and_nothing_is_answered_unmetered(
    tmp_path: Path, forgotten_s: float
) -> None:
    with running(tmp_path) as gateway:
        assert [gateway.ask().status_code for _ in range(20)] == [200] * 20
        with closing(sqlite3.connect(gateway.path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with gateway.path.open("r+b") as file:
            for page in range(1, gateway.path.stat().st_size // PAGE):
                file.seek(page * PAGE)
                file.write(GARBAGE)
        time.sleep(forgotten_s)
        _, refused = gateway.ask_until_refused()
        assert refused.status_code == 503
        assert "damaged; restore it from a backup" in message_of(refused)
        health = gateway.health()
        assert health.status_code == 503
        assert "damaged" in health.json()["ledger"]["message"]
        time.sleep(1.5)  # it does not seem well again, for a moment
        assert gateway.health().status_code == 503
        assert gateway.ask().status_code == 503


def _damage(path: Path) -> None:
    path.write_bytes(GARBAGE * 400)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:PAGE])


def _make_read_only(path: Path) -> None:
    for each in path.parent.glob("ledger.db*"):
        each.chmod(0o444)
    path.parent.chmod(0o555)


def _take_away(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.parent.chmod(0o555)


@pytest.mark.slow  # eight starts
@pytest.mark.parametrize("kind", ["serve", "dashboard"])
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (_damage, "not a database; restore it from a backup"),
        (_truncate, "damaged; restore it from a backup"),
        (_make_read_only, "make it writable"),
        (_take_away, "BREAKEVEN_HOME"),
    ],
)
def test_a_ledger_that_cannot_be_opened_ends_the_start_with_one_clear_line(
    tmp_path: Path, kind: Kind, fault: Callable[[Path], None], says: str
) -> None:
    _require_like_anybody()
    home = tmp_path / "folder" / "home"
    home.mkdir(parents=True)
    engine = connect(f"sqlite:///{home / 'ledger.db'}")
    migrate(engine)
    engine.dispose()
    fault(home / "ledger.db")
    variables = {"BREAKEVEN_MODEL": "none", "BREAKEVEN_UPSTREAMS": "http://127.0.0.1:9/v1"}
    product = Product(home, kind, variables=variables, prefix=LIKE_ANYBODY)
    product.log_path = tmp_path / "log"
    assert product.launch().wait(STARTS_WITHIN_S) == 1
    said = product.log()
    assert says in said
    assert "Traceback" not in said
    for folder in {home.parent, home} & set(tmp_path.rglob("*")):
        folder.chmod(0o755)  # for pytest to remove
