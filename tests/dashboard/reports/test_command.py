"""`python -m dashboard.reports`, as a person types it."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from dashboard.reports.files import write_whole
from db.errors import LedgerUnavailable
from tests.dashboard.reports.books import add, at, person, request
from tests.product import ROOT

RANGE = ("--from", "2025-10-01", "--to", "2025-11-01")


@pytest.fixture
def home(ledger: Engine, tmp_path: Path) -> Path:
    """A home whose ledger holds one request of Ada's and one of Ken's."""
    for name, team in (("Ada", "Platform"), ("Ken", "Data")):
        developer_id, team_id = person(ledger, name, team)
        add(ledger, [request(developer_id, at(5), developer_name=name, team_id=team_id)])
    return tmp_path


def command(home: Path, *words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "dashboard.reports", *words],
        cwd=ROOT,
        env={**os.environ, "BREAKEVEN_HOME": str(home)},
        capture_output=True,
        check=False,
    )


def test_a_file_is_written_whole_and_not_written_over(home: Path) -> None:
    file = home / "october.csv"
    done = command(home, "csv", *RANGE, "-o", str(file))
    assert done.returncode == 0, done.stderr
    with file.open(newline="") as lines:
        assert [row["developer"] for row in csv.DictReader(lines)] == ["Ada", "Ken"]
    assert f"{file.stat().st_size:,} bytes" in done.stderr.decode()

    file.write_text("mine")
    again = command(home, "csv", *RANGE, "-o", str(file))
    assert again.returncode == 1
    assert again.stderr.decode().splitlines()[-1] == (
        f"Error: {file} exists already; name another file, or add --force to replace it."
    )
    assert file.read_text() == "mine"
    assert command(home, "csv", *RANGE, "-o", str(file), "--force").returncode == 0
    assert file.read_text() != "mine"
    assert not list(home.glob(".*.part"))


def test_a_file_that_could_not_be_finished_is_not_there(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        assert list(tmp_path.glob(".file.csv.*.part")), "it is written under another name"
        raise LedgerUnavailable("the disk is gone")

    with pytest.raises(LedgerUnavailable):
        write_whole(tmp_path / "file.csv", chunks(), replace=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["usage", "focus"])
def test_usage_and_focus_come_in_both_formats(home: Path, what: str) -> None:
    text = command(home, what, *RANGE, "--timezone", "Europe/Berlin")
    assert text.returncode == 0, text.stderr
    rows = list(csv.DictReader(text.stdout.decode().splitlines()))
    file = home / "file.parquet"
    parquet = ("--format", "parquet", "-o", str(file))
    done = command(home, what, *RANGE, "--timezone", "Europe/Berlin", *parquet)
    assert done.returncode == 0, done.stderr
    assert pq.read_table(file).num_rows == len(rows) > 0


def test_a_team_and_a_developer_are_found_by_name(home: Path) -> None:
    done = command(home, "csv", *RANGE, "--team", "data", "--developer", "KEN")
    assert [row["developer"] for row in csv.DictReader(done.stdout.decode().splitlines())] == [
        "Ken"
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("csv", *RANGE, "--team", "Sales"), "There is no team named Sales."),
        (("csv", *RANGE, "--developer", "Zoe"), "There is no developer named Zoe."),
        (("csv", "--from", "2025-13-01"), "'2025-13-01' is not a date such as 2026-10-01."),
        (("csv", "--from", "2025-10-02", "--to", "2025-10-01"), "must begin earlier"),
        (("csv", *RANGE, "--timezone", "Mars/Base"), "There is no time zone named 'Mars/Base'"),
        (("focus", *RANGE, "--developer", "Ada"), "choose a team"),
        (("csv", *RANGE, "-o", "/nowhere/file.csv"), "/nowhere"),
        (("csv", *RANGE, "--database", "sqlite:////nowhere/ledger.db"), "There is no ledger at"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(home: Path, words: tuple[str, ...], said: str) -> None:
    done = command(home, *words)
    assert done.returncode != 0
    assert said in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""
