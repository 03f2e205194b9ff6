from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text

from db import people
from db.check import check
from db.connect import connect, writing
from db.errors import LedgerUnavailable
from db.ledger import Ledger
from db.records import DeviceEnergy
from db.schema import Developer
from tests.db.team import NOON, WAIT_S, Team, on_sqlite, outcome, window

DAMAGE = {
    "UPDATE requests SET finished_at = NULL": "says when and how long",
    "UPDATE requests SET finished_at = started_at - 1, first_token_at = NULL": "starts before",
    "UPDATE requests SET first_token_at = finished_at + 5": "starts before",
    "UPDATE requests SET first_token_at = NULL": "had a first one",
    "UPDATE requests SET ttft_ms = -3": "durations are 0 or more",
    "UPDATE requests SET team_id = 77": "team exists",
    "UPDATE requests SET status = 'running', finished_at = NULL": "nothing is running",
    "UPDATE requests SET status = 'lost'": "a status is one of",
    "UPDATE requests SET status = 'running'": "has no end",
    "UPDATE requests SET cached_input_tokens = 4000": "cached ones are part",
    "UPDATE requests SET energy_j = energy_j + 1": "that the intervals attribute",
    "UPDATE requests SET energy_j = NULL": "not given another basis",
    "UPDATE requests SET energy_basis = NULL": "with a basis and a source",
    "UPDATE requests SET energy_basis = 'guessed'": "an energy basis is one of",
    "UPDATE requests SET developer_id = 55": "refers to exists",
    "UPDATE requests SET developer_id = (SELECT max(id) FROM developers)": "own developer's key",
    "UPDATE requests SET reserved_tokens = -1": "reserves is 0 or more",
    "UPDATE requests SET reserved_energy_j = -0.5": "reserves is 0 or more",
    "UPDATE requests SET output_tokens = output_tokens + 1": "month's use",
    "UPDATE monthly_use SET input_tokens = input_tokens - 1": "month's use",
    "UPDATE monthly_use SET requests = 2": "month's use",
    "UPDATE monthly_use SET energy_j = energy_j + 0.1": "month's use",
    "UPDATE monthly_use SET month = '2025-12'": "month's use",
    "DELETE FROM monthly_use": "month's use",
    "UPDATE requests SET input_tokens = input_tokens + 1": "hours, days, months and years",
    "UPDATE usage_hours SET output_tokens = 3": "hours, days, months and years",
    "UPDATE usage_hours SET told_energy_j = told_energy_j + 1e-6": "hours, days, months and years",
    "UPDATE usage_periods SET ok = 2 WHERE span = 'day'": "hours, days, months and years",
    "DELETE FROM usage_periods WHERE span = 'month'": "hours, days, months and years",
    "UPDATE usage_models SET experts = 3 WHERE span = 'day'": "hours, days, months and years",
    "UPDATE usage_periods SET ok = 2 WHERE span = 'year'": "hours, days, months and years",
    "DELETE FROM usage_models WHERE span = 'year'": "hours, days, months and years",
    "UPDATE usage_times SET requests = 2": "hours, days, months and years",
    "DELETE FROM usage_times": "hours, days, months and years",
    "UPDATE energy_intervals SET idle_j = idle_j + 1": "are its total",
    "UPDATE energy_intervals SET total_j = NULL": "all known or all unknown",
    "UPDATE energy_intervals SET idle_j = -1, total_j = total_j - 2": "part of the idle",
    "UPDATE energy_intervals SET other_j = 1e-6": "are its total",
    "UPDATE energy_intervals SET uncertainty_j = -1": "part of the idle",
    "UPDATE energy_intervals SET basis = 'guessed'": "energy has a basis",
    "UPDATE requests SET prefill_energy_j = 3.1": "part of its request's",
    "UPDATE requests SET energy_uncertainty_j = -1": "part of its request's",
    "UPDATE meter_readings SET energy_j = energy_j + 1e-6": "what its meters read",
    "UPDATE energy_intervals SET ended_at = started_at - 1": "ends after it starts",
}


@pytest.fixture
def closed(ledger: Ledger, team: Team) -> Ledger:
    """A sound ledger with one request, its energy, and a developer without any."""
    people.add_developer(ledger.engine, "Grace", actor="test")
    request_id = team.admit(ledger)
    device = DeviceEnergy("rapl", "package-0", "processor", "measured", 0.1, 4.0)
    ledger.record_energy(replace(window({request_id: 3.0}), devices=(device,))).result(WAIT_S)
    ledger.finish(outcome(request_id)).result(WAIT_S)
    ledger.close()
    return ledger


def _check(url: str) -> dict[str, list[str]]:
    engine = connect(url, read_only=True)
    found = {violation.rule: violation.rows for violation in check(engine).violations}
    engine.dispose()
    return found


def test_a_sound_ledger_breaks_no_rule(url: str, closed: Ledger) -> None:
    assert _check(url) == {}


def _let_anything_be_written(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("ROLLBACK")  # pragmas do nothing within a transaction
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("SET session_replication_role = replica")
        for name in ("status", "tokens"):
            connection.exec_driver_sql(f"ALTER TABLE requests DROP CONSTRAINT ck_requests_{name}")


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_kind_of_damage_is_found_and_its_row_named(
    url: str, closed: Ledger, damage: str
) -> None:
    if url.startswith("postgresql") and "refers to exists" in DAMAGE[damage]:
        pytest.skip("PostgreSQL's own keys see to it")
    engine = connect(url)
    with engine.connect() as connection:
        _let_anything_be_written(connection)
        connection.execute(text(damage))
        connection.commit()
        request_id = connection.execute(text("SELECT id FROM requests")).scalar()
    engine.dispose()
    found = _check(url)
    broken = [rule for rule in found if DAMAGE[damage] in rule]
    assert len(broken) == 1, found
    named = found[broken[0]][0]
    if "month's use" in broken[0]:
        assert "monthly_use 2026-01, developer 1, key 1" in found[broken[0]]
    elif DAMAGE[damage] == "hours, days, months and years":
        assert named.startswith("usage_")
        assert "start_at 1767" in named
    elif damage.startswith("UPDATE requests") and "joules" not in broken[0]:
        assert named.startswith(f"requests {request_id}")


def test_a_meter_of_the_whole_machine_may_read_more_than_its_parts(
    url: str, ledger: Ledger, team: Team
) -> None:
    devices = (
        DeviceEnergy("rapl", "package-0", "processor", "measured", 0.1, 4.0),
        DeviceEnergy("plug", "desk", "machine", "measured", 0.01, 7.0),
    )
    record = replace(window({}, idle_j=7.0), devices=devices)
    ledger.record_energy(record).result(WAIT_S)
    assert _check(url) == {}


def test_a_running_row_is_no_fault_while_a_gateway_runs(
    url: str, ledger: Ledger, team: Team
) -> None:
    team.admit(ledger, at=NOON)
    assert _check(url) == {}


def test_a_developer_without_a_place_is_found(url: str, ledger: Ledger, team: Team) -> None:
    with writing(ledger.engine) as connection:
        connection.execute(insert(Developer).values(name="Nobody", created_at=NOON))
    assert list(_check(url)) == ["a developer is in a team, or in none, from the beginning"]


@on_sqlite
def test_checking_changes_nothing_on_the_disk(url: str, closed: Ledger) -> None:
    before = closed.path.read_bytes()
    _check(url)
    assert closed.path.read_bytes() == before


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.db").touch()
    with pytest.raises(LedgerUnavailable, match="not a ledger of this version"):
        check(connect(f"sqlite:///{tmp_path / 'other.db'}", read_only=True))


def test_a_ledger_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="There is no ledger"):
        connect(f"sqlite:///{tmp_path / 'none.db'}", read_only=True)
    assert list(tmp_path.iterdir()) == []
