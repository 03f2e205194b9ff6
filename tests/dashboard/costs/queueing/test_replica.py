"""The schedule of a replica: by hand, token by token, and what holds of any."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.queueing.arrivals import Floats
from dashboard.costs.queueing.simulation import Run, Window, run_once
from tests.dashboard.costs.queueing.servers import (
    random_requests,
    requests,
    server,
    token_by_token,
)

ALL = Window(0.0, 1e6)


def test_a_prompt_is_read_after_the_step_under_way_and_then_both_decode() -> None:
    # Prompts of a second; steps of 1 s alone, 1.5 s together.
    # First: read until 1, steps end at 2, 3, 4. Second comes at 3.4, is read from 4 to 5.
    # Three steps together until 9.5 end the second; the first has 10 − 6 left, until 13.5.
    speed = server(prefill_tokens_per_s=100, step_base_s=0.5, step_per_sequence_s=0.5)
    run = run_once(speed, requests([0.0, 3.4], [100, 100], [11, 4]), ALL)
    assert run.first_token_s.tolist() == pytest.approx([1.0, 5.0])
    assert run.finished_s.tolist() == pytest.approx([13.5, 9.5])
    assert run.ttft_s().tolist() == pytest.approx([1.0, 1.6])
    assert run.tokens_per_s().tolist() == pytest.approx([10 / 12.5, 3 / 4.5])


def test_without_room_a_request_waits_until_a_sequence_is_complete() -> None:
    speed = server(
        prefill_tokens_per_s=100, step_base_s=1.0, step_per_sequence_s=0.0, most_at_once=1
    )
    run = run_once(speed, requests([0.0, 3.4], [100, 100], [11, 4]), Window(0.0, 20.0))
    assert run.first_token_s.tolist() == pytest.approx([1.0, 12.0])
    assert run.finished_s.tolist() == pytest.approx([11.0, 15.0])
    # Queued from 3.4 to 11, busy from 0 to 15, one sequence at a time.
    assert run.mean_queue == pytest.approx(7.6 / 20)
    assert run.utilisation == pytest.approx(15 / 20)
    assert run.mean_batch == pytest.approx(1.0)


def test_a_second_replica_takes_what_comes_while_the_first_is_at_work() -> None:
    speed = server(prefill_tokens_per_s=100, most_at_once=1, replicas=2)
    run = run_once(speed, requests([0.0, 0.5, 0.6], [100, 100, 100], [1, 1, 1]), Window(0.0, 4.0))
    assert run.first_token_s.tolist() == pytest.approx([1.0, 1.5, 2.0])
    assert run.utilisation == pytest.approx(3 / 8)


def test_a_request_goes_to_the_replica_with_fewer_sequences() -> None:
    # Two long answers are with one replica each; a third joins one of them, the fourth the other.
    speed = server(prefill_tokens_per_s=1e6, step_base_s=0.0, step_per_sequence_s=1.0, replicas=2)
    run = run_once(speed, requests([0.0, 0.1, 0.2, 0.3], [1] * 4, [101] * 4), ALL)
    # Each replica has a step of 1 s alone, then steps of 2 s for two.
    assert run.finished_s.tolist()[:2] == pytest.approx([199.0, 199.1], abs=0.01)


def test_a_step_takes_some_time() -> None:
    speed = server(step_base_s=0.0, step_per_sequence_s=0.0)
    with pytest.raises(ValueError, match="takes some time"):
        run_once(speed, requests([0.0], [1], [2]), ALL)


def test_an_answer_takes_no_longer_to_simulate_for_being_long() -> None:
    # At a microsecond of computing a token this would take a quarter of an hour.
    run = run_once(server(), requests([0.0], [1_000], [10**9 + 1]), ALL)
    assert run.finished_s[0] == pytest.approx(1 + 10**9 * 0.021)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 60), st.floats(0.2, 20), st.integers(1, 6), st.booleans()
)
def test_jumping_over_steps_gives_the_times_of_going_token_by_token(
    seed: int, number: int, per_s: float, most: int, slow: bool
) -> None:
    speed = server(most_at_once=most, step_base_s=0.3 if slow else 0.01)
    made = random_requests(seed, number, per_s)
    run, (first, last) = run_once(speed, made, ALL), token_by_token(speed, made)
    assert run.first_token_s.tolist() == pytest.approx(first, abs=1e-6)
    assert run.finished_s.tolist() == pytest.approx(last, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 80),
    st.floats(0.2, 50),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_no_request_is_lost_and_none_is_served_faster_than_alone(
    seed: int, number: int, per_s: float, most: int, replicas: int
) -> None:
    speed = server(most_at_once=most, replicas=replicas)
    made = random_requests(seed, number, per_s)
    run = run_once(speed, made, ALL)
    assert len(run.first_token_s) == number
    assert np.isfinite(run.finished_s).all()
    alone_s = made.prompt_tokens / speed.prefill_tokens_per_s
    assert (run.ttft_s() >= alone_s - 1e-9).all()
    decoding_s = (made.answer_tokens - 1) * speed.step_s(1)
    assert (run.finished_s - run.first_token_s >= decoding_s - 1e-6).all()
    assert 0 < run.utilisation <= 1
    assert run.mean_batch is None or 1 - 1e-9 <= run.mean_batch <= most + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(1, 30), st.floats(0.1, 0.9), st.integers(1, 3))
def test_what_arrived_is_served_or_in_the_system_when_the_window_closes(
    seed: int, per_s: float, share: float, replicas: int
) -> None:
    made = random_requests(seed, 100, per_s)
    end_s = float(made.at_s[-1]) * share
    run = run_once(server(replicas=replicas), made, Window(0.0, end_s))
    served = int((run.finished_s < end_s).sum())
    assert run.left_at_start == 0
    assert served + run.left_at_end == len(run.at_s) == int((made.at_s < end_s).sum())


def _mean_level(begun_s: Floats, ended_s: Floats, window: Window) -> float:
    """How many stretches are under way on average, going from one change to the next."""
    changes = sorted([(at, 1) for at in begun_s.tolist()] + [(at, -1) for at in ended_s.tolist()])
    area, level, since_s = 0.0, 0, window.start_s
    for at_s, by in [*changes, (window.end_s, 0)]:
        now_s = min(max(at_s, window.start_s), window.end_s)
        area += level * (now_s - since_s)
        level, since_s = level + by, now_s
    return area / (window.end_s - window.start_s)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.floats(0.5, 30),
    st.integers(1, 4),
    st.integers(1, 3),
    st.floats(0, 0.4),
    st.floats(0.6, 1.5),
)
def test_mean_levels_are_those_of_going_through_every_change(
    seed: int, per_s: float, most: int, replicas: int, start: float, end: float
) -> None:
    made = random_requests(seed, 100, per_s)
    speed = server(most_at_once=most, replicas=replicas)
    whole = run_once(speed, made, ALL)
    last_s = float(whole.finished_s.max())
    window = Window(start * last_s, end * last_s)
    run = run_once(speed, made, window)
    inside = _mean_level(whole.at_s, whole.finished_s, window)
    assert run.mean_in_system == pytest.approx(inside)
    begun_s = whole.first_token_s - made.prompt_tokens / speed.prefill_tokens_per_s
    queued = _mean_level(whole.at_s, np.maximum(begun_s, whole.at_s), window)
    assert run.mean_queue == pytest.approx(queued, abs=1e-9)


def test_littles_law_holds_exactly_from_empty_to_empty() -> None:
    made = random_requests(9, 500, 3.0)
    run = run_once(server(replicas=2), made, Window(0.0, 500.0))
    assert run.left_at_end == 0
    level = _mean_level(run.at_s, run.finished_s, Window(0.0, 500.0))
    assert level == pytest.approx(500 / 500.0 * float(run.duration_s().mean()))
    assert run.mean_in_system == pytest.approx(level)


def test_the_time_that_replicas_work_is_the_time_that_the_work_takes() -> None:
    # With one sequence at a time the work is the sum of all prompts and answers.
    made = random_requests(5, 200, 2.0)
    speed = server(most_at_once=1, replicas=3)
    run = run_once(speed, made, Window(0.0, 1_000.0))
    work_s = made.prompt_tokens.sum() / 1_000 + (made.answer_tokens - 1).sum() * 0.021
    assert run.utilisation == pytest.approx(float(work_s) / 3_000)


def _quantiles(run: Run) -> list[float]:
    return [float(np.quantile(run.ttft_s(), share)) for share in (0.5, 0.95)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 4), st.integers(1, 4), st.floats(1.2, 3))
def test_requests_one_at_a_time_are_never_served_sooner_under_more_load_or_by_fewer_replicas(
    seed: int, per_s: float, replicas: int, more: float
) -> None:
    # The same requests, only sooner: of a queue served in order this holds of each single run.
    light = random_requests(seed, 300, per_s)
    heavy = random_requests(seed, 300, per_s * more)
    speed = server(most_at_once=1, replicas=replicas)
    larger = server(most_at_once=1, replicas=replicas + 1)
    base = run_once(speed, light, ALL)
    assert (run_once(speed, heavy, ALL).ttft_s() >= base.ttft_s() - 1e-6).all()
    assert (run_once(larger, light, ALL).ttft_s() <= base.ttft_s() + 1e-6).all()


@pytest.mark.parametrize("per_s", [2.0, 3.0, 4.0])
def test_batches_are_slower_under_more_load_and_faster_with_more_replicas(per_s: float) -> None:
    base = run_once(server(), random_requests(3, 4_000, per_s), ALL)
    heavy = run_once(server(), random_requests(3, 4_000, per_s * 1.2), ALL)
    larger = run_once(server(replicas=2), random_requests(3, 4_000, per_s), ALL)
    for one, more_load, more_replicas in zip(
        _quantiles(base), _quantiles(heavy), _quantiles(larger), strict=True
    ):
        assert more_replicas <= one <= more_load
    assert not math.isclose(base.utilisation, heavy.utilisation)
