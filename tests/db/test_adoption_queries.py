"""Who was active when, and what one developer's use is made of: added up here once more."""

from typing import Any

import pytest

from db import people, retention
from db.adoption_queries import (
    KeyUse,
    active_developers,
    developer_keys,
    developer_models,
    developer_over_time,
    last_requests,
)
from db.expiry import expire
from db.ledger import Ledger
from db.retention import Retention
from db.spans import DAY_MS, HOUR_MS
from db.uses import Uses
from tests.db.team import NOON, WAIT_S, Team, outcome, window

MIDNIGHT = NOON - 12 * HOUR_MS


def ask(ledger: Ledger, team: Team, at: int, joules: float | None = 2.0, **changes: Any) -> None:
    """A request with 40 input tokens, of which 10 cached, and 25 output tokens."""
    request_id = team.admit(ledger, at=at, **changes)
    if joules is not None:
        ledger.record_energy(window({request_id: joules}, at=at)).result(WAIT_S)
    done = outcome(request_id, at=at + 50, cached_input_tokens=10)
    ledger.finish(done).result(WAIT_S)


@pytest.fixture
def grace(ledger: Ledger) -> int:
    """In no team."""
    return people.add_developer(ledger.engine, "Grace", actor="test").id


def buckets(start: int, end: int, length_ms: int) -> list[int]:
    """The range's beginning, and where the whole hours or days (UTC) in it begin."""
    return [start, *range(start - start % length_ms + length_ms, end, length_ms)]


def active(
    ledger: Ledger, start: int, end: int, length_ms: int, *uses: Uses
) -> set[tuple[int, int]]:
    """Each hour or day that begins, with a developer who was active in it."""
    found = active_developers(ledger.engine, buckets(start, end, length_ms), end, *uses)
    begins = (found["at_ms"] // length_ms * length_ms).tolist()
    return set(zip(begins, found["developer_id"].tolist(), strict=True))


def test_somebody_is_active_in_the_hours_and_days_of_their_requests(
    ledger: Ledger, team: Team, grace: int
) -> None:
    mine: dict[str, Any] = {"developer_id": grace, "developer_name": "Grace", "api_key_id": None}
    ask(ledger, team, NOON + 5)
    ask(ledger, team, NOON + 50, model="other")
    ask(ledger, team, NOON + DAY_MS)
    ask(ledger, team, NOON + HOUR_MS, **mine)
    team.admit(ledger, at=NOON + 3 * HOUR_MS)  # runs
    ask(ledger, team, NOON + 3 * DAY_MS)  # after the range
    within = (MIDNIGHT, MIDNIGHT + 2 * DAY_MS)

    assert active(ledger, *within, HOUR_MS) == {
        (NOON, team.ada),
        (NOON + HOUR_MS, grace),
        (NOON + 3 * HOUR_MS, team.ada),
        (NOON + DAY_MS, team.ada),
    }
    assert active(ledger, *within, DAY_MS) == {
        (MIDNIGHT, team.ada),
        (MIDNIGHT, grace),
        (MIDNIGHT + DAY_MS, team.ada),
    }
    assert active(ledger, *within, DAY_MS, Uses(team_id=0)) == {(MIDNIGHT, grace)}
    assert active(ledger, NOON + 6, NOON + 60, HOUR_MS) == {(NOON, team.ada)}
    assert active(ledger, NOON + 60, NOON + HOUR_MS, HOUR_MS) == set()


def test_one_developers_hours_and_models_add_up(ledger: Ledger, team: Team, grace: int) -> None:
    ask(ledger, team, NOON)
    ask(ledger, team, NOON + 7, None, model="other")
    ask(ledger, team, NOON + HOUR_MS, None)
    ask(ledger, team, NOON, developer_id=grace, developer_name="Grace", api_key_id=None)
    end = NOON + 2 * HOUR_MS

    begins = buckets(MIDNIGHT, end, HOUR_MS)
    hours = developer_over_time(ledger.engine, team.ada, begins, end)
    assert hours["at_ms"].tolist() == [NOON, NOON + HOUR_MS]
    assert hours["requests"].tolist() == [2, 1]
    assert hours["cached_input_tokens"].tolist() == [20, 10]
    assert hours["energy_unknown"].tolist() == [1, 1]
    assert hours["energy_j"].iloc[0] == 2.0
    assert hours["energy_j"].isna().tolist() == [False, True]

    models = developer_models(ledger.engine, team.ada, MIDNIGHT, end)
    assert models["model"].tolist() == ["SmolLM2-135M-Instruct", "other"]
    assert models["requests"].tolist() == [2, 1]
    assert models["output_tokens"].tolist() == [50, 25]


def test_keys_are_told_by_whole_months(ledger: Ledger, team: Team) -> None:
    ask(ledger, team, NOON)
    ask(ledger, team, NOON + 9, api_key_id=None)
    ask(ledger, team, NOON + DAY_MS)
    (key, chat) = developer_keys(ledger.engine, team.ada, ["2026-01", "2026-02"])
    assert (key.name, key.requests, key.input_tokens, key.output_tokens, key.energy_j) == (
        "editor", 2, 80, 50, 4.0,
    )  # fmt: skip
    assert key.prefix is not None
    assert chat == KeyUse(None, None, 1, 40, 25, 2.0)
    assert developer_keys(ledger.engine, team.ada, ["2026-02"]) == []


def test_who_was_active_outlives_the_requests(ledger: Ledger, team: Team, grace: int) -> None:
    ask(ledger, team, NOON)
    ask(ledger, team, NOON + DAY_MS)
    assert last_requests(ledger.engine) == {team.ada: NOON + DAY_MS}
    retention.set_retention(ledger.engine, Retention(requests_days=1), actor="test")
    expire(ledger.engine, at=NOON + 30 * DAY_MS)
    assert last_requests(ledger.engine) == {}
    for length_ms in (HOUR_MS, DAY_MS):
        found = active(ledger, MIDNIGHT, MIDNIGHT + 2 * DAY_MS, length_ms)
        assert {developer for _, developer in found} == {team.ada}
        assert len(found) == 2
