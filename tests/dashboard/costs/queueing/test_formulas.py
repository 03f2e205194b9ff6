"""The closed formulas, against textbook cases and sums written out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.queueing.formulas import Queue, erlang_c, mg1, mm1, mmc


def test_one_server_at_four_fifths_of_its_load() -> None:
    # ρ = 0.8, μ = 1: wait ρ / (μ − λ) = 0.8 / 0.2 = 4, in system 1 / (μ − λ) = 5; λ × both.
    queue = mm1(0.8, 1.0)
    assert queue.stable
    assert queue.utilisation == pytest.approx(0.8)
    assert queue.mean_wait_s == pytest.approx(4.0)
    assert queue.mean_in_system_s == pytest.approx(5.0)
    assert queue.mean_queue == pytest.approx(3.2)
    assert queue.mean_in_system == pytest.approx(4.0)


def test_the_95th_percentile_of_the_wait() -> None:
    # P(wait > t) = 0.8 exp(−0.2 t) = 0.05 at t = ln 16 / 0.2.
    assert mm1(0.8, 1.0).wait_quantile_s(0.95) == pytest.approx(math.log(16) / 0.2)


def test_who_need_not_wait_waits_nothing() -> None:
    # A fifth finds the server free: so does the first fifth of all waits.
    assert mm1(0.8, 1.0).wait_quantile_s(0.2) == 0.0
    assert mm1(0.0, 1.0).wait_quantile_s(0.99) == 0.0


def test_two_servers_by_hand() -> None:
    # One erlang on two servers: (1²/2!) 2/(2−1) = 1, over 1 + 1 + 1: a third waits.
    # mean wait = C / (2 μ − λ) = (1/3) / 1.
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    queue = mmc(1.0, 1.0, servers=2)
    assert queue.mean_wait_s == pytest.approx(1 / 3)
    assert queue.mean_in_system_s == pytest.approx(4 / 3)


@given(st.integers(1, 60), st.floats(0, 0.999))
def test_erlangs_recursion_equals_the_sum_that_defines_it(servers: int, load: float) -> None:
    offered = servers * load
    waiting = offered**servers / math.factorial(servers) * servers / (servers - offered)
    others = math.fsum(offered**k / math.factorial(k) for k in range(servers))
    assert erlang_c(servers, offered) == pytest.approx(waiting / (others + waiting))


def test_a_published_case_of_ten_servers() -> None:
    # An exercise's 120 customers an hour of 3 minutes each and ten assistants: 6 erlangs, of whom
    # "about 0.10" wait, which its solution reads off the curve of Erlang's C formula.
    assert erlang_c(10, 6.0) == pytest.approx(0.10, abs=0.005)


def test_many_servers_overflow_nothing() -> None:
    assert 0 < erlang_c(10_000, 9_900.0) < 1


def test_service_times_all_alike_halve_the_wait() -> None:
    # M/D/1: λ s² / 2 (1 − ρ) = 0.8 / 0.4 = 2.
    assert mg1(0.8, 1.0, 0.0).mean_wait_s == pytest.approx(2.0)


def test_service_times_twice_as_spread_as_exponential_ones() -> None:
    # λ = 0.5, mean 1, variance 4: λ (4 + 1) / 2 (1 − 0.5) = 2.5.
    assert mg1(0.5, 1.0, 4.0).mean_wait_s == pytest.approx(2.5)
    assert mg1(0.5, 1.0, 4.0).wait_quantile_s(0.95) is None


@given(st.floats(0, 0.99), st.floats(0.01, 100))
def test_exponential_services_are_a_case_of_any_distribution(load: float, rate: float) -> None:
    general, exponential = mg1(load * rate, 1 / rate, 1 / rate**2), mm1(load * rate, rate)
    assert general.mean_wait_s == pytest.approx(exponential.mean_wait_s)
    assert general.mean_in_system_s == pytest.approx(exponential.mean_in_system_s)


@pytest.mark.parametrize(
    "queue", [mm1(1.0, 1.0), mmc(6.0, 2.0, servers=3), mg1(2.0, 1.0, 0.0)], ids=["1", "c", "g"]
)
def test_as_much_load_as_can_be_served_is_unstable_and_said_so(queue: Queue) -> None:
    assert not queue.stable
    assert queue.utilisation >= 1
    assert queue.note is not None
    assert queue.note.startswith("Unstable")
    assert queue.mean_wait_s is None
    assert queue.wait_quantile_s(0.95) is None


@given(st.integers(1, 20), st.floats(0.01, 0.9), st.floats(1.01, 1.1))
def test_more_load_waits_longer_and_more_servers_less(
    servers: int, load: float, more: float
) -> None:
    def wait(arrivals: float, number: int) -> float:
        found = mmc(arrivals, 1.0, number).mean_wait_s
        assert found is not None
        return found

    light = servers * load
    assert wait(light, servers) <= wait(light * more, servers)
    assert wait(light, servers + 1) <= wait(light, servers)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="services a second above 0"):
        mm1(1.0, 0.0)
    with pytest.raises(ValueError, match="more than as many servers"):
        erlang_c(2, 2.0)
    with pytest.raises(ValueError, match="below 1"):
        mm1(0.5, 1.0).wait_quantile_s(1.0)
