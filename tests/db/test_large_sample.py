import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from db.__main__ import cli
from db.check import check
from db.connect import connect
from db.errors import InvalidInput
from db.ledger import Ledger
from db.prices import prices_between
from db.sample import write_large_sample, write_sample
from tests.db.team import Team, on_sqlite

UNTIL = 1_780_000_000_000  # a Thursday's evening in UTC
DAY_MS = 86_400_000
REQUESTS, DEVELOPERS, DAYS = 30_000, 120, 120


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("large") / "sample.db"
    write_large_sample(
        f"sqlite:///{file}", REQUESTS, developers=DEVELOPERS, days=DAYS, until_ms=UNTIL
    )
    return file


@pytest.fixture
def sample(file: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(file)) as connection:
        yield connection


def column(sample: sqlite3.Connection, query: str) -> list[Any]:
    return [row[0] for row in sample.execute(query)]


def test_a_large_sample_keeps_every_rule_of_a_real_ledger(file: Path) -> None:
    report = check(connect(f"sqlite:///{file}", read_only=True))
    assert (report.requests, report.violations) == (REQUESTS, [])


def test_ids_grow_with_time_and_all_is_over_by_now(sample: sqlite3.Connection) -> None:
    rows = sample.execute("SELECT id, started_at, finished_at FROM requests ORDER BY id").fetchall()
    started = [row[1] for row in rows]
    assert started == sorted(started)
    assert [row[0] >> 20 for row in rows] == started
    assert max(row[2] for row in rows) < UNTIL
    assert UNTIL - (DAYS + 1) * DAY_MS < started[0] < UNTIL - (DAYS - 3) * DAY_MS


def test_the_top_tenth_of_the_people_do_about_half(sample: sqlite3.Connection) -> None:
    each = sorted(column(sample, "SELECT count(*) FROM requests GROUP BY developer_id"))
    assert 0.38 < sum(each[-DEVELOPERS // 10 :]) / REQUESTS < 0.62


def test_people_work_by_day_rest_on_weekends_and_take_to_it_over_the_year(
    sample: sqlite3.Connection,
) -> None:
    at = [
        datetime.fromtimestamp(ms / 1000)
        for ms in column(sample, "SELECT started_at FROM requests")
    ]
    weekend = sum(moment.weekday() >= 5 for moment in at)
    night = sum(not 5 <= moment.hour < 24 for moment in at)
    assert 0 < weekend < 0.04 * REQUESTS
    assert night == 0
    middle = UNTIL / 1000 - DAYS * 43_200
    assert sum(moment.timestamp() > middle for moment in at) > 0.55 * REQUESTS


def test_most_people_change_the_model_in_the_middle(sample: sqlite3.Connection) -> None:
    first, last = (
        dict(
            sample.execute(
                "SELECT model, count(*) FROM requests WHERE started_at BETWEEN ? AND ? GROUP BY 1",
                (UNTIL - begins * DAY_MS, UNTIL - ends * DAY_MS),
            ).fetchall()
        )
        for begins, ends in ((DAYS, DAYS * 2 / 3), (DAYS / 4, 0))
    )
    assert len(last) == 3
    assert max(first, key=first.__getitem__) != max(last, key=last.__getitem__)


def test_failures_are_few_and_of_every_kind(sample: sqlite3.Connection) -> None:
    found = dict(sample.execute("SELECT status, count(*) FROM requests GROUP BY 1").fetchall())
    assert set(found) == {"ok", "error", "cancelled", "interrupted"}
    assert all(found[status] < 0.05 * REQUESTS for status in ("error", "cancelled", "interrupted"))


def test_energy_is_known_in_part_and_not_at_all_for_some(sample: sqlite3.Connection) -> None:
    of_requests = column(sample, "SELECT DISTINCT energy_basis FROM requests")
    of_minutes = column(sample, "SELECT DISTINCT basis FROM energy_intervals")
    assert set(of_requests) == set(of_minutes) == {"measured", "partial", "unknown"}


def test_a_request_has_the_team_that_its_developer_was_in_then(sample: sqlite3.Connection) -> None:
    teams: dict[int, list[tuple[int, int]]] = {}
    for developer, since, team in sample.execute(
        "SELECT developer_id, valid_from, team_id FROM memberships ORDER BY valid_from"
    ):
        teams.setdefault(developer, []).append((since, team))
    assert any(len(history) > 1 for history in teams.values())
    for developer, started, team in sample.execute(
        "SELECT developer_id, started_at, team_id FROM requests"
    ):
        assert [its for since, its in teams[developer] if since <= started][-1] == team


def test_nobody_asks_before_they_join_or_after_they_leave(sample: sqlite3.Connection) -> None:
    outside = column(
        sample,
        "SELECT count(*) FROM requests r JOIN developers d ON d.id = r.developer_id"
        " WHERE r.started_at < d.created_at OR r.started_at >= d.archived_at",
    )
    assert outside == [0]
    assert column(sample, "SELECT count(*) FROM developers WHERE archived_at IS NOT NULL")[0] > 0
    assert column(sample, "SELECT count(DISTINCT created_at) FROM developers")[0] > 5


def test_prices_and_the_tariff_change_once_each(file: Path) -> None:
    engine = connect(f"sqlite:///{file}", read_only=True)
    segments = [one.settings for one in prices_between(engine, UNTIL - DAYS * DAY_MS, UNTIL)]
    assert len({one.seat_price_per_month for one in segments}) == 2
    assert len({one.electricity_price_per_kwh for one in segments}) == 2


def test_the_same_seed_and_time_give_the_same_rows_and_another_seed_others(tmp_path: Path) -> None:
    def made(name: str, seed: int) -> list[str]:
        file = tmp_path / name
        options = {"developers": 20, "days": 9, "until_ms": UNTIL}
        write_large_sample(f"sqlite:///{file}", 500, seed=seed, **options)  # type: ignore[arg-type]
        with closing(sqlite3.connect(file)) as connection:
            return [line for line in connection.iterdump() if line.startswith("INSERT")]

    first = made("one.db", 7)
    assert made("two.db", 7) == first
    assert made("one.db", 7) == first  # also over what was there
    assert made("two.db", 8) != first


@on_sqlite
def test_indexes_are_those_of_a_real_ledger_again(
    sample: sqlite3.Connection, ledger: Ledger
) -> None:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
    with closing(sqlite3.connect(ledger.path)) as real:
        assert sample.execute(query).fetchall() == real.execute(query).fetchall()


@on_sqlite
def test_a_real_ledger_is_never_overwritten_by_a_large_sample(ledger: Ledger, team: Team) -> None:
    with pytest.raises(InvalidInput, match="not a sample database"):
        write_large_sample(f"sqlite:///{ledger.path}", 10)
    assert ledger.engine.connect().exec_driver_sql("SELECT name FROM developers").scalar() == "Ada"


def test_a_team_of_eight_is_written_over_a_large_sample(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sample.db'}"
    write_large_sample(url, 300, developers=10, days=5, until_ms=UNTIL)
    assert write_sample(url, until_ms=UNTIL).developers == 8
    assert check(connect(url, read_only=True)).violations == []


def test_the_command_says_what_it_wrote_and_where(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'big.db'}"
    done = CliRunner().invoke(
        cli,
        ["sample", "--requests", "2000", "--developers", "3", "--days", "2", "--database", url],
    )
    assert "2,000 requests of 3 developers over 2 days" in done.output
