import logging
import time
from concurrent.futures import Future
from typing import Any

import pytest

from db.check import check
from db.errors import InvalidInput, LedgerInUse, LedgerUnavailable, UnknownRequest
from db.ids import new_id
from db.ledger import Ledger
from db.records import FinishResult
from tests.db.team import NOON, WAIT_S, Team, on_sqlite, outcome, row, rows, window


def test_an_admitted_request_is_a_running_row(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    stored = row(ledger.engine, request_id)
    assert stored["status"] == "running"
    assert (stored["started_at"], stored["input_tokens"], stored["output_tokens"]) == (NOON, 40, 0)
    assert stored["finished_at"] is stored["energy_j"] is stored["duration_ms"] is None


def test_a_finished_request_holds_its_outcome(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    done = outcome(
        request_id,
        cached_input_tokens=32,
        first_token_at=NOON + 150,
        queue_ms=3.4,
        ttft_ms=150.2,
        finish_reason="stop",
        experts_active_mean=17.5,
    )
    assert ledger.finish(done).result(WAIT_S) == FinishResult(True, "ok")
    stored = row(ledger.engine, request_id)
    assert stored["status"] == "ok"
    assert (stored["first_token_at"], stored["finished_at"]) == (NOON + 150, NOON + 2_000)
    assert (stored["queue_ms"], stored["ttft_ms"], stored["duration_ms"]) == (3, 150, 2_000)
    assert (stored["input_tokens"], stored["cached_input_tokens"]) == (40, 32)
    assert (stored["output_tokens"], stored["finish_reason"]) == (25, "stop")
    assert stored["experts_active_mean"] == 17.5


def test_a_finish_right_after_the_first_token_keeps_its_time(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    ledger.first_token(request_id, NOON + 80)
    ledger.finish(outcome(request_id, first_token_at=None)).result(WAIT_S)
    stored = row(ledger.engine, request_id)
    assert (stored["first_token_at"], stored["ttft_ms"]) == (NOON + 80, 80)


def test_a_request_that_has_ended_cannot_end_again(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    first = ledger.finish(outcome(request_id, "cancelled", output_tokens=3))
    second = ledger.finish(outcome(request_id, "ok", output_tokens=99))
    assert first.result(WAIT_S) == FinishResult(True, "cancelled")
    assert second.result(WAIT_S) == FinishResult(False, "cancelled")
    later = ledger.finish(outcome(request_id, "error"))
    assert later.result(WAIT_S) == FinishResult(False, "cancelled")
    assert row(ledger.engine, request_id)["output_tokens"] == 3


def test_finishing_a_request_that_was_never_admitted_is_reported(ledger: Ledger) -> None:
    assert isinstance(ledger.finish(outcome(12345)).exception(WAIT_S), UnknownRequest)


@pytest.mark.parametrize(
    "changes", [{"developer_id": 77}, {"api_key_id": 77}, {"model": None}], ids=str
)
def test_one_bad_row_does_not_take_the_others_along(
    ledger: Ledger, team: Team, changes: dict[str, Any]
) -> None:
    with ledger.engine.execution_options(immediate=True).begin():  # so that all share one batch
        good = [team.request() for _ in range(3)]
        first = ledger.admit(good[0])
        bad = ledger.admit(team.request(**changes))
        rest = [ledger.admit(request) for request in good[1:]]
    assert isinstance(bad.exception(WAIT_S), InvalidInput)
    assert all(future.exception(WAIT_S) is None for future in [first, *rest])
    assert len(rows(ledger.engine, "requests")) == 3


def test_the_same_id_twice_is_refused(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    again = ledger.admit(team.request(request_id))
    assert isinstance(again.exception(WAIT_S), InvalidInput)


def test_an_admission_whose_caller_has_gone_is_taken_back(ledger: Ledger, team: Team) -> None:
    with ledger.engine.execution_options(immediate=True).begin():
        holding = ledger.admit(team.request())
        time.sleep(0.1)  # the writer now waits for the lock with the first admission
        gone = team.request()
        assert ledger.admit(gone).cancel()
    holding.result(WAIT_S)
    assert isinstance(ledger.finish(outcome(gone.id)).exception(WAIT_S), UnknownRequest)


def test_an_outcome_whose_caller_has_gone_is_written_all_the_same(
    ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    with ledger.engine.execution_options(immediate=True).begin():
        holding = ledger.admit(team.request())
        time.sleep(0.1)
        assert ledger.finish(outcome(request_id)).cancel()
    holding.result(WAIT_S)
    assert ledger.finish(outcome(request_id)).result(WAIT_S) == FinishResult(False, "ok")


def test_checkpoints_reach_the_disk_within_two_seconds_and_tokens_only_grow(
    ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    ledger.first_token(request_id, NOON + 120)
    ledger.progress(request_id, 7, NOON + 900, cached_input_tokens=16)
    ledger.progress(request_id, 5, NOON + 950)
    stored = _wait_for(lambda: row(ledger.engine, request_id), lambda it: it["output_tokens"] == 7)
    assert (stored["first_token_at"], stored["ttft_ms"]) == (NOON + 120, 120)
    assert (stored["cached_input_tokens"], stored["duration_ms"]) == (16, 950)
    ledger.progress(request_id, 6, NOON + 1_500)
    stored = _wait_for(
        lambda: row(ledger.engine, request_id), lambda it: it["duration_ms"] == 1_500
    )
    assert stored["output_tokens"] == 7


def test_a_checkpoint_that_comes_late_does_not_touch_a_request_that_has_ended(
    ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    ledger.finish(outcome(request_id)).result(WAIT_S)
    ledger.progress(request_id, 400, NOON + 9_000)
    time.sleep(1.2)
    team.admit(ledger)
    assert row(ledger.engine, request_id)["output_tokens"] == 25


def test_what_was_running_when_the_process_died_is_interrupted_at_its_last_checkpoint(
    url: str, ledger: Ledger, team: Team
) -> None:
    unstarted, streaming, ended = (team.admit(ledger) for _ in range(3))
    ledger.first_token(streaming, NOON + 200)
    ledger.progress(streaming, 9, NOON + 1_700)
    ledger.finish(outcome(ended)).result(WAIT_S)
    ledger.close()
    ledger.open()
    assert ledger.interrupted_at_open == 2
    stored = row(ledger.engine, streaming)
    assert (stored["status"], stored["output_tokens"]) == ("interrupted", 9)
    assert (stored["finished_at"], stored["duration_ms"]) == (NOON + 1_700, 1_700)
    stored = row(ledger.engine, unstarted)
    assert (stored["status"], stored["finished_at"]) == ("interrupted", NOON)
    assert row(ledger.engine, ended)["status"] == "ok"


def test_a_clock_set_back_does_not_disorder_a_requests_times(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)
    hour_ago = NOON - 3_600_000
    ledger.finish(outcome(request_id, at=hour_ago, first_token_at=hour_ago)).result(WAIT_S)
    stored = row(ledger.engine, request_id)
    assert stored["started_at"] <= stored["first_token_at"] <= stored["finished_at"]
    assert stored["duration_ms"] == 2_000


def test_a_clock_set_back_does_not_disorder_what_a_crash_interrupts(
    url: str, ledger: Ledger, team: Team
) -> None:
    request_id = team.admit(ledger)
    ledger.first_token(request_id, NOON - 3_600_000)
    ledger.progress(request_id, 9, NOON - 3_599_000)
    ledger.close()
    ledger.open()
    stored = row(ledger.engine, request_id)
    assert (stored["status"], stored["output_tokens"]) == ("interrupted", 9)
    assert (stored["first_token_at"], stored["finished_at"]) == (NOON, NOON)
    assert (stored["ttft_ms"], stored["duration_ms"]) == (0, 0)
    assert check(ledger.engine).violations == []


@on_sqlite
def test_a_write_before_a_checkpoint_is_due_does_not_put_it_off(ledger: Ledger, team: Team) -> None:
    request_id = team.admit(ledger)

    def wait_for_tokens(wanted: int) -> None:
        _wait_for(lambda: row(ledger.engine, request_id), lambda it: it["output_tokens"] == wanted)

    late_s = []
    for tokens in (2, 4, 6):  # a busy machine may be late once
        ledger.progress(request_id, tokens - 1, NOON)
        wait_for_tokens(tokens - 1)
        last = time.monotonic()
        ledger.progress(request_id, tokens, NOON)
        time.sleep(0.85)
        ledger.record_energy(window({request_id: 1.0})).result(WAIT_S)
        wait_for_tokens(tokens)
        late_s.append(time.monotonic() - last)
    assert min(late_s) < 1.5


def test_a_used_key_says_when_to_the_minute(ledger: Ledger, team: Team) -> None:
    for at in (NOON, NOON + 10_000, NOON + 90_000):
        team.admit(ledger, at=at)
    assert rows(ledger.engine, "api_keys")[0]["last_used_at"] == NOON + 90_000


@on_sqlite
def test_a_second_writer_is_told_who_has_the_ledger(url: str, ledger: Ledger) -> None:
    with pytest.raises(LedgerInUse, match="Another Breakeven already runs"):
        Ledger(url).open()


def test_closing_writes_what_waits_and_lets_another_open(
    url: str, ledger: Ledger, team: Team
) -> None:
    waiting: list[Future[None]] = [ledger.admit(team.request()) for _ in range(50)]
    ledger.close()
    assert all(future.exception(0) is None for future in waiting)
    other = Ledger(url)
    other.open()
    assert other.interrupted_at_open == 50
    other.close()


def test_a_closed_ledger_refuses_and_says_so(ledger: Ledger, team: Team) -> None:
    ledger.close()
    assert isinstance(ledger.admit(team.request()).exception(WAIT_S), LedgerUnavailable)
    assert ledger.health().state == "closed"


def test_an_open_ledger_is_healthy(ledger: Ledger) -> None:
    health = ledger.health()
    assert (health.state, health.message, health.waiting) == ("open", None, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: outcome(1, output_tokens=-1),
        lambda: outcome(1, "running"),  # type: ignore[arg-type]
        lambda: Team(1, 1).request(input_tokens=-5),
        lambda: window({1: -2.0}),
        lambda: window({1: float("nan")}),
        lambda: window({1: 2.0}, idle_j=None),
    ],
)
def test_what_cannot_be_true_is_refused_before_it_is_queued(make: Any) -> None:
    with pytest.raises(InvalidInput):
        make()


def test_a_bad_checkpoint_is_logged_and_harms_nothing_else(
    ledger: Ledger, team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = team.admit(ledger), team.admit(ledger)
    with caplog.at_level(logging.ERROR):
        ledger.progress(one, 3, NOON, cached_input_tokens=10_000)  # more than its input
        _wait_for(lambda: caplog.text, lambda text: "checkpoint" in text)
    ledger.finish(outcome(other)).result(WAIT_S)
    assert row(ledger.engine, other)["status"] == "ok"


def test_a_thousand_requests_at_once_share_transactions(ledger: Ledger, team: Team) -> None:
    requests = [team.request(new_id()) for _ in range(1_000)]
    admitted = [ledger.admit(request) for request in requests]
    finished = [ledger.finish(outcome(request.id)) for request in requests]
    assert all(future.exception(WAIT_S) is None for future in admitted)
    assert all(future.result(WAIT_S).changed for future in finished)
    assert {stored["status"] for stored in rows(ledger.engine, "requests")} == {"ok"}


def _wait_for(read: Any, good: Any) -> Any:
    deadline = time.monotonic() + 2.0 + 3.0  # the promise is 2 s; the rest is a busy machine's
    while not good(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found
