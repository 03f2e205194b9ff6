"""`monthly_use` against sums over the rows in plain Python."""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

import db.migrations
from db import keys, months, people, queries
from db.check import check
from db.connect import connect, writing
from db.ledger import Ledger
from db.migrate import migrate
from tests.db.team import NOON, WAIT_S, Team, outcome, rows, window

DAY = 86_400_000


def test_a_months_use_is_what_its_ended_requests_add_up_to(ledger: Ledger, team: Team) -> None:
    _use(ledger, team)
    assert _kept(ledger.engine) == _sums(ledger.engine)
    ledger.close()
    ledger.open()  # interrupts what still ran
    assert _kept(ledger.engine) == _sums(ledger.engine)
    ended = len(rows(ledger.engine, "requests"))
    assert sum(it["requests"] for it in rows(ledger.engine, "monthly_use")) == ended
    assert check(ledger.engine).violations == []


def test_a_finish_that_changes_nothing_adds_nothing(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    for _ in range(3):
        ledger.finish(outcome(request_id)).result(WAIT_S)
    assert [it["requests"] for it in rows(ledger.engine, "monthly_use")] == [1]


def test_a_finish_that_corrects_the_input_counts_the_corrected(ledger: Ledger, team: Team) -> None:
    ledger.finish(outcome(team.admit(ledger), input_tokens=52)).result(WAIT_S)
    assert [it["input_tokens"] for it in rows(ledger.engine, "monthly_use")] == [52]


def test_joules_that_come_after_the_end_count_in_the_month_of_the_request(
    ledger: Ledger, team: Team
) -> None:
    new_year = NOON - DAY // 2
    request_id = team.admit(ledger, at=new_year - 1)
    ledger.finish(outcome(request_id, at=new_year + 9_000)).result(WAIT_S)
    ledger.record_energy(window({request_id: 8.0}, at=new_year + 9_000)).result(WAIT_S)
    assert [(it["month"], it["energy_j"]) for it in rows(ledger.engine, "monthly_use")] == [
        ("2025-12", 8.0)
    ]


def test_a_month_can_be_read_for_the_pages(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger, api_key_id=None)
    ledger.record_energy(window({request_id: 8.0})).result(WAIT_S)
    ledger.finish(outcome(request_id)).result(WAIT_S)
    ledger.finish(outcome(team.admit(ledger))).result(WAIT_S)
    found = queries.month_use(ledger.engine, "2026-01").to_dict("records")
    same = {"developer_id": team.ada, "requests": 1, "input_tokens": 40, "output_tokens": 25}
    assert found == [
        same | {"api_key_id": 0, "energy_j": 8.0},
        same | {"api_key_id": team.key, "energy_j": 0.0},
    ]
    assert queries.month_use(ledger.engine, "2025-12").empty


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_time_is_of_its_utc_month(at: datetime) -> None:
    month = months.month_of(int(at.timestamp() * 1000))
    assert month == at.strftime("%Y-%m")
    year, number = map(int, months.month_after(month).split("-"))
    assert (year * 12 + number) - (at.year * 12 + at.month) == 1
    assert 1 <= number <= 12


def test_a_ledger_of_the_first_version_gets_the_months_of_its_rows(
    another_url: Callable[[], str],
) -> None:
    url = another_url()
    engine = connect(url)
    with writing(engine) as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(db.migrations.__path__[0])))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        _write_like_the_first_version(connection)
    migrate(engine)
    assert _kept(engine) == _sums(engine)
    assert len(rows(engine, "monthly_use")) > 6
    assert {it["reserved_tokens"] for it in rows(engine, "requests")} == {None}
    ledger = Ledger(url)
    ledger.open()  # interrupts what ran
    violations = check(ledger.engine).violations
    assert _kept(ledger.engine) == _sums(ledger.engine)
    ledger.close()
    assert violations == []


def _use(ledger: Ledger, team: Team) -> None:
    """200 requests over three months of two developers, with and without key; some still run."""
    chance = random.Random(11)
    grace = people.add_developer(ledger.engine, "Grace", actor="test")
    hers, _ = keys.create_key(ledger.engine, grace.id, "zed", actor="test")
    callers = [(team.ada, team.key), (team.ada, None), (grace.id, hers.id), (grace.id, None)]
    for _ in range(200):
        developer_id, key_id = chance.choice(callers)
        at = NOON + chance.randrange(-20 * DAY, 50 * DAY)
        new = team.request(at=at, developer_id=developer_id, api_key_id=key_id,
                           input_tokens=chance.randrange(900))  # fmt: skip
        ledger.admit(new)
        if chance.random() < 0.7:
            joules = float(chance.randrange(90))  # whole, so that any order adds up to the same
            ledger.record_energy(window({new.id: joules, 999: 1.0}, at=at))
        if chance.random() < 0.8:
            status: Any = chance.choice(["ok", "error", "cancelled"])
            ledger.finish(outcome(new.id, status, at + 500, output_tokens=chance.randrange(400)))
        else:
            ledger.progress(new.id, chance.randrange(1, 400), at + 500)
    team.admit(ledger, api_key_id=None, id=1, input_tokens=0)  # all before it is durable now
    ledger.finish(outcome(1, output_tokens=0)).result(WAIT_S)


def _write_like_the_first_version(connection: Any) -> None:
    chance = random.Random(12)
    connection.execute(
        text("INSERT INTO developers (id, name, created_at) VALUES (1, 'Ada', 0), (2, 'Grace', 0)")
    )
    connection.execute(
        text(
            "INSERT INTO api_keys (id, developer_id, name, prefix, hash, created_at)"
            " VALUES (1, 1, 'zed', 'bk-', 'x', 0)"
        )
    )
    attributed = 0.0
    for number in range(150):
        developer_id, key_id = chance.choice([(1, 1), (1, None), (2, None)])
        at = NOON + chance.randrange(-20 * DAY, 50 * DAY)
        status = chance.choice(["ok", "error", "cancelled", "interrupted", "running"])
        joules = chance.choice([None, float(chance.randrange(90))])
        attributed += joules or 0.0
        values = {
            "id": number,
            "started_at": at,
            "developer_id": developer_id,
            "api_key_id": key_id,
            "status": status,
            "end": None if status == "running" else at + 500,
            "duration": None if status == "running" else 500,
            "input": chance.randrange(900),
            "output": chance.randrange(400),
            "joules": joules,
            "basis": None if joules is None else "measured",
        }
        connection.execute(
            text(
                "INSERT INTO requests (id, started_at, first_token_at, finished_at, duration_ms,"
                " developer_id, developer_name, api_key_id, model, engine, endpoint, status,"
                " streamed, input_tokens, cached_input_tokens, output_tokens, counts_exact,"
                " energy_j, energy_basis, energy_source) VALUES (:id, :started_at, :started_at,"
                " :end, :duration, :developer_id, 'x', :api_key_id, 'm', 'e', 'chat', :status,"
                " true, :input, 0, :output, true, :joules, :basis, 'meter')"
            ),
            values,
        )
    connection.execute(
        text(
            "INSERT INTO energy_intervals (minute_at, started_at, ended_at, duration_ms, total_j,"
            " idle_j, attributed_j, unclaimed_j, basis, source)"
            " VALUES (0, 0, 1000, 1000, :total, 0, :total, 0, 'measured', 'meter')"
        ),
        {"total": attributed},
    )


def _kept(engine: Engine) -> dict[tuple[str, int, int], tuple[float, ...]]:
    return {
        (it["month"], it["developer_id"], it["api_key_id"]): (
            it["requests"],
            it["input_tokens"],
            it["output_tokens"],
            it["energy_j"],
        )
        for it in rows(engine, "monthly_use")
        if it["requests"] or it["energy_j"]
    }


def _sums(engine: Engine) -> dict[tuple[str, int, int], tuple[float, ...]]:
    sums: dict[tuple[str, int, int], list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    for it in rows(engine, "requests"):
        month = datetime.fromtimestamp(it["started_at"] / 1000, UTC).strftime("%Y-%m")
        use = sums[month, it["developer_id"], it["api_key_id"] or 0]
        use[3] += it["energy_j"] or 0.0
        if it["status"] != "running":
            use[0] += 1
            use[1] += it["input_tokens"]
            use[2] += it["output_tokens"]
    return {user: tuple(use) for user, use in sums.items() if any(use)}
