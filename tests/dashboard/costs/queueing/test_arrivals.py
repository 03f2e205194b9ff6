"""When requests arrive and how long they are: rates, patterns and samples."""

import tomllib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.costs.queueing.arrivals import (
    HOURS_PER_WEEK,
    PoissonArrivals,
    WeeklyArrivals,
    Workload,
    rates_per_developer,
    steady_requests,
    weekly_requests,
)
from dashboard.costs.queueing.tokens import LognormalTokens, ObservedTokens

ONE_SIZE = ObservedTokens(requests=((100, 0, 10),))
MONDAY_9 = 9


def seed(number: int = 1) -> np.random.SeedSequence:
    return np.random.SeedSequence(number)


def office_hours() -> Workload:
    """Monday 9:00 to 10:00 one request of a developer in 3 minutes, then half that until 11:00."""
    rates = [0.0] * HOURS_PER_WEEK
    rates[MONDAY_9], rates[MONDAY_9 + 1] = 20.0, 10.0
    return Workload(arrivals=WeeklyArrivals(per_developer_hour=tuple(rates)), tokens=ONE_SIZE)


def test_rates_are_counts_over_weeks_and_developers() -> None:
    counts, weeks = [0] * HOURS_PER_WEEK, [4.0] * HOURS_PER_WEEK
    counts[10], counts[11], weeks[11] = 240, 240, 3.0
    rates = rates_per_developer(counts, weeks, developers=6).per_developer_hour
    assert rates[10] == pytest.approx(10.0)  # 240 / 4 weeks / 6 developers
    assert rates[11] == pytest.approx(40 / 3)
    assert sum(rates) == pytest.approx(10 + 40 / 3)


def test_a_range_shorter_than_a_week_does_not_make_a_pattern() -> None:
    weeks = [1.0] * HOURS_PER_WEEK
    weeks[100] = 0.0
    with pytest.raises(ValueError, match="at least a whole week"):
        rates_per_developer([1] * HOURS_PER_WEEK, weeks, 1)
    with pytest.raises(ValueError, match="nobody made a request"):
        rates_per_developer([0] * HOURS_PER_WEEK, [1.0] * HOURS_PER_WEEK, 0)
    with pytest.raises(ValueError, match="168 hours"):
        rates_per_developer([1] * 24, [1.0] * 24, 1)


def test_the_busiest_hour_and_its_rate_for_a_team() -> None:
    assert office_hours().busiest_hour() == MONDAY_9
    assert office_hours().busiest_per_s(90) == pytest.approx(0.5)  # 20 × 90 / 3600


def test_requests_come_in_their_hours_at_their_rates() -> None:
    # 2,000 developers: 40,000 and 20,000 are expected; five deviations are 1,000 and 707.
    at_s = weekly_requests(office_hours(), 2_000, 0, 24, seed()).at_s
    hours = np.bincount((at_s // 3600).astype(int), minlength=24)
    assert abs(hours[9] - 40_000) < 1_000
    assert abs(hours[10] - 20_000) < 707
    assert hours.sum() == hours[9] + hours[10]


def test_the_week_begins_again() -> None:
    at_s = weekly_requests(office_hours(), 100, HOURS_PER_WEEK + 8, 2, seed()).at_s
    assert at_s.min() >= 3600.0  # hour 8 is empty, 9 is not
    assert len(at_s) > 1_500


def test_a_steady_rate_is_kept() -> None:
    workload = Workload(arrivals=PoissonArrivals(per_developer_hour=1), tokens=ONE_SIZE)
    at_s = steady_requests(workload, 2.0, 40_000, seed()).at_s
    # The mean of 40,000 exponential gaps is 0.5 s ± 0.0025 s; five of those.
    assert at_s[-1] / 40_000 == pytest.approx(0.5, abs=0.0125)
    assert np.std(np.diff(at_s)) == pytest.approx(0.5, rel=0.05)


def test_another_load_brings_the_same_requests_sooner() -> None:
    tokens = LognormalTokens(prompt_mean=1_000, prompt_p95=3_000, answer_mean=200, answer_p95=500)
    workload = Workload(arrivals=PoissonArrivals(per_developer_hour=1), tokens=tokens)
    slow, fast = (steady_requests(workload, rate, 100, seed()) for rate in (1.0, 4.0))
    assert slow.prompt_tokens.tolist() == fast.prompt_tokens.tolist()
    assert slow.at_s == pytest.approx(fast.at_s * 4)
    assert steady_requests(workload, 1.0, 100, seed(2)).at_s[0] != slow.at_s[0]


@settings(max_examples=30, deadline=None)
@given(st.floats(10, 20_000), st.floats(1, 3.8), st.integers(0, 1_000))
def test_lognormal_lengths_have_the_mean_and_p95_that_were_stated(
    mean: float, ratio: float, number: int
) -> None:
    tokens = LognormalTokens(
        prompt_mean=mean, prompt_p95=mean * ratio, answer_mean=mean, answer_p95=mean
    )
    drawn = tokens.draw(np.random.default_rng(number), 100_000)
    assert drawn.prompt_tokens.mean() == pytest.approx(mean, rel=0.08, abs=1)
    assert np.quantile(drawn.prompt_tokens, 0.95) == pytest.approx(mean * ratio, rel=0.05, abs=1)
    assert set(drawn.answer_tokens.tolist()) == {max(round(mean), 1)}


def test_a_cache_leaves_its_share_of_the_prompt_unread() -> None:
    tokens = LognormalTokens(
        prompt_mean=1_000, prompt_p95=1_000, cached_share=0.7, answer_mean=1, answer_p95=1
    )
    assert tokens.draw(np.random.default_rng(0), 1).prompt_tokens.tolist() == [300]
    assert tokens.mean().prompt_tokens == pytest.approx(300)


def test_a_p95_that_no_lognormal_has_is_refused() -> None:
    for p95 in (900, 4_000):
        with pytest.raises(ValueError, match="times its mean, not"):
            LognormalTokens(prompt_mean=1_000, prompt_p95=p95, answer_mean=1, answer_p95=1)


def test_observed_prompts_and_answers_stay_together() -> None:
    tokens = ObservedTokens(requests=((1_000, 400, 7), (500, 500, 90)))
    drawn = tokens.draw(np.random.default_rng(3), 1_000)
    pairs = set(zip(drawn.prompt_tokens.tolist(), drawn.answer_tokens.tolist(), strict=True))
    # 1,000 − 400 are read; of a prompt that is all in the cache, the last token.
    assert pairs == {(600, 7), (1, 90)}
    assert tokens.mean().prompt_tokens == pytest.approx(300.5)
    assert tokens.mean().answer_tokens == pytest.approx(48.5)


@pytest.mark.parametrize("request_", [(10, 11, 1), (10, 0, 0), (10, -1, 1)])
def test_a_request_that_cannot_be_is_refused(request_: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="leave out those without an answer"):
        ObservedTokens(requests=(request_,))


def test_a_workload_is_read_from_toml() -> None:
    text = """
        [arrivals]
        kind = "poisson"
        per_developer_hour = 12.5
        [tokens]
        kind = "observed"
        requests = [[1200, 800, 150]]
    """
    workload = Workload.model_validate(tomllib.loads(text))
    assert workload.busiest_per_s(288) == pytest.approx(1.0)
    assert workload.tokens.mean().prompt_tokens == 400


def test_requests_are_in_order() -> None:
    at_s = weekly_requests(office_hours(), 50, 8, 4, seed()).at_s.tolist()
    assert all(one <= other for one, other in pairwise(at_s))
