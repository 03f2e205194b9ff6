"""What is remembered of the last half hour."""

from dataclasses import replace

import numpy as np

from engine.api.activity import KEPT_MS, MINUTE_MS, Activity
from engine.api.source import Tally
from engine.api.upstreams.flow import Flow
from tests.engine.api.told import SECOND

LOAD = replace(SECOND, experts_per_token=1, experts_tokens=4, experts=[[3, 1], [2, 2]])


class Clock:
    def __init__(self) -> None:
        self.now = 100 * MINUTE_MS

    def __call__(self) -> int:
        return self.now


def test_experts_add_up_within_the_window_and_earlier_minutes_are_left_out() -> None:
    clock = Clock()
    activity = Activity(clock)
    for _ in range(3):
        activity.note_load(LOAD)
        clock.now += MINUTE_MS
    use = activity.recent(since_ms=101 * MINUTE_MS).experts
    assert use is not None
    assert use.counts.tolist() == [[6, 2], [4, 4]]
    assert (use.tokens, use.since_ms) == (8, 101 * MINUTE_MS)


def test_half_an_hour_later_nothing_is_left() -> None:
    clock = Clock()
    activity = Activity(clock)
    activity.note_load(LOAD)
    clock.now += KEPT_MS + 2 * MINUTE_MS
    activity.note_load(replace(LOAD, experts=[[0, 4], [4, 0]]))
    recent = activity.recent(clock.now - KEPT_MS)
    assert len(recent.loads) == 1
    assert recent.experts is not None
    assert recent.experts.counts.tolist() == [[0, 4], [4, 0]]


def test_use_with_other_experts_a_token_or_of_another_model_is_counted_anew() -> None:
    activity = Activity(Clock())
    activity.note_load(LOAD)
    activity.note_load(replace(LOAD, experts_per_token=2))
    use = activity.recent(0).experts
    assert use is not None
    assert use.tokens == 4
    activity.note_load(replace(LOAD, experts_per_token=2, experts=[[1, 1, 2]]))
    use = activity.recent(0).experts
    assert use is not None
    assert use.counts.shape == (1, 3)


def test_what_is_read_is_not_changed_by_what_comes_after() -> None:
    activity = Activity(Clock())
    activity.note_load(LOAD)
    before = activity.recent(0).experts
    activity.note_load(LOAD)
    assert before is not None
    assert np.array_equal(before.counts, [[3, 1], [2, 2]])


def test_an_upstreams_tokens_count_once_however_often_its_tally_is_looked_at() -> None:
    flow = Flow()
    tally = Tally(input_tokens=40, cached_input_tokens=8)
    flow.note(1, tally)
    assert flow.take(1, 0).prompt_tokens == 0, "its answer has not begun"
    taken = []
    for output in (3, 3, 10):
        tally.output_tokens = output
        flow.note(1, tally)
        taken.append(flow.take(1, 0))
    assert [one.prompt_tokens for one in taken] == [32, 0, 0]
    assert [one.output_tokens for one in taken] == [3, 0, 7]
    tally.output_tokens = 9  # corrected by the upstream at the end
    flow.over(1, tally)
    assert flow.take(0, 0).output_tokens == 0
