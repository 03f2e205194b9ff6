"""Whatever changes people, keys, prices or settings says who did it, and what it was before."""

import ast
import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import db
from db import (
    accounts,
    alert_destinations,
    alert_rules,
    audit,
    erase,
    grid,
    keys,
    limits,
    people,
    prices,
    retention,
    scenarios,
    teams,
)
from db.accounts import Holder
from db.alert_rules import Rule
from db.ids import now_ms
from db.ledger import Ledger
from db.limits import Limits
from db.retention import Retention
from db.schema import OwnRole
from tests.db.team import NOON, Team, rows

# Functions that write without anybody having asked for it, or notes of which are their own doing.
BY_ITSELF = {
    "commands_file.rebuild_command",  # notes that it did, as the command line
    "migrate.migrate",  # brings the schema up to date
    "copy._finish",  # into another database, whose trail is the copied one
    "copy._copy_table",
    "copy._set_sequences",
    "copy._require_copied_or_empty",
    "expiry.expire",  # notes what it deleted, as the actor `retention`
    "expiry._in_batches",
    "sessions.open_session",  # signing in and out changes nothing that is kept
    "sessions.close_session",
    "alert_states.apply",  # what rules read, and how it was told
    "alert_deliveries.claim",
    "alert_deliveries.delivered",
    "alert_deliveries.failed",
    "alert_deliveries.note_test",
}
Change = Callable[[Ledger, Team], Any]
W = "walker"


def _key(ledger: Ledger, team: Team) -> int:
    return keys.create_key(ledger.engine, team.ada, "zed", actor="setup")[0].id


def _account(ledger: Ledger, role: OwnRole = "admin") -> int:
    holder, password = Holder(role=role), "correct horse"
    return accounts.add_account(ledger.engine, "boss", holder, password=password, actor="setup").id


def _invited(ledger: Ledger) -> str:
    """The e-mail of an account with a one-time password."""
    accounts.add_account(
        ledger.engine,
        "eva",
        Holder(role="manager"),
        email="eva@team.example",
        password="one-time password",
        must_change=True,
        actor="setup",
    )
    return "eva@team.example"


def _save_scenario(ledger: Ledger, actor: str) -> None:
    scenarios.save(ledger.engine, "Cards", '{"count": 8}', actor=actor)


def _remove_scenario(ledger: Ledger, actor: str) -> None:
    _save_scenario(ledger, "setup")
    scenarios.remove(ledger.engine, "Cards", actor=actor)


DISK = Rule("disk", Decimal(90), Decimal(85))


def _rule(ledger: Ledger) -> int:
    return alert_rules.add_rules(ledger.engine, [DISK], actor="setup")[0]


def _destination(ledger: Ledger) -> int:
    url = "https://hooks.example/s3cret"
    return alert_destinations.add_webhook(ledger.engine, "Ops", url, actor="setup")


# Each change, the function that makes it and what of its detail tells before and after.
CHANGES: dict[str, tuple[Change, dict[str, Any]]] = {
    "people.add_developer": (
        lambda it, _: people.add_developer(it.engine, "Grace", "Platform", actor=W),
        {"name": "Grace", "team": "Platform"},
    ),
    "people.rename_developer": (
        lambda it, team: people.rename_developer(it.engine, team.ada, "Countess", actor=W),
        {"was": {"name": "Ada"}, "now": {"name": "Countess"}},
    ),
    "people.set_team": (
        lambda it, team: people.set_team(it.engine, team.ada, None, actor=W, valid_from=NOON),
        {"was": {"team": "Platform"}, "now": {"team": None}, "valid_from": NOON},
    ),
    "people.set_role": (
        lambda it, team: people.set_role(it.engine, team.ada, "lead", actor=W, valid_from=NOON),
        {"was": {"role": "developer"}, "now": {"role": "lead"}, "valid_from": NOON},
    ),
    "people.archive_developer": (
        lambda it, team: people.archive_developer(it.engine, team.ada, actor=W),
        {"was": {"archived_at": None}},
    ),
    "people.restore_developer": (
        lambda it, team: people.restore_developer(it.engine, team.ada, actor=W),
        {"now": {"archived_at": None}},
    ),
    "teams.add_team": (lambda it, _: teams.add_team(it.engine, "Data", actor=W), {"name": "Data"}),
    "teams.rename_team": (
        lambda it, _: teams.rename_team(it.engine, 1, "Base", actor=W),
        {"was": {"name": "Platform"}, "now": {"name": "Base"}},
    ),
    "teams.archive_team": (
        lambda it, team: (
            people.archive_developer(it.engine, team.ada, actor="setup"),
            teams.archive_team(it.engine, 1, actor=W),
        ),
        {"id": 1, "was": {"archived_at": None}},
    ),
    "teams.restore_team": (
        lambda it, _: teams.restore_team(it.engine, 1, actor=W),
        {"now": {"archived_at": None}},
    ),
    "keys.create_key": (
        lambda it, team: keys.create_key(it.engine, team.ada, "zed", actor=W),
        {"developer": "Ada", "name": "zed"},
    ),
    "keys.revoke_key": (
        lambda it, team: keys.revoke_key(it.engine, _key(it, team), actor=W),
        {"was": {"state": "valid"}, "now": {"state": "revoked"}},
    ),
    "limits.set_limits": (
        lambda it, team: limits.set_limits(
            it.engine, Limits(tokens_per_month=5), developer_id=team.ada, actor=W
        ),
        {"developer_id": 1},
    ),
    "prices.set_prices": (
        lambda it, _: prices.set_prices(it.engine, actor=W, pue="1.2"),
        {"changes": {"pue": ["1.0", "1.2"]}},
    ),
    "grid._record": (
        lambda it, _: grid.set_grid(it.engine, actor=W, g_per_kwh=56.0, source="x"),
        {"valid_from": 0},
    ),
    "accounts.add_account": (
        lambda it, team: accounts.add_account(
            it.engine, "ada", Holder(team.ada), password="correct horse", actor=W
        ),
        {"name": "ada", "developer": "Ada", "email": None, "own_role": None},
    ),
    "accounts.set_password": (
        lambda it, _: accounts.set_password(
            it.engine, _account(it), "battery staple", actor=W, must_change=True
        ),
        {"name": "boss", "was": {"set": True}, "now": {"set": True}, "must_change": True},
    ),
    "accounts.enter_by_email": (
        lambda it, _: accounts.enter_by_email(it.engine, _invited(it), actor=W),
        {"name": "eva"},
    ),
    "accounts.change_account": (
        lambda it, team: accounts.change_account(
            it.engine, _account(it, "manager"), Holder(team.ada), "ada@team.example", actor=W
        ),
        {
            "was": {"developer": None, "own_role": "manager", "email": None},
            "now": {"developer": "Ada", "own_role": None, "email": "ada@team.example"},
        },
    ),
    "accounts.disable_account": (
        lambda it, _: accounts.disable_account(it.engine, _account(it, "manager"), actor=W),
        {"name": "boss", "was": {"disabled_at": None}},
    ),
    "accounts.enable_account": (
        lambda it, _: accounts.enable_account(it.engine, _account(it), actor=W),
        {"name": "boss", "now": {"disabled_at": None}},
    ),
    "accounts.note_lock_out": (
        lambda it, _: accounts.note_lock_out(it.engine, "10.0.0.1", actor=W),
        {"what": "address 10.0.0.1"},
    ),
    "retention.set_retention": (
        lambda it, _: retention.set_retention(it.engine, Retention(400, None), actor=W),
        {
            "was": {"requests_days": None, "minutes_days": None},
            "now": {"requests_days": 400, "minutes_days": None},
        },
    ),
    "scenarios.save": (
        lambda it, _: _save_scenario(it, W),
        {"name": "Cards", "was": None, "now": '{"count": 8}'},
    ),
    "scenarios.remove": (
        lambda it, _: _remove_scenario(it, W),
        {"name": "Cards", "was": '{"count": 8}', "now": None},
    ),
    "alert_rules.add_rules": (
        lambda it, _: alert_rules.add_rules(it.engine, [DISK], actor=W),
        {"kind": "disk", "threshold": "90", "clears_at": "85"},
    ),
    "alert_rules.change_rule": (
        lambda it, _: alert_rules.change_rule(
            it.engine, _rule(it), replace(DISK, threshold=Decimal(95)), actor=W
        ),
        {"was": {"threshold": "90"}, "now": {"threshold": "95"}},
    ),
    "alert_rules.remove_rule": (
        lambda it, _: alert_rules.remove_rule(it.engine, _rule(it), actor=W),
        {"id": 1, "kind": "disk"},
    ),
    "alert_destinations._add": (
        lambda it, _: alert_destinations.add_webhook(
            it.engine, "Ops", "https://hooks.example/s3cret", actor=W
        ),
        {"name": "Ops", "kind": "webhook", "host": "hooks.example"},
    ),
    "alert_destinations.remove_destination": (
        lambda it, _: alert_destinations.remove_destination(it.engine, _destination(it), actor=W),
        {"name": "Ops", "kind": "webhook"},
    ),
    "erase.erase_developer": (
        lambda it, team: erase.erase_developer(it.engine, team.ada, actor=W),
        {"id": 1, "requests": 0},
    ),
}
HELPERS = {  # of erase_developer, which notes for them
    "erase._end_access",
    "erase._erase_from_requests",
    "erase._erase_from_audit",
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_on_the_trail_with_its_actor_and_what_was_before(
    ledger: Ledger, team: Team, name: str
) -> None:
    change, told = CHANGES[name]
    change(ledger, team)
    last = rows(ledger.engine, "audit")[-1]
    assert last["actor"] == W
    detail = json.loads(last["detail"])
    assert {key: _like(detail[key], value) for key, value in told.items()} == told


def _like(found: Any, wanted: Any) -> Any:
    """Of what was found, the keys that are wanted."""
    return {key: found[key] for key in wanted} if isinstance(wanted, dict) else found


def test_no_function_that_writes_is_left_out() -> None:
    """Every function of the folder that opens a write transaction is walked above, or is one of
    the writer's own."""
    writers = set()
    for file in Path(inspect.getfile(db)).parent.glob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and _writes(node):
                writers.add(f"{file.stem}.{node.name}")
    assert writers - {"connect.writing"} == set(CHANGES) | BY_ITSELF | HELPERS


def _writes(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "writing"
        for node in ast.walk(function)
    )


def test_entries_are_read_newest_first_page_by_page_and_by_what_they_are(
    ledger: Ledger, team: Team
) -> None:
    before = now_ms()
    for number in range(5):
        teams.add_team(ledger.engine, f"Team {number}", actor="grace")
    first = audit.entries(ledger.engine, limit=3)
    second = audit.entries(ledger.engine, limit=3, before_id=first[-1].id)
    names = [entry.detail.get("name") for entry in (*first, *second)]
    assert names == [*[f"Team {number}" for number in (4, 3, 2, 1, 0)], "editor"]
    assert len(audit.entries(ledger.engine, actor="grace")) == 5
    assert len(audit.entries(ledger.engine, since=before)) == 5
    assert len(audit.entries(ledger.engine, action="key created")) == 1
    assert audit.actions(ledger.engine) == ["developer added", "key created", "team added"]


def test_a_detail_is_told_in_words() -> None:
    detail = {
        "id": 3,
        "valid_from": NOON,
        "changes": {"seat_price_per_month": ["200", "39.5"]},
        "was": {"team": "Data", "role": "lead"},
        "now": {"team": None, "role": "lead"},
    }
    assert audit.in_words(detail) == (
        "id 3, valid from 2026-01-01 12:00 UTC, seat price per month 200 → 39.5, team Data → none"
    )
