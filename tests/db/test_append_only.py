"""What was recorded stays as it was: the database itself refuses to change it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db import grid, people, prices, retention
from db.connect import writing
from db.ledger import Ledger
from db.retention import Retention
from tests.db.team import Team, rows

TABLES = {
    "audit": "actor",
    "memberships": "valid_from",
    "cost_settings": "valid_from",
    "grid_intensity": "valid_from",
    "retention_settings": "recorded_at",
}


@pytest.fixture
def recorded(ledger: Ledger, team: Team) -> Ledger:
    """A ledger with a row in each of the tables."""
    prices.set_prices(ledger.engine, actor="test", pue="1.2")
    grid.set_grid(ledger.engine, actor="test", g_per_kwh=56.0, source="x")
    retention.set_retention(ledger.engine, Retention(400, 90), actor="test")
    return ledger


def refused(ledger: Ledger, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), writing(ledger.engine) as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(("table", "column"), TABLES.items())
def test_a_record_is_neither_changed_nor_deleted(recorded: Ledger, table: str, column: str) -> None:
    before = rows(recorded.engine, table)
    assert before
    refused(recorded, f"UPDATE {table} SET {column} = {column}")
    refused(recorded, f"DELETE FROM {table}")
    assert rows(recorded.engine, table) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET at = at + 1",
        "UPDATE audit SET action = 'x'",
        "UPDATE audit SET id = id + 1000",
        "DELETE FROM audit",
        "UPDATE memberships SET valid_from = 5",
    ],
)
def test_during_an_erasure_only_who_and_what_may_change(recorded: Ledger, change: str) -> None:
    with writing(recorded.engine) as connection:
        connection.execute(text("INSERT INTO erasing VALUES (1)"))
        with pytest.raises(IntegrityError, match="append-only"), connection.begin_nested():
            connection.execute(text(change))
        connection.execute(text("UPDATE audit SET actor = 'x'"))
        connection.execute(text("DELETE FROM erasing"))
    refused(recorded, "UPDATE audit SET actor = 'y'")
    assert {it["actor"] for it in rows(recorded.engine, "audit")} == {"x"}


def test_people_can_still_be_changed_in_every_way(recorded: Ledger, team: Team) -> None:
    people.set_team(recorded.engine, team.ada, "Data", actor="test", valid_from=0)
    people.set_role(recorded.engine, team.ada, "lead", actor="test")
    assert len(rows(recorded.engine, "memberships")) == 3
