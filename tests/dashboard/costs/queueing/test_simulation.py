"""The simulation against the formulas, and its outcome over replications."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from dashboard.costs.queueing.arrivals import PoissonArrivals, WeeklyArrivals, Workload
from dashboard.costs.queueing.formulas import Queue, mg1, mm1, mmc
from dashboard.costs.queueing.intervals import Interval, interval
from dashboard.costs.queueing.simulation import Run, simulate
from dashboard.costs.queueing.tokens import LognormalTokens, ObservedTokens
from tests.dashboard.costs.queueing.servers import one_at_a_time, server, waits

CODING = LognormalTokens(
    prompt_mean=6_000, prompt_p95=20_000, cached_share=0.6, answer_mean=300, answer_p95=900
)


def assert_agrees(figure: Interval, exact: float | None, within: float) -> None:
    """The exact figure lies in the interval, and the interval is narrow enough to tell."""
    assert figure.low is not None
    assert figure.high is not None
    assert exact is not None
    assert figure.low <= exact <= figure.high
    assert figure.high - figure.low < 2 * within * exact


def assert_is(queue: Queue, runs: list[Run], within: float) -> None:
    in_system = interval([float(run.duration_s().mean()) for run in runs])
    assert_agrees(in_system, queue.mean_in_system_s, within)
    assert_agrees(interval([run.mean_queue for run in runs]), queue.mean_queue, 2 * within)
    assert_agrees(interval([run.mean_in_system for run in runs]), queue.mean_in_system, within)
    assert_agrees(interval([run.utilisation for run in runs]), queue.utilisation, within)


@pytest.mark.parametrize("read", [True, False], ids=["reading", "decoding"])
def test_one_at_a_time_with_exponential_services_is_m_m_1(read: bool) -> None:
    speed = one_at_a_time()
    runs = waits(speed, 0.7, "exponential", read=read, replications=20, number=4_000)
    assert_is(mm1(0.7, 1.0), runs, within=0.06)


def test_the_95th_percentile_of_m_m_1s_wait() -> None:
    runs = waits(one_at_a_time(), 0.7, "exponential", read=False, replications=20, number=4_000)
    # The prompt's one token takes a microsecond: the first token tells the wait.
    p95 = interval([float(np.quantile(run.ttft_s(), 0.95)) for run in runs])
    assert_agrees(p95, mm1(0.7, 1.0).wait_quantile_s(0.95), within=0.1)


@pytest.mark.parametrize("read", [True, False], ids=["reading", "decoding"])
def test_one_at_a_time_with_services_all_alike_is_m_d_1(read: bool) -> None:
    runs = waits(one_at_a_time(), 0.8, "alike", read=read, replications=20, number=4_000)
    assert_is(mg1(0.8, 1.0, 0.0), runs, within=0.06)


def test_three_replicas_at_one_queue_are_m_m_3() -> None:
    runs = waits(one_at_a_time(3), 2.4, "exponential", read=True, replications=20, number=5_000)
    assert_is(mmc(2.4, 1.0, 3), runs, within=0.08)


def test_littles_law_over_replications() -> None:
    runs = waits(one_at_a_time(2), 1.5, "exponential", read=True, replications=20, number=3_000)
    differences = interval(
        [run.mean_in_system - 1.5 * float(run.duration_s().mean()) for run in runs]
    )
    assert differences.low is not None
    assert differences.high is not None
    assert differences.low <= 0 <= differences.high


def workload() -> Workload:
    return Workload(arrivals=PoissonArrivals(per_developer_hour=20), tokens=CODING)


def test_the_same_seed_gives_the_same_outcome_and_another_one_another() -> None:
    first, again, other = (
        simulate(server(), workload(), 30, first_hour=9, hours=1, seed=seed, replications=3)
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first.ttft_s.p95.mean != other.ttft_s.p95.mean


def test_an_outcome_has_every_figure_with_its_interval() -> None:
    speed = server(prefill_tokens_per_s=20_000.0, most_at_once=64)
    found = simulate(speed, workload(), 100, first_hour=9, hours=1, replications=4)
    # 20 × 100 an hour, over 4 replications: 8,000 ± 5 × 89.
    assert abs(found.requests - 8_000) < 450
    assert found.ttft_s.p50.mean < found.ttft_s.p95.mean < found.ttft_s.p99.mean
    assert found.duration_s.p50.mean > found.ttft_s.p50.mean
    assert found.tokens_per_s_per_user is not None
    assert found.mean_batch is not None
    # Alone a sequence gets 1 / 0.021 tokens a second; with others and their prompts fewer.
    assert found.tokens_per_s_per_user.mean < 1 / 0.021
    assert 1 < found.mean_batch.mean < 64
    assert 0 < found.utilisation.mean < 1
    for figure in (found.ttft_s.p95, found.duration_s.p99, found.mean_queue, found.utilisation):
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.mean < figure.high


def test_a_load_beyond_the_server_shows_as_a_growing_backlog() -> None:
    light, heavy = (
        simulate(server(), workload(), developers, first_hour=9, hours=1, replications=3)
        for developers in (5, 200)
    )
    assert abs(light.backlog_growth.mean) < 5
    # 4,000 an hour arrive; reading 2,400 tokens each, the server reads 1,500 of them at the most.
    assert heavy.backlog_growth.mean > 2_500
    assert heavy.utilisation.mean == pytest.approx(1, abs=0.001)


@dataclass(frozen=True)
class Tabled:
    """A server known by a table of steps."""

    prefill_tokens_per_s: float
    step_s: Callable[[int], float]
    most_at_once: int
    replicas: int


def test_a_speed_is_any_object_with_the_four() -> None:
    steps_s = {batch: 0.02 + 0.001 * batch for batch in range(1, 9)}
    tabled = Tabled(1_000.0, steps_s.__getitem__, 8, 1)
    one, other = (
        simulate(speed, workload(), 5, first_hour=9, hours=1, replications=2)
        for speed in (tabled, server())
    )
    assert one == other


def test_the_warm_up_does_not_count() -> None:
    rates = [0.0] * 168
    rates[8], rates[10] = 50.0, 5.0
    quiet = Workload(arrivals=WeeklyArrivals(per_developer_hour=tuple(rates)), tokens=CODING)
    found = simulate(server(), quiet, 10, first_hour=10, hours=1, warm_up_hours=2, replications=4)
    assert abs(found.requests - 200) < 70  # 4 × 50, of 4 × 550 in all


def test_answers_of_one_token_have_no_speed() -> None:
    short = Workload(
        arrivals=PoissonArrivals(per_developer_hour=60),
        tokens=ObservedTokens(requests=((9, 0, 1),)),
    )
    found = simulate(server(), short, 1, first_hour=0, hours=2, replications=2)
    assert found.tokens_per_s_per_user is None
    assert found.mean_batch is None


def test_a_stretch_without_a_request_is_refused() -> None:
    nobody = Workload(arrivals=PoissonArrivals(per_developer_hour=0), tokens=CODING)
    with pytest.raises(ValueError, match="No request arrived"):
        simulate(server(), nobody, 10, first_hour=0, hours=1)
