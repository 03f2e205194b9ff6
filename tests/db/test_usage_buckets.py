"""Ranges and days that are read as longer spans less what lies outside, against their requests."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from db import people, queries, retention
from db.adoption_queries import active_developers, developer_over_time
from db.connect import writing
from db.energy_queries import work_by_developer, work_by_model
from db.expiry import expire
from db.ledger import Ledger
from db.retention import Retention
from db.schema import Request
from db.spans import DAY_MS, HOUR_MS
from tests.db import energy_rows

MAY = int(datetime(2026, 5, 1, tzinfo=UTC).timestamp() * 1000)
APRIL = MAY - 30 * DAY_MS
BERLIN = -2 * HOUR_MS  # its months and days begin so long after UTC's

times = st.integers(-3 * DAY_MS, 3 * DAY_MS) | st.integers(-72, 72).map(HOUR_MS.__mul__)
asks = st.lists(
    st.tuples(
        times,
        st.integers(0, 1),
        st.sampled_from(["ok", "error", "running"]),
        st.none() | st.just(0.1),
    ),
    max_size=30,
)


@pytest.fixture
def developers(ledger: Ledger) -> list[int]:
    return [people.add_developer(ledger.engine, name, actor="test").id for name in ("Ada", "Grace")]


def write(ledger: Ledger, *made: dict[str, Any]) -> None:
    with writing(ledger.engine) as connection:
        connection.execute(delete(Request))
    energy_rows.write(ledger.engine, requests=list(made))


def asked(who: int, at: int, joules: float | None, **more: Any) -> dict[str, Any]:
    basis = "unknown" if joules is None else "measured"
    return energy_rows.request(who, at, energy_j=joules, energy_basis=basis, **more)


@given(
    made=asks,
    first=times,
    length=st.integers(1, 5 * DAY_MS),
    midnight=st.integers(0, 23),
    change=st.integers(-1, 1),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_days_of_any_zone_hold_their_requests(
    ledger: Ledger,
    developers: list[int],
    made: list[tuple[int, int, str, float | None]],
    first: int,
    length: int,
    midnight: int,
    change: int,
) -> None:
    """`change`: by so many hours clocks are put back or forward within the range."""
    written = [
        asked(developers[who], MAY + at, joules, status=status, output_tokens=number)
        for number, (at, who, status, joules) in enumerate(made)
    ]
    write(ledger, *written)
    start, end = MAY + first, MAY + first + length
    days = [MAY + (number * 24 + midnight) * HOUR_MS for number in range(-5, 10)]
    days = [day + change * HOUR_MS if day > MAY else day for day in days]
    begins = [start, *(day for day in days if start < day < end)]

    def bucket(at: int) -> int:
        return max(begin for begin in begins if begin <= at)

    inside = [it for it in written if start <= it["started_at"] < end]
    active = active_developers(ledger.engine, begins, end)
    pairs = {
        (bucket(max(at, start)), who)
        for at, who in active[["at_ms", "developer_id"]].itertuples(index=False)
    }
    assert pairs == {(bucket(it["started_at"]), it["developer_id"]) for it in inside}

    found = developer_over_time(ledger.engine, developers[0], begins, end)
    tokens, requests = Counter[int](), Counter[int]()
    for row in found.to_dict("records"):
        tokens[bucket(max(row["at_ms"], start))] += row["output_tokens"]
        requests[bucket(max(row["at_ms"], start))] += row["requests"]
    own = [it for it in inside if it["developer_id"] == developers[0]]
    assert requests == Counter(bucket(it["started_at"]) for it in own)
    expected = Counter[int]()
    for it in own:
        expected[bucket(it["started_at"])] += it["output_tokens"]
    assert tokens == expected
    known = sum(it["energy_j"] or 0.0 for it in own)
    assert found["energy_j"].sum() == pytest.approx(known)


@pytest.mark.parametrize("moved", [-1, 0, 2, 3])
def test_days_stay_as_they_were_when_their_requests_are_deleted(
    ledger: Ledger, developers: list[int], moved: int
) -> None:
    """The range begins and ends on a quarter of an hour, as ranges of some zones do."""
    at = [MAY + number * 19 * 60_000 for number in range(300)]
    write(ledger, *[asked(developers[n % 2], moment, 1.0) for n, moment in enumerate(at)])
    start = MAY + 9 * HOUR_MS + moved * HOUR_MS // 4
    end = start + 2 * DAY_MS
    later = start - start % HOUR_MS + 7 * HOUR_MS
    begins = [start, later, later + DAY_MS]

    def told() -> list[Any]:
        found = active_developers(ledger.engine, begins, end)
        pairs = found.assign(day=[sum(b <= at for b in begins) for at in found["at_ms"]])
        use = developer_over_time(ledger.engine, developers[0], begins, end)
        days = [sum(b <= at for b in begins) for at in use["at_ms"]]
        return [
            sorted(set(zip(pairs["day"], pairs["developer_id"], strict=True))),
            use["requests"].groupby(days).sum().to_dict(),
            queries.totals(ledger.engine, start, end),
        ]

    before = told()
    assert before[-1].requests == sum(start <= moment < end for moment in at)
    retention.set_retention(ledger.engine, Retention(requests_days=1), actor="test")
    expire(ledger.engine, at=MAY + 3 * DAY_MS)
    assert told() == before


def test_who_asked_only_outside_a_month_is_not_in_it(ledger: Ledger, developers: list[int]) -> None:
    ada, grace = developers
    write(
        ledger,
        *[asked(ada, APRIL + n * DAY_MS, 0.1, team_id=1) for n in range(30)],
        *[asked(grace, MAY - HOUR_MS, joules, team_id=2, model="x") for joules in (0.1, 0.7)],
    )
    start, end = APRIL + BERLIN, MAY + BERLIN
    with ledger.engine.begin() as connection:  # it is read from the month, and hours
        connection.execute(text("DELETE FROM usage_periods WHERE span = 'day'"))
    assert queries.by_developer(ledger.engine, start, end)["developer_id"].tolist() == [ada]
    assert queries.by_team(ledger.engine, start, end)["team_id"].tolist() == [1]
    assert work_by_developer(ledger.engine, start, end)["requests"].tolist() == [30]
    assert work_by_model(ledger.engine, start, end)["requests"].tolist() == [30]
    totals = queries.totals(ledger.engine, start, end)
    assert (totals.requests, totals.developers) == (30, 1)
    assert totals.energy_j == pytest.approx(3.0, rel=1e-12)


@pytest.mark.parametrize("most", [1e9, 1e9 + 0.4, 1e9 / 3])
def test_what_rounding_leaves_is_no_energy(
    ledger: Ledger, developers: list[int], most: float
) -> None:
    """A sum less each of its parts is not 0 in floating point."""
    ada, grace = developers
    joules_outside = (0.1, 0.2, 0.3, most)
    outside = [(MAY - (85 - n * 20) * 60_000, each) for n, each in enumerate(joules_outside)]
    write(
        ledger,
        *[asked(ada, at, joules) for at, joules in outside],
        asked(ada, MAY - 2 * DAY_MS, None),
        *[
            asked(grace, at, joules, energy_uncertainty_j=joules, prefill_energy_j=joules)
            for at, joules in outside
        ],
        asked(grace, MAY - 2 * DAY_MS, 0.0),
    )
    start, end = APRIL + BERLIN, MAY + BERLIN + HOUR_MS // 2
    of_ada, of_grace = queries.by_developer(ledger.engine, start, end)["energy_j"]
    assert of_ada != of_ada  # unknown
    assert 0 <= of_grace < 1e-6
    for found in (work_by_developer, work_by_model):
        frame = found(ledger.engine, start, end)
        joules = frame.filter(regex="_j$").stack()
        assert (np.copysign(1, joules) == 1).all()
        assert (frame["told_accuracy_unknown_j"] == 0).all()
        assert frame["uncertainty_j"].isna().all()
