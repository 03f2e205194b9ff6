"""What one team, model and engine used, beside the requests themselves added up one by one."""

import itertools
from typing import Any

import pytest
from sqlalchemy import text

from db import adoption_queries, people, queries
from db.ledger import Ledger
from db.spans import DAY_MS, HOUR_MS
from db.uses import Uses
from tests.db.team import NOON, Team, outcome

START = NOON - 5 * DAY_MS - 7 * 60_000
END = NOON + 3 * DAY_MS + 11 * 60_000


@pytest.fixture
def busy(ledger: Ledger, team: Team) -> Ledger:
    """Requests of two developers, one in a team, of two models on two engines, over two weeks."""
    grace = people.add_developer(ledger.engine, "Grace", "Data", actor="test")
    who: list[dict[str, Any]] = [
        {},
        {"developer_id": grace.id, "developer_name": "Grace", "api_key_id": None},
    ]
    kinds = itertools.product(who, ("small", "large"), ("breakeven", "upstream"))
    for number, (person, model, engine) in enumerate(list(kinds) * 5):
        at = NOON - 7 * DAY_MS + number * 9 * HOUR_MS + number * 61_000
        request_id = team.admit(
            ledger, at=at, model=model, engine=engine, input_tokens=number, **person
        )
        if number % 11:  # else it runs
            ledger.finish(outcome(request_id, at=at + 900)).result(20)
    return ledger


USES = [
    Uses(),
    Uses(team_id=0),
    Uses(team_id=1),
    Uses(model="small"),
    Uses(engine="upstream"),
    Uses(team_id=1, model="large", engine="breakeven"),
    Uses(model="none of it"),
]


def counted(ledger: Ledger, uses: Uses) -> tuple[int, int]:
    """Requests and input tokens of the range."""
    query = """
        SELECT count(*), coalesce(sum(input_tokens), 0) FROM requests
        WHERE started_at >= :start AND started_at < :end
          AND (:team = -1 OR coalesce(team_id, 0) = :team)
          AND (:model = '' OR model = :model) AND (:engine = '' OR engine = :engine)
    """
    asked = {
        "start": START,
        "end": END,
        "team": -1 if uses.team_id is None else uses.team_id,
        "model": uses.model or "",
        "engine": uses.engine or "",
    }
    with ledger.engine.connect() as connection:
        requests, tokens = connection.execute(text(query), asked).one()
    return int(requests), int(tokens)


@pytest.mark.parametrize("uses", USES, ids=str)
def test_every_read_of_a_filter_agrees_with_the_requests_themselves(
    busy: Ledger, uses: Uses
) -> None:
    engine, expected = busy.engine, counted(busy, uses)
    totals = queries.totals(engine, START, END, uses=uses)
    assert (totals.requests, totals.input_tokens) == expected
    for frame in (
        queries.by_developer(engine, START, END, uses),
        queries.by_developer_and_team(engine, START, END, uses),
        queries.timeline(engine, START, END, DAY_MS, uses),
        queries.timeline(engine, START, END, 15 * 60_000, uses),
    ):
        assert (int(frame["requests"].sum()), int(frame["input_tokens"].sum())) == expected


@pytest.mark.parametrize("uses", USES, ids=str)
def test_the_active_of_a_filter_are_those_with_such_a_request(busy: Ledger, uses: Uses) -> None:
    begins = [START, *range(START - START % DAY_MS + 22 * HOUR_MS, END, DAY_MS)]
    found = adoption_queries.active_developers(busy.engine, begins, END, uses)
    used = queries.by_developer(busy.engine, START, END, uses)
    assert set(found["developer_id"]) == set(used["developer_id"])
