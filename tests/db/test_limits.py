import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from db import keys, limits
from db.errors import InvalidInput
from db.ledger import Ledger
from db.limits import NO_LIMITS, Limits
from tests.db.team import Team, rows

EVERYTHING = Limits(60, 90_000, 4, 10_000_000, 3.6e6, ("smollm2-135m-instruct", "kimi-k2"))


def test_limits_come_back_as_they_were_set(ledger: Ledger, team: Team) -> None:
    limits.set_limits(ledger.engine, EVERYTHING, developer_id=team.ada, actor="test")
    assert limits.get_limits(ledger.engine, developer_id=team.ada) == EVERYTHING
    assert limits.get_limits(ledger.engine, api_key_id=team.key) == NO_LIMITS


def test_setting_limits_replaces_those_before_in_the_same_row(ledger: Ledger, team: Team) -> None:
    for these in (EVERYTHING, Limits(concurrent_requests=2), NO_LIMITS):
        limits.set_limits(ledger.engine, these, api_key_id=team.key, actor="test")
        assert limits.get_limits(ledger.engine, api_key_id=team.key) == these
    assert len(rows(ledger.engine, "limits")) == 1


def test_model_names_are_kept_in_lower_case_and_once(ledger: Ledger, team: Team) -> None:
    these = Limits(models=("Kimi-K2", " kimi-k2 ", "SmolLM2"))
    limits.set_limits(ledger.engine, these, developer_id=team.ada, actor="test")
    assert limits.get_limits(ledger.engine, developer_id=team.ada).models == ("kimi-k2", "smollm2")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("requests_per_minute", 0),
        ("tokens_per_minute", -1),
        ("concurrent_requests", 1.5),
        ("tokens_per_month", True),
        ("tokens_per_month", 10**15 + 1),
        ("energy_j_per_month", 0.0),
        ("energy_j_per_month", -3.0),
        ("energy_j_per_month", float("nan")),
        ("energy_j_per_month", float("inf")),
        ("models", ()),
        ("models", ("kimi-k2", "  ")),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_and_named(
    ledger: Ledger, team: Team, name: str, value: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        limits.set_limits(
            ledger.engine, Limits(**{name: value}), developer_id=team.ada, actor="test"
        )
    assert caught.value.field == name
    assert rows(ledger.engine, "limits") == []


@pytest.mark.parametrize(
    ("holder", "field"),
    [
        ({}, "holder"),
        ({"developer_id": 1, "api_key_id": 1}, "holder"),
        ({"developer_id": 77}, "developer"),
        ({"api_key_id": 77}, "key"),
    ],
)
def test_limits_are_one_developers_or_one_keys(
    ledger: Ledger, team: Team, holder: dict[str, int], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        limits.set_limits(ledger.engine, EVERYTHING, **holder, actor="test")
    assert caught.value.field == field


@pytest.mark.parametrize("holder", ["NULL, NULL", "1, 1"])
def test_the_database_too_refuses_limits_of_nobody_or_of_both(
    ledger: Ledger, team: Team, holder: str
) -> None:
    with (
        pytest.raises(IntegrityError, match="holder"),
        ledger.engine.connect() as connection,
    ):
        connection.execute(
            text(f"INSERT INTO limits (developer_id, api_key_id, changed_at) VALUES ({holder}, 0)")
        )


def test_a_change_of_limits_is_in_the_audit_trail_with_what_was(ledger: Ledger, team: Team) -> None:
    for budget in (100, 200):
        these = Limits(tokens_per_month=budget)
        limits.set_limits(ledger.engine, these, api_key_id=team.key, actor="grace")
    last = rows(ledger.engine, "audit")[-1]
    detail = json.loads(last["detail"])
    assert (last["actor"], last["action"]) == ("grace", "limits changed")
    assert detail["api_key_id"] == team.key
    assert detail["was"]["tokens_per_month"] == 100
    assert detail["now"]["tokens_per_month"] == 200


def test_a_key_is_verified_together_with_its_limits_and_its_developers(
    ledger: Ledger, team: Team
) -> None:
    key, plaintext = keys.create_key(ledger.engine, team.ada, "zed", actor="test")
    of_key = Limits(models=("kimi-k2",))
    limits.set_limits(ledger.engine, of_key, api_key_id=key.id, actor="test")
    limits.set_limits(ledger.engine, EVERYTHING, developer_id=team.ada, actor="test")
    owner = keys.verify(ledger.engine, plaintext)
    assert owner is not None
    assert (owner.key_limits, owner.developer_limits) == (of_key, EVERYTHING)


def test_all_that_have_limits_are_listed_developers_before_their_keys(
    ledger: Ledger, team: Team
) -> None:
    limits.set_limits(ledger.engine, Limits(1), api_key_id=team.key, actor="test")
    limits.set_limits(ledger.engine, Limits(2), developer_id=team.ada, actor="test")
    listed = limits.list_limits(ledger.engine)
    assert [(it.developer_name, it.key_name, it.limits) for it in listed] == [
        ("Ada", None, Limits(2)),
        ("Ada", "editor", Limits(1)),
    ]
    limits.set_limits(ledger.engine, NO_LIMITS, developer_id=team.ada, actor="test")
    assert [it.api_key_id for it in limits.list_limits(ledger.engine)] == [team.key]
