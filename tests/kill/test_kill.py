"""The worker, the gateway or both are killed while they answer; `tests.kill.rounds` for longer."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.kill.rounds import VICTIMS, Rounds
from tests.postgresql import Server

ROUNDS = 2 * len(VICTIMS)  # each of them twice


@pytest.mark.slow
def test_no_kill_loses_doubles_or_leaves_open_a_request(home: Path) -> None:
    with closing(Rounds(home)) as rounds:
        played = [rounds.play() for _ in range(ROUNDS)]
    assert sum(each.statuses["interrupted"] for each in played) > 0
    assert sum(each.statuses["error"] for each in played) > 0
    assert sum(each.told for each in played) > 0


@pytest.mark.slow
def test_on_a_server_a_killed_gateways_requests_are_interrupted_by_its_successor(
    home: Path, postgresql: Server
) -> None:
    url = postgresql.database()
    with closing(Rounds(home, url)) as rounds:
        played = [rounds.play("gateway"), rounds.play("everything")]
    postgresql.give_back(url)
    assert all(each.statuses["interrupted"] for each in played)
