"""Scenarios of the planner are kept by name."""

import json

import pytest

from db import scenarios
from db.errors import InvalidInput
from db.ledger import Ledger
from tests.db.team import rows


def test_a_scenario_is_found_again_as_it_was_saved(ledger: Ledger) -> None:
    scenarios.save(ledger.engine, " Eight cards ", '{"count": 8}', actor="ada")
    (found,) = scenarios.list_scenarios(ledger.engine)
    assert (found.name, found.content, found.saved_by) == ("Eight cards", '{"count": 8}', "ada")


def test_saving_under_the_same_name_replaces_it_and_the_audit_keeps_what_it_was(
    ledger: Ledger,
) -> None:
    scenarios.save(ledger.engine, "Cards", '{"count": 8}', actor="ada")
    scenarios.save(ledger.engine, "Cards", '{"count": 9}', actor="bob")
    assert [it.content for it in scenarios.list_scenarios(ledger.engine)] == ['{"count": 9}']
    detail = json.loads(rows(ledger.engine, "audit")[-1]["detail"])
    assert (detail["was"], detail["now"]) == ('{"count": 8}', '{"count": 9}')


def test_one_that_is_removed_stays_in_the_audit(ledger: Ledger) -> None:
    scenarios.save(ledger.engine, "Cards", '{"count": 8}', actor="ada")
    scenarios.remove(ledger.engine, "Cards", actor="ada")
    assert scenarios.list_scenarios(ledger.engine) == []
    assert json.loads(rows(ledger.engine, "audit")[-1]["detail"])["was"] == '{"count": 8}'


@pytest.mark.parametrize("name", ["", "  ", "x" * 81])
def test_a_name_has_1_to_80_characters(ledger: Ledger, name: str) -> None:
    with pytest.raises(InvalidInput, match="1 to 80 characters"):
        scenarios.save(ledger.engine, name, "{}", actor="ada")


def test_what_is_not_there_cannot_be_removed(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput, match="no scenario named Nothing"):
        scenarios.remove(ledger.engine, "Nothing", actor="ada")
