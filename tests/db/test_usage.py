"""What requests add up to, against the requests themselves added up in plain Python."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update

from db import people, queries
from db.connect import connect, writing
from db.energy_queries import work_by_developer, work_by_model
from db.ledger import Ledger
from db.migrate import fill_rollups, migrate
from db.schema import Request
from db.spans import DAY_MS, HOUR_MS
from db.usage import changing
from db.usage_rebuild import differences, rebuild
from tests.db import energy_rows
from tests.db.team import WAIT_S, Team, outcome, row, rows, window

YEAR_END = int(datetime(2025, 12, 31, 22, tzinfo=UTC).timestamp() * 1000)
INDIA = HOUR_MS // 2  # local midnight is at half past 18 UTC
USAGE = ("usage_hours", "usage_periods", "usage_models", "usage_times")

# A request: when (a place within four days around a year's end), who, how it ended, its joules.
moments = st.integers(-2 * DAY_MS, 2 * DAY_MS)
requests = st.lists(
    st.fixed_dictionaries(
        {
            "at": moments,
            "who": st.integers(0, 2),
            "status": st.sampled_from(["ok", "ok", "error", "cancelled", "interrupted", "running"]),
            "input_tokens": st.integers(0, 1000),
            "output_tokens": st.integers(0, 1000),
            "energy_j": st.none() | st.floats(0, 1e6),
            "prefill": st.booleans(),
            "sure": st.booleans(),
            "experts": st.none() | st.integers(0, 3),
            "model": st.sampled_from(["small", "large"]),
        }
    ),
    max_size=30,
)
edges = st.tuples(moments, moments).map(sorted) | st.sampled_from(
    [(-DAY_MS + INDIA, DAY_MS + INDIA), (-2 * HOUR_MS, 2 * HOUR_MS), (-5 * DAY_MS, 40 * DAY_MS)]
)


def _row(made: dict[str, Any], people_ids: list[int]) -> dict[str, Any]:
    energy_j = made["energy_j"]
    return energy_rows.request(
        people_ids[made["who"]],
        YEAR_END + made["at"],
        status=made["status"],
        team_id=made["who"] or None,
        model=made["model"],
        input_tokens=made["input_tokens"],
        output_tokens=made["output_tokens"],
        energy_j=energy_j,
        energy_basis="unknown" if energy_j is None else "measured",
        prefill_energy_j=energy_j / 4 if energy_j is not None and made["prefill"] else None,
        energy_uncertainty_j=energy_j / 10 if energy_j is not None and made["sure"] else None,
        experts_active_mean=made["experts"],
    )


@given(made=requests, edge=edges)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_range_adds_up_to_its_requests(
    ledger: Ledger, made: list[dict[str, Any]], edge: tuple[int, int]
) -> None:
    ids = [
        person.id if (person := people.find_developer(ledger.engine, name)) else
        people.add_developer(ledger.engine, name, actor="test").id
        for name in ("Ada", "Grace", "Edsger")
    ]  # fmt: skip
    with writing(ledger.engine) as connection:
        connection.execute(delete(Request))
    written = [_row(each, ids) for each in made]
    energy_rows.write(ledger.engine, requests=written)
    start, end = YEAR_END + edge[0], YEAR_END + edge[1]
    inside = [it for it in written if start <= it["started_at"] < end]

    found = queries.totals(ledger.engine, start, end)
    assert found.requests == len(inside)
    assert found.running == sum(it["status"] == "running" for it in inside)
    assert found.interrupted == sum(it["status"] == "interrupted" for it in inside)
    assert found.output_tokens == sum(it["output_tokens"] for it in inside)
    known = [it["energy_j"] for it in inside if it["energy_j"] is not None]
    assert found.energy_j == (pytest.approx(sum(known)) if known or not inside else None)
    assert found.developers == len({it["developer_id"] for it in inside})

    teams: dict[int, int] = defaultdict(int)
    members: dict[tuple[int, int], int] = defaultdict(int)
    models: dict[tuple[str, str], int] = defaultdict(int)
    for it in inside:
        teams[it["team_id"] or 0] += it["input_tokens"]
        members[it["developer_id"], it["team_id"] or 0] += it["input_tokens"]
        models[it["model"], it["status"]] += it["output_tokens"]
    by_team = queries.by_team(ledger.engine, start, end)
    assert dict(zip(by_team["team_id"], by_team["input_tokens"], strict=True)) == teams
    both = queries.by_developer_and_team(ledger.engine, start, end)
    keys = zip(both["developer_id"], both["team_id"], strict=True)
    assert dict(zip(keys, both["input_tokens"], strict=True)) == members
    by_model = work_by_model(ledger.engine, start, end)
    assert by_model["requests"].sum() == len(inside)
    told = [
        it
        for it in inside
        if it["status"] != "running" and it["energy_j"] is not None and it["prefill_energy_j"]
        is not None
    ]  # fmt: skip
    assert by_model["told"].sum() == len(told)
    assert by_model["told_prefill_j"].sum() == pytest.approx(
        sum(it["prefill_energy_j"] for it in told)
    )
    by_developer = work_by_developer(ledger.engine, start, end)
    assert by_developer["told_output_tokens"].sum() == sum(it["output_tokens"] for it in told)
    assert by_developer["uncertainty_j"].sum() == pytest.approx(
        sum(it["energy_uncertainty_j"] or 0.0 for it in inside)
    )

    with ledger.engine.connect() as connection:
        assert differences(connection, None, 5) == (0, [])


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["admit", "finish", "meter", "unknown"]),
            st.integers(0, 5),
            st.floats(0.001, 1e4),
        ),
        max_size=40,
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_order_a_ledger_hears_things_in_usage_is_what_a_rebuild_makes(
    ledger: Ledger, team: Team, steps: list[tuple[str, int, float]]
) -> None:
    known: list[int] = []
    waiting: list[Any] = []
    for what, which, joules in steps:
        if what == "admit" or not known:
            request = team.request(at=YEAR_END + len(known) * 40 * 60_000)
            known.append(request.id)
            waiting.append(ledger.admit(request))
            continue
        request_id = known[which % len(known)]
        if what == "finish":
            done = outcome(request_id, at=YEAR_END + 90 * 60_000, first_token_at=None)
            waiting.append(ledger.finish(done))
        else:
            share = None if what == "unknown" else joules
            waiting.append(ledger.record_energy(window({request_id: share}, at=YEAR_END)))
    for future in waiting:
        future.result(WAIT_S)
    with writing(ledger.engine) as connection:
        assert differences(connection, None, 5) == (0, [])
        kept = {table: _sorted(connection, table) for table in USAGE}
        rebuild(connection)
        for table in USAGE:
            made = [it for it in _sorted(connection, table) if it["requests"]]
            for one, other in zip(kept[table], made, strict=True):
                assert one == pytest.approx(other)


def _sorted(connection: Any, table: str) -> list[dict[str, Any]]:
    found = [
        dict(it)
        for it in connection.execute(text(f"SELECT * FROM {table}")).mappings()
        if it["requests"]
    ]
    return sorted(found, key=lambda it: [str(value) for value in it.values()])


def test_a_crash_puts_what_it_interrupted_into_usage_too(url: str) -> None:
    first = Ledger(url)
    first.open()
    ada = people.add_developer(first.engine, "Ada", actor="test")
    with writing(first.engine) as connection:  # as a process that was killed leaves it
        connection.execute(
            Request.__table__.insert(),  # type: ignore[attr-defined]
            [energy_rows.request(ada.id, status="running", output_tokens=7)],
        )
    assert rows(first.engine, "usage_hours") == []
    first.close()
    second = Ledger(url)
    second.open()
    (hour,) = rows(second.engine, "usage_hours")
    assert (hour["status"], hour["requests"], hour["output_tokens"]) == ("interrupted", 1, 7)
    second.close()


def test_a_change_of_team_moves_its_requests_from_one_sum_to_the_other(
    ledger: Ledger, team: Team
) -> None:
    done = team.admit(ledger)
    ledger.finish(outcome(done)).result(WAIT_S)
    with writing(ledger.engine) as connection:
        which = Request.id == done
        with changing(connection, which):
            connection.execute(update(Request).where(which).values(team_id=99))
    start = row(ledger.engine, done)["started_at"]
    found = queries.by_team(ledger.engine, start, start + 1).to_dict("records")
    assert [(it["team_id"], it["requests"]) for it in found] == [(99, 1)]


def test_a_ledger_of_the_version_before_gets_its_usage_when_it_is_opened(url: str) -> None:
    """As the old version left it: requests, and nothing that they add up to."""
    engine = connect(url)
    migrate(engine)
    ada = people.add_developer(engine, "Ada", actor="test")
    energy_rows.write(engine, requests=[energy_rows.request(ada.id, output_tokens=5)])
    with engine.begin() as connection:
        for table in USAGE:
            connection.execute(text(f"DELETE FROM {table}"))
    with writing(engine) as connection:
        fill_rollups(connection, came_from="0003")
    assert rows(engine, "usage_hours")[0]["output_tokens"] == 5
