"""`python -m db`, as somebody types it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from db import keys
from db.__main__ import cli, main
from db.accounts import check_password
from db.connect import connect
from db.ids import now_ms
from db.ledger import Ledger
from db.limits import NO_LIMITS, Limits, get_limits
from db.people import find_developer
from tests.db.team import WAIT_S, Team, outcome, window


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.setenv("BREAKEVEN_HOME", str(tmp_path))
    monkeypatch.delenv("BREAKEVEN_DATABASE_URL", raising=False)
    if url.startswith("postgresql"):
        monkeypatch.setenv("BREAKEVEN_DATABASE_URL", url)

    def run(*words: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["db", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, captured.out, captured.err)

    return run


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "db", "key", "create", "--developer", "ada"],
        capture_output=True,
        text=True,
        env=os.environ | {"BREAKEVEN_HOME": str(tmp_path)},
        check=True,
    )
    assert done.stdout.startswith("bk-")  # and nothing else, so that a script can keep it
    assert done.stdout.count("\n") == 1


def test_a_key_is_created_with_its_developer_and_opens_the_ledger(run: Run, url: str) -> None:
    done = run("key", "create", "--developer", "ada", "--tool", "zed")
    assert done.code == 0
    assert "ada is new and was added" in done.err
    owner = keys.verify(connect(url), done.out.strip())
    assert owner is not None
    assert (owner.developer_name, owner.key_name) == ("ada", "zed")


def test_a_key_can_be_made_while_a_gateway_runs(run: Run, url: str, ledger: Ledger) -> None:
    done = run("key", "create", "--developer", "ada")
    assert keys.verify(ledger.engine, done.out.strip()) is not None


def test_keys_are_listed_by_prefix_and_revoked_by_id(run: Run, url: str) -> None:
    plaintext = run("key", "create", "--developer", "ada").out.strip()
    listed = run("key", "list").out
    assert plaintext[:9] in listed
    assert plaintext not in listed
    assert run("key", "revoke", "1").code == 0
    assert plaintext[:9] not in run("key", "list").out
    assert plaintext[:9] in run("key", "list", "--all").out
    assert keys.verify(connect(url), plaintext) is None


def test_a_key_can_be_made_to_expire(run: Run, url: str) -> None:
    plaintext = run("key", "create", "--developer", "ada", "--expires", "30").out.strip()
    owner = keys.verify(connect(url), plaintext)
    assert owner is not None
    assert owner.expires_at is not None
    assert abs(owner.expires_at - (time.time() + 30 * 86_400) * 1000) < 60_000


def test_limits_are_set_one_by_one_shown_with_their_use_and_lifted(
    run: Run, url: str, ledger: Ledger, team: Team
) -> None:
    run("limits", "set", "--developer", "ada", "--tokens-per-month", "5000")
    run("limits", "set", "--developer", "ada", "--kwh-per-month", "0.5", "--model", "Kimi-K2")
    run("limits", "set", "--key", str(team.key), "--concurrent", "4")
    assert get_limits(ledger.engine, developer_id=team.ada) == Limits(
        tokens_per_month=5_000, energy_j_per_month=1.8e6, models=("kimi-k2",)
    )
    request_id = team.admit(ledger, at=now_ms())
    ledger.record_energy(window({request_id: 3.6e5})).result(WAIT_S)
    ledger.finish(outcome(request_id)).result(WAIT_S)
    head, of_ada, of_key = run("limits", "show").out.splitlines()
    assert head.split()[:2] == ["DEVELOPER", "KEY"]
    assert "65 of 5,000" in of_ada
    assert "0.1 of 0.5" in of_ada
    assert "kimi-k2" in of_ada
    assert of_key.split() == ["Ada", str(team.key), "(editor)", "4", "65", "0.1"]
    run("limits", "set", "--developer", "ada", "--none")
    assert get_limits(ledger.engine, developer_id=team.ada) == NO_LIMITS


def test_developers_are_added_listed_and_archived(run: Run) -> None:
    assert run("developer", "add", "Grace", "--team", "Platform").code == 0
    assert "Platform" in run("developer", "list").out
    assert run("developer", "archive", "grace").code == 0
    assert "Grace" not in run("developer", "list").out
    assert "Grace" in run("developer", "list", "--all").out


def test_the_admin_password_is_asked_for_and_never_shown(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAKEVEN_HOME", str(tmp_path))
    monkeypatch.setenv("BREAKEVEN_DATABASE_URL", url)
    typed = "correct horse\ncorrect horse\n"
    done = CliRunner().invoke(cli, ["admin", "set-password"], input=typed)
    assert done.exit_code == 0
    assert "horse" not in done.output
    admin = check_password(connect(url), "admin", "correct horse")
    assert admin is not None
    assert admin.role == "admin"


def test_accounts_are_added_listed_disabled_and_enabled(
    run: Run, monkeypatch: pytest.MonkeyPatch, team: Team
) -> None:
    monkeypatch.setattr("click.prompt", lambda *_words, **_options: "correct horse")
    assert run("admin", "add", "boss").out == "boss may sign in as admin.\n"
    assert "as developer" in run("admin", "add", "al", "--developer", "ada").out
    assert run("admin", "add", "m", "--role", "manager").code == 0
    listed = [line.split() for line in run("admin", "list").out.splitlines()]
    assert [line[:2] for line in listed[1:]] == [
        ["al", "developer"],
        ["boss", "admin"],
        ["m", "manager"],
    ]
    assert run("admin", "disable", "al").code == 0
    assert run("admin", "list").out.splitlines()[1].endswith("disabled")
    assert run("admin", "enable", "AL").code == 0
    assert not run("admin", "list").out.splitlines()[1].endswith("disabled")
    assert "last admin" in run("admin", "disable", "boss").err
    entered = run("admin", "add", "eva", "--role", "manager", "--email", "Eva@team.example")
    assert entered.out == "eva may sign in as manager.\n", "without a password to ask for"
    assert "without which eva cannot sign in" in entered.err
    changed = run("admin", "set-email", "eva", "e@team.example")
    assert changed.out == "eva may be entered by e@team.example.\n"
    assert "only way in" in run("admin", "set-email", "eva", "").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("admin", "disable", "zoe"), "There is no account named zoe."),
        (("key", "revoke", "9"), "There is no key with id 9."),
        (("developer", "archive", "zoe"), "There is no developer named zoe."),
        (("developer", "add", " "), "A developer needs a name."),
        (("limits", "set", "--key", "9", "--concurrent", "3"), "There is no key with id 9."),
        (("limits", "set", "--key", "9"), "Say which limit to set"),
        (("limits", "set", "--concurrent", "3"), "Limits are either a developer's or a key's."),
        (("limits", "set", "--developer", "zoe", "--none"), "There is no developer named zoe."),
        (("check", "--database", "sqlite:////none/of.db"), "There is no ledger at /none/of.db."),
        (("check", "--database", "mysql://host/x"), "in an SQLite file or in PostgreSQL"),
        (("check", "--database", "postgresql://localhost:1/x"), "no PostgreSQL server answers"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(
    run: Run, words: tuple[str, ...], said: str
) -> None:
    done = run(*words)
    assert done.code == 1
    assert done.err.startswith(f"Error: {said}") or said in done.err
    assert done.err.count("\n") == 1


def test_the_sample_is_written_beside_the_ledger_and_passes_the_check(
    run: Run, url: str, tmp_path: Path
) -> None:
    sample = f"sqlite:///{tmp_path / 'sample.db'}"
    assert "8 developers" in run("sample").out
    checked = run("check", "--database", sample)
    assert (checked.code, "all rules hold" in checked.out) == (0, True)
    assert find_developer(connect(sample), "Ada") is not None
    assert find_developer(connect(url), "Ada") is None


def test_check_exits_with_1_and_names_what_is_broken(run: Run, url: str) -> None:
    run("developer", "add", "Ada")
    engine = connect(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO energy_intervals (minute_at, started_at, ended_at, duration_ms, total_j,"
            " idle_j, attributed_j, overhead_j, loading_j, other_j, unclaimed_j, basis, source)"
            " VALUES (0, 0, 1000, 1000, 10, 4, 5, 0, 0, 0, 0, 'measured', 'meter')"
        )
    done = run("check")
    assert done.code == 1
    assert "and other programs are its total" in done.out
    assert "energy_intervals 0" in done.out
