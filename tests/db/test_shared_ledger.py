"""Several gateways on one PostgreSQL ledger, each in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from db import limits
from db.check import check
from db.connect import connect, writing
from db.ids import now_ms
from db.ledger import Ledger
from db.limits import Limits
from tests.db.relay import Relay
from tests.db.team import WAIT_S, Team, on_postgresql, outcome, row, rows

pytestmark = on_postgresql
DEAD_WITHIN_S = 30 + 15 + 10  # not seen for 30 s, looked for every 15 s, and a busy machine's rest


class OtherGateway:
    """A ledger in another process."""

    def __init__(self, url: str, team: Team) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.db.one_gateway", url, str(team.ada), str(team.key)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == "open"

    def tell(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def ask(self, *words: object) -> Any:
        self.tell(*words)
        return self.answer()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


Start = Callable[[], OtherGateway]


@pytest.fixture
def start(url: str, team: Team) -> Iterator[Start]:
    """Starts other gateways on the same ledger."""
    started: list[OtherGateway] = []

    def start() -> OtherGateway:
        started.append(OtherGateway(url, team))
        return started[-1]

    yield start
    for gateway in started:
        gateway.kill()


def wait_until(true: Callable[[], bool], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not so within {within_s} s"
        time.sleep(0.2)


def statuses(ledger: Ledger, ids: list[int]) -> set[str]:
    return {it["status"] for it in rows(ledger.engine, "requests") if it["id"] in ids}


def test_two_gateways_that_hammer_one_budget_admit_exactly_what_it_has_room_for(
    start: Start, ledger: Ledger, team: Team
) -> None:
    """300 requests of 100 tokens at a budget of 10,050, by two processes at once, three times."""
    budget = Limits(tokens_per_month=10_050)
    limits.set_limits(ledger.engine, budget, developer_id=team.ada, actor="test")
    one, other = start(), start()
    admitted = 0
    for _ in range(3):
        one.tell("hammer", 50)
        other.tell("hammer", 50)
        admitted += one.answer() + other.answer()
    assert admitted == 100
    stored = rows(ledger.engine, "requests")
    assert sum(it["input_tokens"] + it["output_tokens"] for it in stored) == 10_000
    [use] = rows(ledger.engine, "monthly_use")
    assert (use["requests"], use["input_tokens"] + use["output_tokens"]) == (100, 10_000)
    assert check(ledger.engine).violations == []


def test_each_row_says_which_gateway_wrote_it(start: Start, ledger: Ledger, team: Team) -> None:
    [theirs] = start().ask("admit", 1)
    ours = team.admit(ledger)
    writers = {it["id"]: it["process"] for it in rows(ledger.engine, "writers")}
    assert len(writers) == 2
    by = [writers[row(ledger.engine, each)["writer_id"]] for each in (ours, theirs)]
    assert len(set(by)) == 2


def test_a_request_can_be_ended_by_its_own_gateway_only_while_another_starts_and_stops(
    url: str, start: Start, ledger: Ledger, team: Team
) -> None:
    running = team.admit(ledger, at=now_ms())
    gateway = start()
    assert gateway.ask("quit") == "closed"
    assert row(ledger.engine, running)["status"] == "running"
    assert ledger.finish(outcome(running, at=now_ms())).result(WAIT_S).changed


def test_what_a_gateway_left_that_closed_is_ended_by_the_next_to_open(
    url: str, start: Start, ledger: Ledger, team: Team
) -> None:
    gateway = start()
    left = gateway.ask("admit", 3)
    gateway.ask("quit")
    following = Ledger(url)
    following.open()
    following.close()
    assert following.interrupted_at_open == 3
    assert statuses(ledger, left) == {"interrupted"}


@pytest.mark.slow
def test_a_gateway_killed_in_mid_request_is_tidied_up_by_another_whose_rows_stay(
    start: Start, ledger: Ledger, team: Team
) -> None:
    budget = Limits(tokens_per_month=600)
    limits.set_limits(ledger.engine, budget, developer_id=team.ada, actor="test")
    ours = [team.admit(ledger, at=now_ms(), reserved_tokens=100) for _ in range(2)]
    gateway = start()
    theirs = gateway.ask("admit", 4)
    gateway.kill()
    time.sleep(20)
    assert statuses(ledger, theirs) == {"running"}  # it may only have lost its connection
    wait_until(lambda: statuses(ledger, theirs) == {"interrupted"}, DEAD_WITHIN_S)
    assert statuses(ledger, ours) == {"running"}
    team.admit(ledger, at=now_ms(), reserved_tokens=240)  # 600 - 2 × 100 - 4 × 40 of input
    for request_id in ours:
        assert ledger.finish(outcome(request_id, at=now_ms())).result(WAIT_S).changed
    assert check(ledger.engine).violations == []


def test_a_gateway_that_loses_its_connection_for_a_while_keeps_its_requests(
    url: str, ledger: Ledger, team: Team
) -> None:
    with Relay(url) as relay:
        away = Ledger(relay.url)
        away.open()
        request_id = team.admit(away, at=now_ms())
        relay.cut()
        refused = away.admit(team.request(at=now_ms())).exception(WAIT_S)
        assert "PostgreSQL server" in str(refused)
        away.finish(outcome(request_id, at=now_ms()))
        assert away.health().state == "unavailable"
        later = Ledger(url)
        later.open()
        assert later.interrupted_at_open == 0
        later.close()
        assert row(ledger.engine, request_id)["status"] == "running"
        relay.mend()
        wait_until(lambda: away.health().state == "open" and not away.health().waiting, WAIT_S)
        assert row(ledger.engine, request_id)["status"] == "ok"
        away.close()
    assert len(rows(ledger.engine, "requests")) == 1
    assert check(ledger.engine).violations == []


@pytest.mark.slow
def test_a_gateway_that_was_taken_for_dead_takes_its_requests_back(
    url: str, ledger: Ledger, team: Team
) -> None:
    with Relay(url) as relay:
        away = Ledger(relay.url)
        away.open()
        ended, running = (team.admit(away, at=now_ms()) for _ in range(2))
        relay.cut()
        wait_until(lambda: statuses(ledger, [ended, running]) == {"interrupted"}, DEAD_WITHIN_S)
        away.finish(outcome(ended, at=now_ms()))
        relay.mend()
        wait_until(lambda: row(ledger.engine, ended)["status"] == "ok", WAIT_S)
        assert row(ledger.engine, running)["status"] == "running"
        assert check(ledger.engine).violations == []
        assert away.finish(outcome(running, at=now_ms())).result(WAIT_S).changed
        away.close()
    assert check(connect(url, read_only=True)).violations == []


def test_a_gateway_enters_itself_anew_where_an_older_backup_took_the_databases_place(
    ledger: Ledger, team: Team
) -> None:
    running = team.admit(ledger, at=now_ms())
    with writing(ledger.engine) as connection:
        connection.execute(text("UPDATE requests SET writer_id = NULL"))
        connection.execute(text("DELETE FROM writers"))
    wait_until(lambda: len(rows(ledger.engine, "writers")) == 1, within_s=15)
    assert ledger.health().state == "open"
    ledger.finish(outcome(running, at=now_ms())).result(WAIT_S)
    assert row(ledger.engine, running)["status"] == "ok"
