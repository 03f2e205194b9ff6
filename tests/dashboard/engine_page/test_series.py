"""The lines of the last minutes, counted by hand."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dashboard.engine_page import findings
from dashboard.engine_page.series import POINTS, batch_now, busy_share, rate_now, series
from tests.dashboard.engine_page.told import IDLE, UPSTREAM_SECOND
from tests.engine.api.told import SECOND

NOW = 1_800_000_001_500  # 10 minutes in 300 points: 2 s each, the last one from …000_000 on
START = 1_800_000_000_000 - 299 * 2_000


def test_two_seconds_make_a_point_whose_tokens_are_over_their_own_time() -> None:
    slow = replace(SECOND, duration_s=3.0, prompt_tokens=0, output_tokens=10, steps=30)
    found = series([(START + 500, SECOND), (START + 1_999, slow)], [], NOW, 10)
    assert (found.start_ms, found.step_ms) == (START, 2_000)
    assert found.prompt[0] == 100 / 4
    assert found.answer[0] == 40 / 4
    assert found.batch[0] == 40 / 40
    assert found.prompt[1] is None


def test_where_nothing_was_told_it_is_unknown_and_where_nothing_was_done_it_is_zero() -> None:
    found = series([(NOW, IDLE)], [], NOW, 10)
    assert (found.answer[-1], found.batch[-1], found.waiting[-1]) == (0.0, 0.0, 0)
    assert found.answer[-2] is found.batch[-2] is found.waiting[-2] is None


def test_the_engine_here_and_upstreams_add_up_but_for_the_batch() -> None:
    found = series([(NOW, SECOND)], [(NOW, UPSTREAM_SECOND)], NOW, 10)
    assert (found.prompt[-1], found.answer[-1]) == (150, 50)
    assert (found.running[-1], found.waiting[-1]) == (5, 1)
    assert found.batch[-1] == 2.0


def test_a_queue_of_a_moment_is_not_averaged_away() -> None:
    full = replace(SECOND, running=8, waiting=5)
    found = series([(NOW - 1_000, full), (NOW, SECOND)], [], NOW, 10)
    assert (found.running[-1], found.waiting[-1]) == (8, 5)


@given(st.lists(st.integers(START, NOW), max_size=50), st.sampled_from([10, 30]))
def test_every_token_of_the_window_is_in_exactly_one_point(times: list[int], minutes: int) -> None:
    found = series([(at, SECOND) for at in sorted(times)], [], NOW, minutes)
    tellings = [0] * POINTS
    for at in times:
        tellings[(at - found.start_ms) // found.step_ms] += 1
    assert [value is not None for value in found.answer] == [number > 0 for number in tellings]
    assert all(value in (None, 30.0) for value in found.answer)


def test_now_is_the_last_four_seconds() -> None:
    told = [(NOW - 4_000, SECOND), (NOW - 3_999, IDLE), (NOW, SECOND)]
    rate = rate_now(told, NOW)
    assert rate is not None
    assert (rate.prompt, rate.answer) == (50, 15)
    assert batch_now(told, NOW) == 2.0
    assert rate_now(told, NOW + 4_000) is None


def test_load_is_the_part_of_the_last_minute_that_was_computed() -> None:
    told = [(NOW - 60_000, SECOND), (NOW - 59_999, SECOND), (NOW, IDLE)]
    assert busy_share(told, NOW) == 0.25
    assert busy_share([], NOW) is None


def test_the_batchs_title_is_of_all_steps_and_says_over_what_its_most_is() -> None:
    """A second of 90 steps with one request each, later one of 10 steps with eight each."""
    many = replace(SECOND, steps=90, sequences=90)
    few = replace(SECOND, steps=10, sequences=80)
    found = series([(NOW - 10_000, many), (NOW, few)], [], NOW, 10)
    assert findings.of_batch(found, 8) == (
        "A step had 1.7 requests on average, of 8 places; at most 8.0 on average of 2 s"
    )
