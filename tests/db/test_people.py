import json

import pytest

from db import people
from db.errors import InvalidInput
from db.ids import now_ms
from db.ledger import Ledger
from tests.db.team import Team, row, rows


def test_a_developer_is_added_and_found_whatever_the_case(ledger: Ledger) -> None:
    added = people.add_developer(ledger.engine, "  Ada   Byron ", " Platform ", actor="test")
    assert (added.name, added.team, added.archived_at) == ("Ada Byron", "Platform", None)
    assert people.find_developer(ledger.engine, "ada byron") == added
    assert people.get_developer(ledger.engine, added.id) == added
    assert people.find_developer(ledger.engine, "Grace") is None


@pytest.mark.parametrize("name", ["ada", "ADA", "  Ada "])
def test_two_developers_cannot_have_one_name(ledger: Ledger, team: Team, name: str) -> None:
    with pytest.raises(InvalidInput, match="already a developer named Ada") as caught:
        people.add_developer(ledger.engine, name, actor="test")
    assert caught.value.field == "name"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b"])
def test_a_name_has_1_to_80_printable_characters(ledger: Ledger, name: str) -> None:
    with pytest.raises(InvalidInput):
        people.add_developer(ledger.engine, name, actor="test")


def test_a_new_name_leaves_past_requests_under_the_old_one(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    people.rename_developer(ledger.engine, team.ada, "Countess", actor="test")
    assert row(ledger.engine, request_id)["developer_name"] == "Ada"
    assert [person.name for person in people.list_developers(ledger.engine)] == ["Countess"]


def test_a_developer_may_change_the_case_of_their_own_name(ledger: Ledger, team: Team) -> None:
    assert people.rename_developer(ledger.engine, team.ada, "ADA", actor="test").name == "ADA"


def test_an_archived_developer_leaves_the_list_and_can_come_back(
    ledger: Ledger, team: Team
) -> None:
    people.archive_developer(ledger.engine, team.ada, actor="test")
    assert people.list_developers(ledger.engine) == []
    assert len(people.list_developers(ledger.engine, archived=True)) == 1
    people.restore_developer(ledger.engine, team.ada, actor="test")
    assert len(people.list_developers(ledger.engine)) == 1


def test_a_team_is_changed_and_taken_away(ledger: Ledger, team: Team) -> None:
    assert people.set_team(ledger.engine, team.ada, "Data", actor="test").team == "Data"
    assert people.set_team(ledger.engine, team.ada, " ", actor="test").team is None


def test_a_developer_who_is_not_there_is_reported(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput, match="no developer with id 9"):
        people.archive_developer(ledger.engine, 9, actor="test")


def test_every_change_is_on_the_audit_trail_with_what_was_before(
    ledger: Ledger, team: Team
) -> None:
    people.set_team(ledger.engine, team.ada, "Data", actor="grace")
    last = rows(ledger.engine, "audit")[-1]
    assert (last["actor"], last["action"]) == ("grace", "developer's team changed")
    detail = json.loads(last["detail"])
    assert abs(detail.pop("valid_from") - now_ms()) < 60_000
    assert detail == {
        "id": team.ada,
        "was": {"team": "Platform"},
        "now": {"team": "Data"},
        "requests_moved": 0,
    }
