"""What the ledger does when a PostgreSQL server stops, starts, refuses or loses a connection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from db import queries
from db.check import check
from db.connect import connect, writing
from db.errors import LedgerUnavailable
from db.ledger import Ledger
from tests.db.relay import Relay
from tests.db.team import WAIT_S, Team, on_postgresql, outcome, row, rows, wait_until_open, window
from tests.postgresql import Server

pytestmark = on_postgresql


def _admit(ledger: Ledger, team: Team, _running: int) -> Any:
    return ledger.admit(team.request(7))


def _meter(ledger: Ledger, _team: Team, running: int) -> Any:
    return ledger.record_energy(window({running: 2.0}))


def _finish(ledger: Ledger, _team: Team, running: int) -> Any:
    return ledger.finish(outcome(running))


@pytest.mark.parametrize("act", [_admit, _meter, _finish])
def test_a_commit_whose_answer_was_lost_is_neither_written_twice_nor_left_open(
    url: str, ledger: Ledger, team: Team, act: Callable[[Ledger, Team, int], Any]
) -> None:
    with Relay(url) as relay:
        writer = Ledger(relay.url)
        writer.open()
        running = team.admit(writer)
        relay.cut_at_next_commit()
        assert isinstance(act(writer, team, running).exception(WAIT_S), LedgerUnavailable)
        wait_until_open(writer)
        writer.finish(outcome(running)).result(WAIT_S)
        stored = {it["id"]: it for it in rows(ledger.engine, "requests")}
        assert stored[running]["status"] == "ok"
        if act is _admit:
            assert stored[7]["status"] == "interrupted"
        assert stored[running]["energy_j"] == (2.0 if act is _meter else None)
        assert check(ledger.engine).violations == []
        writer.close()


@contextmanager
def role(server: Server, url: str, name: str, grants: str) -> Iterator[str]:
    """The URL as another user, with a password, may use it."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 's3cret'")
        admin.execute(grants.format(role=name))
    try:
        yield make_url(url).set(username=name, password="s3cret").render_as_string(False)
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_check_works_for_a_user_who_may_only_read(
    url: str, postgresql: Server, ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    grants = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    with role(postgresql, url, "breakeven_reader", grants) as reader:
        engine = connect(reader, read_only=True)
        report = check(engine)
        assert (report.requests, report.violations) == (1, [])
        with pytest.raises(LedgerUnavailable, match=r"may not|read-only"), writing(engine) as it:
            it.execute(text("DELETE FROM requests"))
        engine.dispose()
    assert row(ledger.engine, request_id)["status"] == "running"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"database": "there_is_none"}, "has no such database; create it"),
        ({"username": "there_is_none", "password": "s3cret"}, "refuses this user or password"),
        ({"host": "127.0.0.1", "port": 1, "query": {}}, "no PostgreSQL server answers"),
        ({"host": "no.such.host.invalid", "query": {}}, "no PostgreSQL server answers"),
    ],
)
def test_a_server_that_cannot_be_used_is_named_in_one_sentence_without_its_address(
    url: str, change: dict[str, Any], said: str
) -> None:
    address = make_url(url).set(**change).render_as_string(hide_password=False)
    with pytest.raises(LedgerUnavailable, match=said) as caught:
        Ledger(address).open()
    for secret in ("s3cret", "127.0.0.1", "there_is_none", "no.such.host"):
        assert secret not in str(caught.value)


def test_another_program_that_keeps_the_lock_is_named_and_survived(
    url: str, ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    other = connect(url)
    with writing(other):
        error = ledger.finish(outcome(request_id)).exception(WAIT_S)  # waits for 5 s
        assert "keeps the ledger's lock" in str(error)
        assert ledger.health().state == "unavailable"
    wait_until_open(ledger)
    assert row(ledger.engine, request_id)["status"] == "ok"


def test_a_server_without_a_connection_left_is_named(
    url: str, postgresql: Server, ledger: Ledger, team: Team
) -> None:
    name = make_url(url).database
    grants = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    with role(postgresql, url, "breakeven_crowd", grants) as crowd:
        postgresql.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
        with pytest.raises(LedgerUnavailable, match="no connection left"):
            check(connect(crowd, read_only=True))
        postgresql.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')


def test_readers_that_use_up_their_connections_do_not_keep_the_writer_waiting(
    ledger: Ledger, team: Team
) -> None:
    taken = [ledger.engine.connect() for _ in range(20)]
    assert ledger.admit(team.request()).exception(WAIT_S) is None
    with pytest.raises(LedgerUnavailable, match="connections to the database are in use"):
        queries.is_sample(ledger.engine)
    for connection in taken:
        connection.close()
    assert len(rows(ledger.engine, "requests")) == 1
