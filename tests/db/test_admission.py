"""Who may not make a request: those without a valid key, and those whose budget has no room."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from db import keys, limits, people
from db.check import check
from db.errors import BudgetExceeded, KeyRevoked
from db.ids import now_ms
from db.ledger import Ledger
from db.limits import Limits
from tests.db.team import NOON, WAIT_S, Team, outcome, rows, window

NEW_YEAR = NOON - 12 * 3_600_000  # 2026-01-01 00:00 UTC


def _revoke(ledger: Ledger, team: Team) -> None:
    keys.revoke_key(ledger.engine, team.key, actor="test")


def _archive(ledger: Ledger, team: Team) -> None:
    people.archive_developer(ledger.engine, team.ada, actor="test")


@contextmanager
def _one_batch(ledger: Ledger) -> Iterator[None]:
    """What is handed in meanwhile waits for the lock, and is then written together."""
    with ledger.engine.execution_options(immediate=True).begin():
        yield


def _budget(ledger: Ledger, these: Limits, **holder: int) -> None:
    limits.set_limits(ledger.engine, these, **holder, actor="test")


# Keys


@pytest.mark.parametrize("end", [_revoke, _archive])
def test_a_request_of_a_key_that_works_no_more_is_refused_at_once(
    ledger: Ledger, team: Team, end: Callable[[Ledger, Team], None]
) -> None:
    team.admit(ledger)
    end(ledger, team)
    assert isinstance(ledger.admit(team.request()).exception(WAIT_S), KeyRevoked)
    assert len(rows(ledger.engine, "requests")) == 1


def test_a_request_of_a_key_that_has_expired_since_is_refused(ledger: Ledger, team: Team) -> None:
    soon = now_ms() + 300
    key, _ = keys.create_key(ledger.engine, team.ada, "ci", actor="test", expires_at=soon)
    team.admit(ledger, api_key_id=key.id)
    time.sleep(0.35)
    refusal = ledger.admit(team.request(api_key_id=key.id)).exception(WAIT_S)
    assert isinstance(refusal, KeyRevoked)
    assert str(refusal) == "This API key has expired."


def test_an_archived_developers_request_without_a_key_is_refused(
    ledger: Ledger, team: Team
) -> None:
    team.admit(ledger, api_key_id=None)
    _archive(ledger, team)
    refusal = ledger.admit(team.request(api_key_id=None)).exception(WAIT_S)
    assert isinstance(refusal, KeyRevoked)


def test_what_a_revoked_key_was_computing_can_still_end(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    _revoke(ledger, team)
    assert ledger.finish(outcome(request_id)).result(WAIT_S).changed


def test_a_refusal_does_not_disturb_the_others_of_its_batch(ledger: Ledger, team: Team) -> None:
    revoked, _ = keys.create_key(ledger.engine, team.ada, "old", actor="test")
    keys.revoke_key(ledger.engine, revoked.id, actor="test")
    small, _ = keys.create_key(ledger.engine, team.ada, "ci", actor="test")
    _budget(ledger, Limits(tokens_per_month=10), api_key_id=small.id)
    used = [team.key, revoked.id, small.id, team.key, None]
    with _one_batch(ledger):
        waiting = [ledger.admit(team.request(api_key_id=key)) for key in used]
    refused = [type(future.exception(WAIT_S)) for future in waiting]
    assert refused == [type(None), KeyRevoked, BudgetExceeded, type(None), type(None)]
    assert len(rows(ledger.engine, "requests")) == 3


# Budgets


def test_a_request_that_fits_the_budget_exactly_is_admitted_and_one_token_more_is_not(
    ledger: Ledger, team: Team
) -> None:
    _budget(ledger, Limits(tokens_per_month=1_000), api_key_id=team.key)
    too_much = ledger.admit(team.request(reserved_tokens=1_001)).exception(WAIT_S)
    assert isinstance(too_much, BudgetExceeded)
    team.admit(ledger, reserved_tokens=1_000)


def test_a_refusal_says_what_is_used_reserved_and_asked_and_when_it_begins_anew(
    ledger: Ledger, team: Team
) -> None:
    _budget(ledger, Limits(tokens_per_month=10_000), developer_id=team.ada)
    ledger.finish(outcome(team.admit(ledger, reserved_tokens=5_000))).result(WAIT_S)
    team.admit(ledger, reserved_tokens=9_000)
    refusal = ledger.admit(team.request(reserved_tokens=2_000)).exception(WAIT_S)
    assert isinstance(refusal, BudgetExceeded)
    assert (refusal.scope, refusal.kind) == ("developer", "tokens")
    assert (refusal.budget, refusal.used, refusal.reserved) == (10_000, 40 + 25, 9_000)
    assert refusal.wanted == 2_000
    assert str(refusal) == (
        "This developer's budget is 10,000 tokens a month: 65 are used and 9,000 reserved by"
        " requests that run now, and this one may take 2,000; the budget begins anew on"
        " 2026-02-01 (UTC)."
    )


def test_what_was_reserved_but_not_taken_is_given_back_at_the_end(
    ledger: Ledger, team: Team
) -> None:
    _budget(ledger, Limits(tokens_per_month=1_000), api_key_id=team.key)
    for _ in range(5):
        request_id = team.admit(ledger, reserved_tokens=600)
        ledger.finish(outcome(request_id, "cancelled")).result(WAIT_S)  # 65 tokens


def test_a_request_that_reserves_nothing_keeps_back_its_input(ledger: Ledger, team: Team) -> None:
    _budget(ledger, Limits(tokens_per_month=100), api_key_id=team.key)
    team.admit(ledger)  # 40 of input
    team.admit(ledger)
    refusal = ledger.admit(team.request()).exception(WAIT_S)
    assert isinstance(refusal, BudgetExceeded)
    assert (refusal.reserved, refusal.wanted) == (80, 40)


def test_a_developers_budget_is_for_all_their_keys_together(ledger: Ledger, team: Team) -> None:
    _budget(ledger, Limits(tokens_per_month=100), developer_id=team.ada)
    other, _ = keys.create_key(ledger.engine, team.ada, "zed", actor="test")
    team.admit(ledger, api_key_id=other.id)
    team.admit(ledger, api_key_id=None)
    refusal = ledger.admit(team.request()).exception(WAIT_S)
    assert isinstance(refusal, BudgetExceeded)
    assert refusal.scope == "developer"


def test_a_keys_budget_is_not_touched_by_the_developers_other_keys(
    ledger: Ledger, team: Team
) -> None:
    _budget(ledger, Limits(tokens_per_month=100), api_key_id=team.key)
    other, _ = keys.create_key(ledger.engine, team.ada, "zed", actor="test")
    team.admit(ledger, api_key_id=other.id, reserved_tokens=90_000)
    team.admit(ledger, api_key_id=None, reserved_tokens=90_000)
    team.admit(ledger, reserved_tokens=100)


def test_energy_is_kept_back_too_less_what_the_request_took_already(
    ledger: Ledger, team: Team
) -> None:
    _budget(ledger, Limits(energy_j_per_month=7.2e6), developer_id=team.ada)
    running = team.admit(ledger, reserved_energy_j=5.0e6)
    ledger.record_energy(window({running: 3.0e6})).result(WAIT_S)
    team.admit(ledger, reserved_energy_j=1.0e6)
    refusal = ledger.admit(team.request(reserved_energy_j=1.3e6)).exception(WAIT_S)
    assert isinstance(refusal, BudgetExceeded)
    assert (refusal.kind, refusal.used, refusal.reserved) == ("energy", 3.0e6, 3.0e6)
    assert "budget is 2 kWh a month: 0.8333 are used" in str(refusal)


def test_a_full_energy_budget_refuses_requests_that_reserve_none(
    ledger: Ledger, team: Team
) -> None:
    _budget(ledger, Limits(energy_j_per_month=50.0), api_key_id=team.key)
    request_id = team.admit(ledger)
    ledger.finish(outcome(request_id)).result(WAIT_S)
    ledger.record_energy(window({request_id: 49.0})).result(WAIT_S)
    ledger.finish(outcome(team.admit(ledger))).result(WAIT_S)
    ledger.record_energy(window({request_id: 1.0})).result(WAIT_S)
    assert isinstance(ledger.admit(team.request()).exception(WAIT_S), BudgetExceeded)


def test_each_month_has_its_own_budget_whenever_its_requests_end(
    ledger: Ledger, team: Team
) -> None:
    _budget(ledger, Limits(tokens_per_month=100), api_key_id=team.key)
    last_year = team.admit(ledger, at=NEW_YEAR - 1, reserved_tokens=100)
    team.admit(ledger, at=NEW_YEAR, reserved_tokens=100)
    refused = ledger.admit(team.request(at=NEW_YEAR - 1, reserved_tokens=100)).exception(WAIT_S)
    assert isinstance(refused, BudgetExceeded)
    assert refused.renews_on == "2026-01-01"
    ledger.finish(outcome(last_year, at=NEW_YEAR + 5_000)).result(WAIT_S)
    months = {it["month"]: it["input_tokens"] for it in rows(ledger.engine, "monthly_use")}
    assert months == {"2025-12": 40}


def test_a_hundred_requests_at_once_get_what_the_budget_has_room_for(
    ledger: Ledger, team: Team
) -> None:
    _budget(ledger, Limits(tokens_per_month=1_050), developer_id=team.ada)

    def ask(_: int) -> Future[None]:
        return ledger.admit(team.request(reserved_tokens=100))

    with ThreadPoolExecutor(16) as pool:
        answers = [future.exception(WAIT_S) for future in pool.map(ask, range(100))]
    assert answers.count(None) == 10
    assert {type(answer) for answer in answers} == {type(None), BudgetExceeded}


def test_what_was_reserved_when_the_process_died_is_given_back(ledger: Ledger, team: Team) -> None:
    _budget(ledger, Limits(tokens_per_month=100, energy_j_per_month=10.0), api_key_id=team.key)
    running = team.admit(ledger, reserved_tokens=100, reserved_energy_j=10.0)
    ledger.progress(running, 7, NOON + 500)
    assert isinstance(ledger.admit(team.request()).exception(WAIT_S), BudgetExceeded)
    ledger.close()
    ledger.open()  # ends what ran as interrupted, as after a crash
    team.admit(ledger, reserved_tokens=100 - 47, reserved_energy_j=10.0)
    assert check(ledger.engine).violations == []
