"""Waiting and the prefix cache, counted by hand."""

from dataclasses import replace

from dashboard.engine_page.waits import cache_hits, spread
from tests.dashboard.engine_page.told import ENDED


def test_the_median_and_what_nineteen_of_twenty_do_not_exceed() -> None:
    found = spread(float(number) for number in range(20, 0, -1))
    assert found is not None
    assert (found.number, found.median_ms, found.p95_ms) == (20, 10.5, 19.0)


def test_durations_that_are_not_known_do_not_count_as_short_ones() -> None:
    found = spread([None, 30.0, None])
    assert found is not None
    assert (found.number, found.median_ms, found.p95_ms) == (1, 30.0, 30.0)
    assert spread([None]) is None


def test_hits_are_over_the_prompts_tokens_of_answered_requests() -> None:
    refused = replace(ENDED, ttft_ms=None, cached_input_tokens=0, input_tokens=1000)
    found = cache_hits([ENDED, replace(ENDED, cached_input_tokens=0), refused])
    assert (found.requests, found.input_tokens, found.cached_tokens) == (2, 80, 32)
    assert found.share == 0.4
    assert cache_hits([]).share is None


def test_a_prompt_of_which_no_upstream_told_what_was_cached_counts_as_neither() -> None:
    untold = replace(ENDED, cached_input_tokens=None)
    assert cache_hits([ENDED, untold]).share == 0.8
    assert cache_hits([untold]).share is None
