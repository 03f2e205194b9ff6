"""Every joule is somebody's or idle, and each request gets what its work took."""

import math
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.energy.attribution import SAMPLE_EVERY_S, Attributor
from engine.energy.meter_set import detect
from engine.energy.meters import Accuracy
from engine.energy.window import EnergyWindow
from engine.energy.work import Effort, StepCosts, Work
from tests.engine.energy.machine import NOBODY, TOKEN, Machine

IDLE_W, BUSY_W = 50.0, 250.0


def idle_for_a_while(machine: Machine, attributor: Attributor) -> EnergyWindow:
    machine.run(1.0, IDLE_W)
    return attributor.close_window()


def share(window: EnergyWindow, request: int) -> float:
    value = window.shares[request]
    assert value is not None
    return value


_effort = st.builds(
    Effort,
    tokens=st.integers(0, 512),
    flops=st.floats(0, 1e12),
    weight_bytes=st.floats(0, 1e9),
    cache_bytes=st.floats(0, 1e8),
    steps=st.floats(0, 1),
)
_work = st.builds(Work, prefill=_effort, decode=_effort)
_events = st.lists(
    st.one_of(
        st.tuples(st.just("idle"), st.floats(0, 3), st.floats(0, 500), st.just(NOBODY)),
        st.tuples(
            st.just("step"),
            st.floats(0, 0.5),
            st.floats(0, 900),
            st.dictionaries(st.integers(1, 12), _work, max_size=8),
        ),
        st.tuples(st.just("close"), st.just(0.0), st.just(0.0), st.just(NOBODY)),
    ),
    max_size=60,
)


@given(
    events=_events,
    refresh_s=st.sampled_from([0.0, 0.001, 0.1]),
    kind=st.sampled_from(["processor", "accelerator"]),
)
@settings(max_examples=200, deadline=None)
def test_shares_and_idle_are_the_total_in_every_window_of_any_schedule(
    events: list[tuple[str, float, float, dict[int, Work]]], refresh_s: float, kind: str
) -> None:
    machine = Machine(
        kind="processor" if kind == "processor" else "accelerator",
        refresh_s=refresh_s,
        settle_s=5 * refresh_s,
    )
    attributor = machine.attributor()
    windows = []
    for event, seconds, watts, work in events:
        if event == "idle":
            machine.run(seconds, watts, others=0.5)
        elif event == "step":
            machine.step(attributor, seconds, watts, work)
        else:
            windows.append(attributor.close_window())
    # Short windows may run ahead of a coarse counter; a long one afterwards settles with it.
    machine.run(2.0, 1000.0)
    windows.append(attributor.close_window())

    for window in windows:
        assert window.total_j is not None
        assert window.idle_j is not None
        assert window.idle_j >= 0
        shares = [value for value in window.shares.values() if value is not None]
        assert len(shares) == len(window.shares)
        parts = [*shares, window.idle_j, window.overhead_j, window.loading_j, window.other_j]
        assert all(value >= 0 for value in parts)
        assert math.isclose(math.fsum(parts), window.total_j, rel_tol=1e-9, abs_tol=1e-9)
        for request, prompt_j in window.prefill.items():
            assert prompt_j <= share(window, request) * (1 + 1e-9)
    total = math.fsum(window.total_j or 0.0 for window in windows)
    counted = machine.read()["device"].joules
    assert math.isclose(total, counted, rel_tol=1e-9)
    assert counted == pytest.approx(machine.drawn_j, abs=1000.0 * refresh_s + 1e-6)


def test_a_request_gets_what_the_machine_drew_above_idling() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    machine.step(attributor, 0.4, BUSY_W, {1: TOKEN})
    machine.run(0.6, IDLE_W)
    window = attributor.close_window()
    # 0.4 s at 250 W and 0.6 s at 50 W: 130 J, of which a second's idling is 50 J.
    assert window.total_j == pytest.approx(130)
    assert share(window, 1) == pytest.approx(80)
    assert window.idle_j == pytest.approx(50)


def test_before_idling_was_seen_the_time_without_steps_stands_for_it() -> None:
    machine = Machine()
    attributor = machine.attributor()
    machine.step(attributor, 0.25, BUSY_W, {1: TOKEN})
    machine.run(0.25, BUSY_W)
    window = attributor.close_window()
    assert share(window, 1) == pytest.approx(BUSY_W * 0.25)


def test_idle_power_is_the_lowest_of_the_windows_without_steps() -> None:
    machine = Machine()
    attributor = machine.attributor()
    for watts in (80.0, IDLE_W, 60.0):
        machine.run(1.0, watts)
        attributor.close_window()
    machine.step(attributor, 1.0, BUSY_W, {1: TOKEN})
    assert share(attributor.close_window(), 1) == pytest.approx(BUSY_W - IDLE_W)


def test_two_identical_requests_at_once_get_equal_shares() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    for _ in range(50):
        machine.step(attributor, 0.02, BUSY_W, {1: TOKEN, 2: TOKEN})
    window = attributor.close_window()
    assert share(window, 1) == share(window, 2) == pytest.approx(100)


def test_ten_times_the_tokens_take_ten_times_the_energy() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    for number in range(100):
        work = {1: TOKEN, 2: TOKEN} if number < 10 else {1: TOKEN}
        # A step for two takes twice as long here, so that each token costs the same.
        machine.step(attributor, 0.02 * len(work), BUSY_W, work)
    window = attributor.close_window()
    assert share(window, 1) == pytest.approx(10 * share(window, 2))


def test_a_prompt_weighs_what_it_computes() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    prompt = Work(prefill=Effort(tokens=100, flops=100 * 2e8))
    answer = Work(decode=Effort(tokens=1, flops=2e8, weight_bytes=1.5e7, cache_bytes=1e7))
    machine.step(attributor, 1.0, BUSY_W, {1: prompt, 2: answer})
    window = attributor.close_window()
    # A byte weighs 8 operations: 2e10 against 2e8 + 8 * (1.5e7 + 1e7) = 4e8, that is 50 to 1.
    assert share(window, 1) == pytest.approx(50 * share(window, 2))


def test_shares_do_not_depend_on_the_order_in_the_batch() -> None:
    works = {
        number: Work(decode=Effort(1, flops=1e8 * number, weight_bytes=3e7 / number))
        for number in range(1, 9)
    }
    shuffled = list(works.items())
    random.Random(7).shuffle(shuffled)
    windows = []
    for batch in (works, dict(shuffled)):
        machine = Machine()
        attributor = machine.attributor()
        idle_for_a_while(machine, attributor)
        machine.step(attributor, 0.1, BUSY_W, batch)
        windows.append(attributor.close_window())
    assert windows[0].shares == windows[1].shares


def test_a_step_for_nobody_is_overhead() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    machine.step(attributor, 1.0, BUSY_W, NOBODY)
    window = attributor.close_window()
    assert window.shares == {}
    assert window.overhead_j == pytest.approx(BUSY_W - IDLE_W)
    assert window.idle_j == pytest.approx(IDLE_W)


def test_loading_the_model_has_a_place_of_its_own() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    started = machine.now
    machine.run(2.0, BUSY_W)
    attributor.step(started, machine.now, NOBODY, loading=True)
    window = attributor.close_window()
    assert window.loading_j == pytest.approx(2 * (BUSY_W - IDLE_W))
    assert window.overhead_j == 0


def test_a_processors_joules_go_to_whoever_kept_it_busy() -> None:
    machine = Machine(kind="processor")
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    started = machine.now
    machine.run(1.0, BUSY_W, own=0.5, others=1.5)
    machine.gateway_s += 0.25  # it is part of the others' 1.5 processors
    attributor.step(started, machine.now, {1: TOKEN}, processor_s=0.4)
    window = attributor.close_window()
    # 200 W above idling, over 2 s of processor time: 0.4 s in steps, 0.1 s of ours beside them and
    # 0.25 s of the gateway's, 1.25 s of other programs.
    assert share(window, 1) == pytest.approx(200 * 0.4 / 2)
    assert window.overhead_j == pytest.approx(200 * 0.35 / 2)
    assert window.other_j == pytest.approx(200 * 1.25 / 2)
    assert window.idle_j == pytest.approx(IDLE_W)


def test_other_programs_on_an_idle_processor_are_not_idling() -> None:
    machine = Machine(kind="processor")
    attributor = machine.attributor()
    for _ in range(5):
        idle_for_a_while(machine, attributor)
    machine.run(1.0, BUSY_W, others=2.0)
    window = attributor.close_window()
    assert window.other_j == pytest.approx(BUSY_W - IDLE_W)
    assert window.idle_j == pytest.approx(IDLE_W)


def test_the_prompts_part_of_a_share_is_told_apart() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    prompt = Work(prefill=Effort(tokens=8, flops=3e8))
    answer = Work(decode=Effort(tokens=1, flops=1e8))
    machine.step(attributor, 0.5, BUSY_W, {1: prompt})
    machine.step(attributor, 0.5, BUSY_W, {1: answer, 2: Work(prompt.prefill, answer.decode)})
    window = attributor.close_window()
    # Each step takes 100 J: the first is a prompt's, the second 1 part an answer's, and of the 4
    # parts of request 2 three are its prompt's.
    assert share(window, 1) == pytest.approx(100 + 20)
    assert window.prefill == {1: pytest.approx(100), 2: pytest.approx(60)}


def test_calibrated_costs_decide_how_a_step_divides() -> None:
    machine = Machine()
    attributor = machine.attributor()
    attributor.costs = StepCosts(prefill_flop=1, decode_flop=5, weight_byte=0, cache_byte=0)
    idle_for_a_while(machine, attributor)
    prompt, answer = Effort(tokens=1, flops=1e9), Effort(tokens=1, flops=1e9)
    machine.step(attributor, 1.0, BUSY_W, {1: Work(prefill=prompt), 2: Work(decode=answer)})
    window = attributor.close_window()
    assert share(window, 2) == pytest.approx(5 * share(window, 1))


def test_the_uncertainty_is_the_meters_part_of_what_they_read() -> None:
    machine = Machine(accuracy=Accuracy(0.05, "certificate"))
    other = Machine(source="second", kind="processor", accuracy=Accuracy(0.4, "guess"))
    attributor = machine.attributor(other)
    machine.run(1.0, 200)
    other.run(1.0, 100)
    window = attributor.close_window()
    assert window.total_j == pytest.approx(300)
    # The errors of one meter are alike in every reading, so they add up: 5% of 200 + 40% of 100.
    assert window.uncertainty_j == pytest.approx(10 + 40)


def test_a_meter_that_dies_leaves_the_others_lower_bound() -> None:
    machine = Machine()
    other = Machine(source="second")
    attributor = machine.attributor(other)
    idle_for_a_while(machine, attributor)
    other.fails = True
    machine.step(attributor, 1.0, BUSY_W, {1: TOKEN})
    window = attributor.close_window()
    assert window.basis == "partial"
    assert window.total_j == pytest.approx(BUSY_W)
    assert share(window, 1) == pytest.approx(BUSY_W - IDLE_W)
    assert window.source == "bench"
    told = {device.meter: device.energy_j for device in window.devices}
    assert told == {"bench": pytest.approx(BUSY_W), "second": None}


def test_a_meter_that_never_answered_is_not_taken_for_zero() -> None:
    machine, other = Machine(), Machine(source="second", fails=True)
    attributor = machine.attributor(other)
    window = idle_for_a_while(machine, attributor)
    assert window.basis == "partial"
    assert [device.energy_j for device in window.devices if device.meter == "second"] == [None]


def test_a_failed_meter_makes_its_window_unknown_and_not_zero() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    machine.step(attributor, 0.5, BUSY_W, {1: TOKEN})
    machine.fails = True
    window = attributor.close_window()
    assert (window.total_j, window.idle_j, window.shares) == (None, None, {1: None})
    assert window.basis == "unknown"
    assert window.source == "bench"


def test_after_a_gap_nobody_gets_the_joules_of_the_gap() -> None:
    machine = Machine()
    attributor = machine.attributor()
    idle_for_a_while(machine, attributor)
    machine.fails = True
    machine.run(1.0, BUSY_W)
    attributor.close_window()
    machine.fails = False
    machine.run(1.0, BUSY_W)
    assert attributor.close_window().total_j is None  # it began without a reading
    assert idle_for_a_while(machine, attributor).total_j == pytest.approx(IDLE_W)


def test_a_counter_that_lost_count_makes_the_window_unknown() -> None:
    machine = Machine()
    attributor = machine.attributor()
    machine.run(1.0, BUSY_W)
    machine.epoch += 1
    assert attributor.close_window().total_j is None
    assert idle_for_a_while(machine, attributor).total_j == pytest.approx(IDLE_W)


def test_a_window_in_which_the_machine_slept_is_unknown() -> None:
    machine = Machine()
    attributor = machine.attributor()
    machine.run(1.0, IDLE_W)
    machine.slept += 3600
    assert attributor.close_window().total_j is None
    assert idle_for_a_while(machine, attributor).total_j == pytest.approx(IDLE_W)


def test_windows_shorter_than_the_counter_is_refreshed_still_carry_its_joules() -> None:
    machine = Machine(refresh_s=0.1, settle_s=0.5)
    attributor = machine.attributor()
    for _ in range(3):
        idle_for_a_while(machine, attributor)
    windows = []
    for _ in range(200):
        machine.step(attributor, 0.02, BUSY_W, {1: TOKEN})
        windows.append(attributor.close_window())
    # A plain difference of counts would be 0 in four windows of five and 25 J in the fifth.
    settled = [window.total_j or 0.0 for window in windows[50:]]
    assert min(settled) > 0.5 * BUSY_W * 0.02
    assert max(settled) < 2 * BUSY_W * 0.02
    assert math.fsum(share(window, 1) for window in windows) == pytest.approx(800, rel=0.05)


def test_windows_touch_each_other_even_when_the_wall_clock_is_set_back() -> None:
    machine = Machine()
    attributor = machine.attributor()
    first = idle_for_a_while(machine, attributor)
    second = idle_for_a_while(machine, attributor)
    assert second.started_at_ms == first.ended_at_ms
    machine.wall_offset -= 7200
    third = idle_for_a_while(machine, attributor)
    assert third.ended_at_ms - third.started_at_ms == 1000
    assert third.duration_s == 1.0


def test_the_sampler_reads_ten_times_a_second_and_stops() -> None:
    machine = Machine()
    with machine.attributor():
        time.sleep(1.05)
    reads = machine.reads
    assert 6 <= reads <= 12
    time.sleep(0.25)
    assert machine.reads == reads


def test_sampling_costs_less_than_half_a_percent_of_a_processor() -> None:
    attributor = Attributor(detect())
    attributor.close_window()
    started = time.thread_time()
    for _ in range(500):
        attributor._devices.sample()
    each = (time.thread_time() - started) / 500
    assert each / SAMPLE_EVERY_S < 0.005


def test_the_meters_of_this_machine_tell_joules_for_work_done_here() -> None:
    with Attributor(detect()) as attributor:
        time.sleep(0.6)
        idle = attributor.close_window()
        started = time.monotonic()
        while time.monotonic() - started < 0.6:
            math.factorial(2000)
        attributor.step(started, time.monotonic(), {7: TOKEN})
        busy = attributor.close_window()
    assert idle.total_j is not None
    assert idle.total_j > 0
    assert share(busy, 7) > 0
    assert busy.basis in ("measured", "estimated")
