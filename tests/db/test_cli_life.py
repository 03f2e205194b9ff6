"""`python -m db` on the ledger's life: people over time, retention, backups, the audit trail."""

import json
import stat
from pathlib import Path

from db import memberships, people, retention
from db.connect import connect
from db.ledger import Ledger
from db.retention import Retention
from tests.db.energy_rows import request, write
from tests.db.team import NOON, Team, on_sqlite, rows
from tests.db.test_cli import Run, run

__all__ = ["run"]


def test_people_are_moved_from_a_day_on(run: Run, url: str, ledger: Ledger, team: Team) -> None:
    done = run("developer", "set-team", "ada", "Data", "--from", "2026-03-01")
    assert done.out == "Ada is in Data from 2026-03-01 on.\n"
    assert run("developer", "set-role", "ada", "lead").code == 0
    assert memberships.history(ledger.engine, team.ada)[0].role == "lead"
    shown = run("developer", "history", "ada").out.splitlines()
    assert shown[2].split() == ["2026-03-01", "Data", "developer", shown[2].split()[-1]]
    assert shown[3].startswith("the beginning  Platform")


def test_teams_are_added_renamed_archived_and_listed(run: Run) -> None:
    run("team", "add", "Data")
    run("team", "rename", "data", "Insight")
    assert "Insight" in run("team", "list").out
    run("team", "archive", "insight")
    assert "Insight" not in run("team", "list").out
    assert "Insight" in run("team", "list", "--all").out
    assert run("team", "restore", "insight").code == 0


@on_sqlite
def test_a_name_is_erased_when_it_is_confirmed(run: Run, ledger: Ledger, team: Team) -> None:
    ledger.close()
    done = run("developer", "erase", "ada", "--yes")
    assert (
        done.out
        == f"The name is erased. The totals are those of “Former developer {team.ada}” now.\n"
    )
    assert run("developer", "erase", "ada", "--yes").code == 1


def test_retention_is_shown_tried_set_and_run(run: Run, ledger: Ledger, team: Team) -> None:
    write(ledger.engine, requests=[request(team.ada, at=NOON + n) for n in range(3)])
    assert "for ever" in run("retention").out
    tried = run("retention", "--requests-days", "30", "--dry-run")
    assert "3 requests and 0 minutes of meters are older" in tried.out
    assert retention.current(ledger.engine) == Retention()
    run("retention", "--requests-days", "30", "--yes")
    assert len(rows(ledger.engine, "requests")) == 3  # the gateway's to delete
    done = run("retention", "--now", "--yes")
    assert "Deleted: 3 requests" in done.out
    assert "Requests are complete from 2026-01-01 13:00 UTC on." in done.out
    assert run("retention", "--forever").code == 0
    assert retention.current(ledger.engine) == Retention()


@on_sqlite
def test_a_backup_is_made_by_the_time_and_restored(
    run: Run, tmp_path: Path, ledger: Ledger, team: Team
) -> None:
    assert "is a verified copy" in run("backup").out
    (made,) = (tmp_path / "backups").iterdir()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    people.add_developer(ledger.engine, "Grace", actor="test")
    assert "stop it first" in run("restore", str(made), "--yes").err
    ledger.close()
    assert "restore that to undo this" in run("restore", str(made), "--yes").out
    assert "Grace" not in run("developer", "list").out


@on_sqlite
def test_space_is_given_back_while_a_gateway_runs(run: Run, ledger: Ledger, team: Team) -> None:
    assert "were given back to the disk" in run("vacuum").out
    assert "stop it first" in run("vacuum", "--full").err


def test_the_audit_trail_is_listed_and_filtered(run: Run, url: str) -> None:
    run("developer", "add", "Ada")
    people.add_developer(connect(url), "Grace", actor="grace")
    assert len(run("audit").out.splitlines()) == 3
    assert "name Grace" in run("audit", "--actor", "grace").out
    assert len(run("audit", "--since", "2999-01-01").out.splitlines()) == 1
    (entry,) = run("audit", "--actor", "grace", "--json").out.splitlines()
    assert json.loads(entry)["detail"]["name"] == "Grace"
    assert "not a date" in run("audit", "--since", "yesterday").err


def test_sums_are_made_anew_and_that_is_on_the_trail(
    run: Run, url: str, ledger: Ledger, team: Team
) -> None:
    write(ledger.engine, requests=[request(team.ada, output_tokens=5)])
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE usage_hours SET output_tokens = 6")
    ledger.close()
    assert run("check", "--database", url).code == 1
    assert run("rebuild").code == 0
    assert rows(connect(url), "usage_hours")[0]["output_tokens"] == 5
    assert "sums made anew" in run("audit").out
