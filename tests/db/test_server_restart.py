"""A PostgreSQL server that is stopped, killed and started again under load."""

import threading
import time
from collections.abc import Iterator

import pytest

from db import keys, people
from db.check import check
from db.errors import LedgerUnavailable
from db.ledger import Ledger
from tests.db.team import WAIT_S, Team, outcome, rows, wait_until_open, window
from tests.postgresql import Cluster, private_cluster


class Load:
    """Clients whose requests are admitted, metered and finished one after the other."""

    def __init__(self, ledger: Ledger, team: Team) -> None:
        self._ledger, self._team = ledger, team
        self._stop = threading.Event()
        self.admitted: list[int] = []
        self.refusals: list[str] = []
        self._threads = [threading.Thread(target=self._client) for _ in range(6)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _client(self) -> None:
        while not self._stop.is_set():
            new = self._team.request()
            if (error := self._ledger.admit(new).exception(WAIT_S)) is not None:
                assert isinstance(error, LedgerUnavailable), error
                self.refusals.append(str(error))
                time.sleep(0.01)
                continue
            self.admitted.append(new.id)
            self._ledger.record_energy(window({new.id: 2.0}))
            self._ledger.finish(outcome(new.id)).exception(WAIT_S)


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    with private_cluster() as cluster:
        yield cluster


def test_a_server_that_is_stopped_and_started_under_load_costs_no_request_and_no_joule(
    own_cluster: Cluster,
) -> None:
    address = own_cluster.url.render_as_string(hide_password=False)
    ledger = Ledger(address)
    ledger.open()
    ada = people.add_developer(ledger.engine, "Ada", actor="test")
    key, _ = keys.create_key(ledger.engine, ada.id, "editor", actor="test")
    load = Load(ledger, Team(ada.id, key.id))
    for how in own_cluster.STOPS:
        time.sleep(1)
        own_cluster.stop(how)
        time.sleep(1.5)
        health = ledger.health()
        assert health.state == "unavailable"
        assert "PostgreSQL server" in (health.message or "")
        own_cluster.start()
        wait_until_open(ledger)
    time.sleep(1)
    load.end()
    wait_until_open(ledger)
    stored = {it["id"]: it for it in rows(ledger.engine, "requests")}
    assert len(load.admitted) > 50
    assert [each for each in load.admitted if each not in stored] == []
    assert {stored[each]["status"] for each in load.admitted} == {"ok"}
    assert {stored[each]["energy_j"] for each in load.admitted} == {2.0}
    others = [it["status"] for it in stored.values() if it["id"] not in set(load.admitted)]
    assert set(others) <= {"interrupted"}  # committed, but its caller was told that it was refused
    assert check(ledger.engine).violations == []
    assert load.refusals
    assert all("PostgreSQL" in said for said in load.refusals)
    ledger.close()
