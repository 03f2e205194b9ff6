"""`python -m db copy`: every row, exactly, from either database to either."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from db import alert_destinations, alert_rules, alert_states, grid, people, prices
from db.alert_rules import Rule
from db.alert_states import Reading
from db.check import check
from db.connect import connect, writing
from db.copy import checksum_of, copy_ledger
from db.errors import InvalidInput, LedgerInUse, LedgerUnavailable
from db.ledger import Ledger
from db.migrate import migrate
from db.schema import Base, Meta, UsageTime
from tests.db.energy_rows import request
from tests.db.team import NOON, WAIT_S, Team, on_sqlite, outcome, row, window
from tests.postgresql import Server

NAMES = ("Zoë", "adam", "Ångström", "bob", "Émile", "Ωmega", "50%_off", "日本")


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind, whichever the source is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'target.db'}"
    server: Server = request.getfixturevalue("postgresql")
    return server.empty_database()


@pytest.fixture
def source(url: str, ledger: Ledger, team: Team) -> str:
    """A ledger with something in most tables, closed; text keys sort apart in the two databases."""
    for name in NAMES:
        people.add_developer(ledger.engine, name, team=name, actor="test")
    prices.set_prices(ledger.engine, actor="test", pue="1.0123456789", seat_price_per_month="199.9")
    grid.set_grid(ledger.engine, actor="test", source="test", g_per_kwh=1 / 3)
    for number in range(30):
        request_id = team.admit(ledger, at=NOON + number)
        joules = [0.1 + 0.2, 1e-300, 0.0, 12_345.678][number % 4]
        ledger.record_energy(window({request_id: joules}, source=NAMES[number % len(NAMES)]))
        ledger.finish(outcome(request_id, experts_active_mean=17.1)).result(WAIT_S)
    _fire(ledger)
    with writing(ledger.engine) as connection:
        connection.execute(
            insert(UsageTime),
            [
                {"span": name, "start_at": at, "requests": 2**53 + at, "input_tokens": 0,
                 "cached_input_tokens": 0, "output_tokens": 0, "energy_j": 0.1 * at,
                 "energy_unknown": 0}
                for name in NAMES for at in range(3)
            ],
        )  # fmt: skip
    ledger.close()
    return url


def _fire(ledger: Ledger) -> None:
    """An alert, with a message of it that waits to be sent."""
    rule = Rule("disk", Decimal("90.5"), Decimal(85), 0, timezone="Europe/Berlin")
    alert_destinations.add_webhook(ledger.engine, "Ops", "https://hooks.example/x", actor="test")
    (rule_id,) = alert_rules.add_rules(ledger.engine, [rule], actor="test")
    full = [Reading("日本|disk /srv", Decimal("97.1234"))]
    alert_states.apply(ledger.engine, {rule_id: full}, NOON)


def _everything(url: str) -> dict[str, list[dict[str, Any]]]:
    engine = connect(url)
    with engine.connect() as connection:
        found = {
            table.name: [dict(it) for it in connection.execute(table.select()).mappings()]
            for table in Base.metadata.sorted_tables
        }
    engine.dispose()
    return {name: sorted(of, key=repr) for name, of in found.items()}


@pytest.mark.parametrize("batch", [1, 5, 5_000])
def test_a_copy_holds_every_row_as_it_was(source: str, target: str, batch: int) -> None:
    compared = copy_ledger(source, target, batch=batch)
    assert [table.table for table in compared if not table.equal] == []
    assert _everything(source) == _everything(target)
    told = {table.table: (table.rows, table.copied) for table in compared}
    assert told["requests"] == (30, 30)
    assert told["usage_times"][0] == told["usage_times"][1] > 20
    engine = connect(target, read_only=True)
    assert check(engine).violations == []
    assert prices.current_prices(engine).pue == Decimal("1.0123456789")
    engine.dispose()


def test_a_copy_goes_on_counting_where_the_source_stopped(source: str, target: str) -> None:
    copy_ledger(source, target, batch=5)
    before = _everything(target)
    ledger = Ledger(target)
    ledger.open()
    new = people.add_developer(ledger.engine, "Newcomer", actor="test")
    assert new.id == 1 + max(it["id"] for it in before["developers"])
    team = Team(new.id, 1)
    request_id = team.admit(ledger, api_key_id=None)
    stored = row(ledger.engine, request_id)
    assert stored["writer_id"] == 1 + max(it["id"] for it in before["writers"])
    ledger.close()


def test_a_copy_that_was_killed_goes_on_when_it_is_run_again(source: str, target: str) -> None:
    engine = connect(source)
    with writing(engine) as connection:
        more = [request(1, NOON + number, id=number) for number in range(20_000)]
        connection.execute(insert(Base.metadata.tables["requests"]), more)
    engine.dispose()
    command = [sys.executable, "-m", "db", "copy", source, target, "--batch", "100"]
    for copied in (3_000, 8_000):
        copying = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for_requests(target, copied)
        copying.send_signal(signal.SIGKILL)
        assert copying.wait() == -signal.SIGKILL
        with pytest.raises(LedgerUnavailable, match="begun and not finished"):
            _open(target)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"requests +20,030 +20,030", done.stdout)
    assert _everything(source) == _everything(target)


def _wait_for_requests(url: str, count: int) -> None:
    """Until so many are in the copy, whose tables may not be there yet."""
    deadline = time.monotonic() + WAIT_S
    found = 0
    while found < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        engine = connect(url)
        with suppress(DBAPIError), engine.connect() as connection:
            found = connection.execute(text("SELECT count(*) FROM requests")).scalar_one()
        engine.dispose()


def _open(url: str) -> None:
    ledger = Ledger(url)
    ledger.open()
    ledger.close()


def test_a_target_with_rows_is_left_as_it_is(source: str, target: str) -> None:
    engine = connect(target)
    migrate(engine)
    people.add_developer(engine, "Somebody", actor="test")
    engine.dispose()
    with pytest.raises(InvalidInput, match="holds rows already"):
        copy_ledger(source, target)
    assert [it["name"] for it in _everything(target)["developers"]] == ["Somebody"]


def test_a_ledger_that_a_gateway_writes_to_is_not_copied(
    url: str, ledger: Ledger, target: str
) -> None:
    with pytest.raises(LedgerInUse, match="stop it"):
        copy_ledger(url, target)
    engine = connect(target)
    migrate(engine)
    engine.dispose()
    with pytest.raises(LedgerInUse, match="stop it"):
        copy_ledger(target, url)


def test_no_gateway_starts_on_a_ledger_while_it_is_copied(source: str, target: str) -> None:
    def begin(_what: str, _rows: int) -> None:
        for each in (source, target):
            with pytest.raises(LedgerInUse):
                Ledger(each).open()

    copy_ledger(source, target, begin=begin)


def test_a_row_that_changes_meanwhile_in_the_copy_is_found_and_ends_with_1(
    source: str, target: str
) -> None:
    def begin(what: str, _rows: int) -> None:
        if what == "Comparing":
            engine = connect(target)
            with writing(engine) as connection:
                connection.execute(text("UPDATE requests SET output_tokens = 26 WHERE id IN"
                                        " (SELECT min(id) FROM requests)"))  # fmt: skip
            engine.dispose()

    compared = copy_ledger(source, target, begin=begin)
    assert [table.table for table in compared if not table.equal] == ["requests"]
    with pytest.raises(LedgerUnavailable, match="begun and not finished"):
        _open(target)


def test_the_command_tells_each_tables_rows_and_checksums(source: str, target: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "db", "copy", source, target],
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "200"},
        check=True,
    )
    assert re.search(r"requests +30 +30 +([0-9a-f]{16}) +\1\n", done.stdout)
    assert done.stdout.endswith("rows are copied, and equal.\n")


def test_a_checksum_is_the_sum_of_the_rows_hashes(
    another_url: Callable[[], str],
) -> None:
    """Two rows, hashed by hand as a list of their values."""
    engine = connect(another_url())
    migrate(engine)
    with writing(engine) as connection:
        connection.execute(insert(Meta), [{"key": "b", "value": "2"}, {"key": "a", "value": "1"}])
    with engine.connect() as connection:
        count, checksum = checksum_of(connection, Base.metadata.tables["meta"])
    engine.dispose()
    hashes = [hashlib.sha256(it).digest() for it in (b"['a', '1']", b"['b', '2']")]
    total = sum(int.from_bytes(it, "big") for it in hashes) % 2**256
    assert (count, int(checksum, 16)) == (2, total)


def test_a_source_that_is_no_ledger_is_refused_in_one_sentence(
    another_url: Callable[[], str], target: str
) -> None:
    source = another_url()
    connect(source).connect().close()
    with pytest.raises(LedgerUnavailable, match="not a ledger of this version"):
        copy_ledger(source, target)


@on_sqlite
def test_a_text_that_postgresql_cannot_hold_is_named(source: str, postgresql: Server) -> None:
    engine = connect(source)
    with writing(engine) as connection:
        connection.execute(insert(Meta), [{"key": "note", "value": "a\0b"}])
    engine.dispose()
    with pytest.raises(InvalidInput, match=r"a row of meta .*NUL"):
        copy_ledger(source, postgresql.empty_database())
