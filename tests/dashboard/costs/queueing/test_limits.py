"""The largest team that is answered in time, against M/M/1 where that has an answer."""

import math

import pytest

from dashboard.costs.queueing.arrivals import PoissonArrivals, WeeklyArrivals, Workload
from dashboard.costs.queueing.limits import curve, next_step, steady, team_limit
from dashboard.costs.queueing.speed import most_requests_per_s
from dashboard.costs.queueing.tokens import MeanRequest, ObservedTokens
from tests.dashboard.costs.queueing.servers import server

# Prompts of an exponential length of mean 1,000, as its quantiles, and no answer to decode: at
# 1,000 tokens a second a server of M/M/1 with μ = 1.
QUANTILES = 4_000
EXPONENTIAL = ObservedTokens(
    requests=tuple(
        (max(round(-1_000 * math.log(1 - (place + 0.5) / QUANTILES)), 1), 0, 1)
        for place in range(QUANTILES)
    )
)
CODING = ObservedTokens(
    requests=((2_000, 1_500, 200), (6_000, 3_000, 400), (12_000, 11_000, 90), (800, 0, 350))
)


def asked(per_developer_hour: float, tokens: ObservedTokens = CODING) -> Workload:
    arrivals = PoissonArrivals(per_developer_hour=per_developer_hour)
    return Workload(arrivals=arrivals, tokens=tokens)


def test_the_limit_of_a_server_of_m_m_1() -> None:
    # The time in the system is exponential with μ − λ: its p95 is 10 s at μ − λ = ln 20 / 10,
    # λ = 0.70043 a second. A developer asks once in 100 s: 70.04 developers; 100 saturate it.
    limit = team_limit(server(), asked(36, EXPONENTIAL), 10.0, seed=4, replications=8)
    assert limit.spread is not None
    assert limit.spread.low is not None
    assert limit.spread.high is not None
    assert limit.spread.low <= 70.04 <= limit.spread.high
    assert limit.spread.high - limit.spread.low < 10
    assert limit.saturated_at in (100, 101)
    assert limit.reason is None


def test_a_limit_shorter_than_reading_the_prompt_allows_nobody() -> None:
    limit = team_limit(server(), asked(36, EXPONENTIAL), 1.0, replications=2)
    assert limit.developers == 0
    assert limit.reason is not None
    assert "reading the prompt takes more" in limit.reason


def test_one_developer_may_be_more_than_a_server_can_take() -> None:
    limit = team_limit(server(), asked(4_000, EXPONENTIAL), 10.0, replications=2)
    assert (limit.developers, limit.saturated_at) == (0, 1)
    assert limit.reason is not None
    assert "more than it can serve" in limit.reason


def test_a_team_that_asks_nothing_has_no_limit() -> None:
    limit = team_limit(server(), asked(0), 2.0)
    assert limit.developers is None
    assert limit.reason == "nobody asks anything, so no team is too large"


def test_the_team_at_the_limit_keeps_it_and_a_larger_one_does_not() -> None:
    speed, workload = server(prefill_tokens_per_s=8_000.0, most_at_once=32), asked(20)
    limit = team_limit(speed, workload, 0.6, replications=2)
    assert limit.developers is not None
    within, beyond = curve(
        speed,
        workload,
        [int(limit.developers * 0.9), int(limit.developers * 1.1)],
        replications=3,
    )
    assert within.p95_ttft_s is not None
    assert within.p95_ttft_s.mean < 0.6
    assert beyond.unstable or (beyond.p95_ttft_s is not None and beyond.p95_ttft_s.mean > 0.6)


def test_a_looser_limit_and_more_replicas_allow_a_larger_team() -> None:
    def developers(limit_s: float, replicas: int) -> int:
        speed = server(prefill_tokens_per_s=8_000.0, most_at_once=16, replicas=replicas)
        found = team_limit(speed, asked(60), limit_s, replications=1).developers
        assert found is not None
        return found

    one = developers(0.5, 1)
    assert one < developers(0.8, 1)
    # Two at one queue serve more than twice the team of one, which a burst meets alone.
    assert developers(0.5, 2) > 2 * one


def test_the_curve_rises_with_the_team_until_the_server_cannot_keep_up() -> None:
    speed, workload = server(prefill_tokens_per_s=8_000.0, most_at_once=32), asked(20)
    points = curve(speed, workload, [20, 100, 200, 1_000], replications=2)
    p95 = [point.p95_ttft_s.mean for point in points if point.p95_ttft_s is not None]
    assert len(p95) == 3
    assert p95 == sorted(p95)
    assert [point.unstable for point in points] == [False, False, False, True]
    assert points[0].requests_per_s == pytest.approx(20 * 20 / 3600)
    # 0.1656 s of reading and 259 tokens at 52 ms for 32 are 1.71 requests a second at most.
    assert points[0].load == pytest.approx(400 / 3600 * (1325 / 8000 + 259 * 0.052 / 32))


def test_only_the_busiest_hour_counts() -> None:
    rates = [0.1] * 168
    rates[33] = 20.0
    weekly = Workload(arrivals=WeeklyArrivals(per_developer_hour=tuple(rates)), tokens=CODING)
    speed = server(most_at_once=32)
    assert steady(speed, weekly, 20, seed=0, replications=2) == steady(
        speed, asked(20), 20, seed=0, replications=2
    )


def test_the_next_step_is_the_smallest_that_holds() -> None:
    # A prompt of 3,000 is read in 3 s where 1,000 tokens are read a second, with any replicas.
    steps = [
        ("one", server(prefill_tokens_per_s=8_000.0, most_at_once=32)),
        ("slow ones", server(prefill_tokens_per_s=1_000.0, most_at_once=32, replicas=16)),
        ("eight", server(prefill_tokens_per_s=8_000.0, most_at_once=32, replicas=8)),
        ("sixteen", server(prefill_tokens_per_s=8_000.0, most_at_once=32, replicas=16)),
    ]
    tried = next_step(steps, asked(20), 800, 2.0, replications=2)
    assert [step.name for step in tried] == ["one", "slow ones", "eight"]
    assert [step.holds for step in tried] == [False, False, True]
    assert [step.point.unstable for step in tried] == [True, False, False]


def test_no_step_may_hold() -> None:
    steps = [(str(replicas), server(replicas=replicas)) for replicas in (1, 2)]
    tried = next_step(steps, asked(20), 10_000, 2.0)
    assert [step.holds for step in tried] == [False, False]


def test_the_rate_that_nothing_exceeds_by_hand() -> None:
    # A prompt of 500 at 1,000 a second: 0.5 s. 99 tokens more, at best 28 ms for 8: 0.3465 s.
    most = most_requests_per_s(server(replicas=3), MeanRequest(500, 100))
    assert most == pytest.approx(3 / 0.8465)


def test_a_limit_is_some_time() -> None:
    with pytest.raises(ValueError, match="some time"):
        team_limit(server(), asked(20), 0.0)
    with pytest.raises(ValueError, match="Without developers"):
        curve(server(), asked(20), [0])
