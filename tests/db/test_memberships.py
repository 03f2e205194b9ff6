"""Who is in which team, and as what, over time; and what that does to the requests of that time."""

import json
import time
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from db import memberships, people, retention, teams
from db.check import check
from db.connect import connect
from db.errors import InvalidInput
from db.expiry import expire
from db.ids import now_ms
from db.ledger import Ledger
from db.memberships import team_of
from db.migrate import migrate
from db.retention import Retention
from db.spans import DAY_MS, HOUR_MS
from tests.db.energy_rows import developer, request, write
from tests.db.team import NOON, WAIT_S, Team, outcome, row, rows


def asked(ledger: Ledger, team: Team, at: int) -> int:
    request_id = team.admit(ledger, at=at)
    ledger.finish(outcome(request_id, at=at + 2_000)).result(WAIT_S)
    return request_id


def teams_of_requests(ledger: Ledger) -> dict[int, str | None]:
    """Each request's team's name, by when it started."""
    names = {it["id"]: it["name"] for it in rows(ledger.engine, "teams")}
    return {
        it["started_at"]: names.get(it["team_id"]) for it in rows(ledger.engine, "requests")
    }  # fmt: skip


def test_a_change_today_leaves_what_was_used_before_with_the_old_team(
    ledger: Ledger, team: Team
) -> None:
    asked(ledger, team, NOON)
    people.set_team(ledger.engine, team.ada, "Data", actor="test")
    later = now_ms()
    asked(ledger, team, later)
    assert teams_of_requests(ledger) == {NOON: "Platform", later: "Data"}


def test_a_request_that_began_before_a_change_and_is_admitted_after_is_of_the_old_team(
    ledger: Ledger, team: Team
) -> None:
    began = now_ms()
    people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=began + 1)
    time.sleep(0.01)
    keyless = team.admit(ledger, at=began, api_key_id=None)
    with_key = team.admit(ledger, at=began)
    names = {it["id"]: it["name"] for it in rows(ledger.engine, "teams")}
    team_ids = [row(ledger.engine, it)["team_id"] for it in (keyless, with_key)]
    assert [names[it] for it in team_ids] == ["Platform", "Platform"]


def test_a_change_dated_in_the_past_moves_the_requests_since_then(
    ledger: Ledger, team: Team
) -> None:
    for at in (NOON - 1, NOON, NOON + DAY_MS):
        asked(ledger, team, at)
    people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=NOON)
    assert teams_of_requests(ledger) == {
        NOON - 1: "Platform",
        NOON: "Data",
        NOON + DAY_MS: "Data",
    }
    assert json.loads(rows(ledger.engine, "audit")[-1]["detail"])["requests_moved"] == 2
    assert check(ledger.engine).violations == []


def test_it_moves_them_up_to_the_next_change_that_is_recorded(ledger: Ledger, team: Team) -> None:
    for day in range(4):
        asked(ledger, team, NOON + day * DAY_MS)
    two_days_on = NOON + 2 * DAY_MS
    people.set_team(ledger.engine, team.ada, "Product", actor="test", valid_from=two_days_on)
    people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=NOON + DAY_MS)
    assert list(teams_of_requests(ledger).values()) == ["Platform", "Data", "Product", "Product"]


def test_another_developers_requests_stay_where_they_are(ledger: Ledger, team: Team) -> None:
    grace = people.add_developer(ledger.engine, "Grace", "Product", actor="test")
    theirs = team.request(developer_id=grace.id, developer_name="Grace", api_key_id=None)
    ledger.admit(theirs).result(WAIT_S)
    before = row(ledger.engine, theirs.id)
    people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=0)
    assert row(ledger.engine, theirs.id) == before


def test_a_change_of_role_in_between_does_not_end_a_change_of_team(
    ledger: Ledger, team: Team
) -> None:
    asked(ledger, team, NOON + 3 * DAY_MS)
    people.set_role(ledger.engine, team.ada, "lead", actor="test", valid_from=NOON + 2 * DAY_MS)
    people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=NOON)
    assert list(teams_of_requests(ledger).values()) == ["Data"]
    in_force = [
        (it.valid_from, it.team, it.role)
        for it in memberships.history(ledger.engine, team.ada)
        if it.in_force
    ]
    assert in_force == [
        (NOON + 2 * DAY_MS, "Data", "lead"),
        (NOON, "Data", "developer"),
        (0, "Platform", "developer"),
    ]


def test_a_date_in_the_future_counts_when_it_comes(ledger: Ledger, team: Team) -> None:
    soon = now_ms() + 1_500
    person = people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=soon)
    assert person.team == "Platform"
    assert team_of(ledger.engine, team.ada, at=soon) == "Data"
    first = asked(ledger, team, now_ms())
    while now_ms() <= soon:
        pass
    second = asked(ledger, team, now_ms())
    names = {it["id"]: it["name"] for it in rows(ledger.engine, "teams")}
    found = [names[row(ledger.engine, it)["team_id"]] for it in (first, second)]
    assert found == ["Platform", "Data"]


def test_who_was_in_a_team_can_be_asked_for_any_time(ledger: Ledger, team: Team) -> None:
    people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=NOON)
    people.set_role(ledger.engine, team.ada, "lead", actor="test", valid_from=NOON)
    people.set_team(ledger.engine, team.ada, None, actor="test", valid_from=NOON + DAY_MS)
    data = teams.find_team(ledger.engine, "data")
    assert data is not None
    at = (NOON - 1, NOON, NOON + DAY_MS)
    assert [team_of(ledger.engine, team.ada, at=when) for when in at] == ["Platform", "Data", None]
    found = [teams.members_of(ledger.engine, data.id, at=when) for when in at]
    assert [[(it.name, it.role) for it in them] for them in found] == [[], [("Ada", "lead")], []]


def test_everybodys_teams_are_those_in_force(ledger: Ledger, team: Team) -> None:
    grace = people.add_developer(ledger.engine, "Grace", actor="test")
    for name in ("Data", "Product"):  # the later replaces the earlier
        people.set_team(ledger.engine, team.ada, name, actor="test", valid_from=NOON)
    people.set_team(ledger.engine, team.ada, None, actor="test", valid_from=NOON + DAY_MS)
    found = memberships.team_places(ledger.engine)
    adas = [(place.valid_from, place.team) for place in found[team.ada]]
    assert adas[1:] == [(NOON, "Product"), (NOON + DAY_MS, None)]
    assert adas[0][1] == "Platform"
    assert adas[0][0] < NOON
    assert [(place.team_id, place.team) for place in found[grace.id]] == [(None, None)]


def test_what_was_recorded_stays_in_the_history_when_it_is_corrected(
    ledger: Ledger, team: Team
) -> None:
    people.set_team(ledger.engine, team.ada, "Dta", actor="test", valid_from=NOON)
    people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=NOON)
    found = memberships.history(ledger.engine, team.ada)
    assert [(it.team, it.in_force) for it in found] == [
        ("Data", True),
        ("Dta", False),
        ("Platform", True),
    ]


def test_nobody_is_moved_in_a_time_of_which_requests_are_deleted(
    ledger: Ledger, team: Team
) -> None:
    asked(ledger, team, NOON - DAY_MS)
    asked(ledger, team, NOON + DAY_MS)
    retention.set_retention(ledger.engine, Retention(requests_days=30), actor="test")
    expire(ledger.engine, at=NOON + 30 * DAY_MS)
    horizon = NOON - DAY_MS + HOUR_MS
    with pytest.raises(InvalidInput, match="before 2025-12-31 13:00 UTC are not kept") as caught:
        people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=horizon - 1)
    assert caught.value.field == "valid_from"
    assert team_of(ledger.engine, team.ada) == "Platform"
    assert teams.find_team(ledger.engine, "Data") is None  # nothing of it was written
    people.set_team(ledger.engine, team.ada, "Data", actor="test", valid_from=horizon)
    assert list(teams_of_requests(ledger).values()) == ["Data"]


@pytest.mark.parametrize(
    ("role", "valid_from", "message"),
    [("boss", None, "developer, lead, manager, admin"), ("lead", -1, "1970 to 9999")],
)
def test_what_is_wrong_with_a_role_is_said(
    ledger: Ledger, team: Team, role: str, valid_from: int | None, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        people.set_role(ledger.engine, team.ada, role, actor="test", valid_from=valid_from)


def test_a_team_is_added_renamed_archived_and_restored(ledger: Ledger, team: Team) -> None:
    data = teams.add_team(ledger.engine, "  Data  ", actor="test")
    assert (data.name, data.members, data.archived_at) == ("Data", 0, None)
    assert teams.rename_team(ledger.engine, data.id, "Insight", actor="test").name == "Insight"
    teams.archive_team(ledger.engine, data.id, actor="test")
    assert [it.name for it in teams.list_teams(ledger.engine)] == ["Platform"]
    with pytest.raises(InvalidInput, match="Insight is archived; restore it first"):
        people.set_team(ledger.engine, team.ada, "insight", actor="test")
    assert teams.restore_team(ledger.engine, data.id, actor="test").archived_at is None
    assert people.set_team(ledger.engine, team.ada, "insight", actor="test").team == "Insight"


def test_a_team_with_people_in_it_is_not_archived(ledger: Ledger, team: Team) -> None:
    (platform,) = teams.list_teams(ledger.engine)
    assert platform.members == 1
    with pytest.raises(InvalidInput, match="in Platform now"):
        teams.archive_team(ledger.engine, platform.id, actor="test")


@pytest.mark.parametrize("name", ["platform", "", "x" * 81, "a\x00b"])
def test_a_teams_name_is_free_and_1_to_80_characters(ledger: Ledger, team: Team, name: str) -> None:
    with pytest.raises(InvalidInput):
        teams.add_team(ledger.engine, name, actor="test")


CHANGES = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["A", "B", None]), st.booleans()), max_size=8
)


@settings(max_examples=25, deadline=None)
@given(CHANGES)
def test_whatever_is_changed_each_request_is_of_the_team_of_its_time(
    changes: list[tuple[int, str | None, bool]],
) -> None:
    with TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/ledger.db")
        found, expected = _teams_after(engine, changes)
        engine.dispose()
    assert found == expected


def _teams_after(
    engine: Engine, changes: list[tuple[int, str | None, bool]]
) -> tuple[list[Any], list[Any]]:
    """Of 31 requests, one a moment: the team on its row and the one that history tells; beside
    them twice the one that it has to be."""
    migrate(engine)
    ada = developer(engine, "Ada")
    write(engine, requests=[request(ada, at=at) for at in range(31)])
    expected: dict[int, Any] = dict.fromkeys(range(31))  # in no team at first
    for at, team, with_role in changes:
        if with_role:
            people.set_role(engine, ada, "lead" if team else "manager", actor="t", valid_from=at)
            continue
        was = expected[at]
        people.set_team(engine, ada, team, actor="t", valid_from=at)
        for moment in range(at, 31):  # from then on, until it was another than the old one
            if expected[moment] != was:
                break
            expected[moment] = team
    names = {it["id"]: it["name"] for it in rows(engine, "teams")}
    found = {it["started_at"]: names.get(it["team_id"]) for it in rows(engine, "requests")}
    told = {at: team_of(engine, ada, at=at) for at in range(31)}
    return [found, told], [expected, expected]
