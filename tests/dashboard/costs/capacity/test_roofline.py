"""A step's seconds, against closed formulas and sums by hand on a small machine."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.capacity.load import factors
from dashboard.costs.capacity.roofline import decode_step_s, experts_touched, prefill_s
from tests.dashboard.costs.capacity.deployments import PERFECT, deployed, machine, shape, small


def test_one_token_touches_its_own_experts_and_many_touch_all() -> None:
    assert experts_touched(256, 8, 1) == pytest.approx(8)
    assert experts_touched(256, 8, 1e6) == pytest.approx(256)
    assert experts_touched(0, 0, 5) == 0  # a dense model


def test_experts_touched_agree_with_drawing_them() -> None:
    # 64 experts, 4 a token, 20 tokens, 3,000 times: the mean is within 0.2 by far.
    draw = random.Random(7)
    touched = [
        len({expert for _ in range(20) for expert in draw.sample(range(64), 4)})
        for _ in range(3000)
    ]
    assert experts_touched(64, 4, 20) == pytest.approx(sum(touched) / len(touched), abs=0.2)


@given(experts=st.integers(1, 400), tokens=st.integers(1, 500), data=st.data())
def test_experts_touched_stay_between_a_tokens_own_and_all(
    experts: int, tokens: int, data: st.DataObject
) -> None:
    active = data.draw(st.integers(1, experts))
    touched = experts_touched(experts, active, tokens)
    assert active - 1e-9 <= touched <= min(experts, active * tokens) + 1e-9
    assert experts_touched(experts, active, tokens + 1) >= touched


def test_a_step_of_one_token_reads_what_it_visits() -> None:
    # 440 weights always, one expert of 60, a cache of 7 tokens × 20 bytes: 640 bytes at 1,000/s.
    assert decode_step_s(small(), 1, 7, PERFECT) == pytest.approx(0.640)


def test_a_large_step_is_bound_by_arithmetic_but_for_its_caches() -> None:
    # 1,000 tokens: 2 × 440 and 2 × 60 FLOPs each, at 100,000/s; 20 bytes of cache each, at 1,000/s
    # (attention's 40 FLOPs each take less).
    seconds = (880_000 + 120_000) / 100_000 + 20_000 / 1000
    assert decode_step_s(small(), 1000, 1, PERFECT) == pytest.approx(seconds)


def test_reading_a_prompt_reads_the_weights_once() -> None:
    # 100 tokens touch all 4 experts: 0.44 s to read what is always visited, 0.88 s to multiply;
    # 0.24 s to read experts, 0.12 s to multiply; attention over 50 tokens, 2,000 FLOPs each.
    assert prefill_s(small(), 100, 50, PERFECT) == pytest.approx(0.88 + 0.24 + 2.0)


def test_cut_matrices_halve_the_reading_and_add_two_sums_a_layer() -> None:
    # Half of 500 bytes; the one head's cache in full on both: 140; 2 all-reduces of
    # 10 numbers × 2 bytes × 2 × (2 − 1) / 2 = 20 bytes each, at 100/s.
    assert decode_step_s(small(2), 1, 7, PERFECT) == pytest.approx(0.250 + 0.140 + 0.400)


def test_spread_experts_are_sent_to_while_others_compute() -> None:
    # On each: 440 bytes always, half of the 4 × (1 − 0.75²) = 1.75 touched experts, half of the
    # caches. Sending 1 token × 10 × 3 bytes to the other with probability 1/2 takes 0.15 s, hidden.
    work = (440 + 1.75 * 60 / 2 + 2 * 140 / 2) / 1000
    assert decode_step_s(small(2, layout="expert"), 2, 7, PERFECT) == pytest.approx(work)
    # With a link of 10 bytes/s the sending takes 1.5 s, and the work hides behind it.
    slow = small(2, hardware=machine(link_bandwidth=10), layout="expert")
    assert decode_step_s(slow, 2, 7, PERFECT) == pytest.approx(1.5)


def test_between_nodes_the_network_is_what_counts() -> None:
    # Four in two nodes: a token's one expert is in the other node with probability 1/2;
    # 1 token × 10 × 3 bytes × 1/2 at 10/s.
    assert decode_step_s(small(4, layout="expert"), 4, 1, PERFECT) == pytest.approx(1.5)


def test_experts_in_the_hosts_memory_run_at_its_speed() -> None:
    # 440 + 140 bytes on the card, then 60 bytes at 100/s in the host.
    host = {"memory_bytes": 1000, "memory_bandwidth": 100, "flops": 1e6}
    assert decode_step_s(small(hardware=machine(host=host)), 1, 7, PERFECT) == pytest.approx(1.18)
    # At 100 FLOP/s it is their 120 FLOPs that take the time.
    slow = small(hardware=machine(host=host | {"flops": 100}))
    assert decode_step_s(slow, 1, 7, PERFECT) == pytest.approx(0.58 + 1.2)


def test_each_layer_costs_its_overhead() -> None:
    slow = PERFECT.model_copy(update={"layer_overhead_s": 0.1})
    deep = small(model=shape(layers=3))
    extra = decode_step_s(deep, 1, 1, slow) - decode_step_s(deep, 1, 1, PERFECT)
    assert extra == pytest.approx(0.3)


@given(
    bandwidth=st.floats(1, 1e6),
    faster=st.floats(1, 100),
    batch=st.integers(1, 500),
    context=st.integers(1, 5000),
    accelerators=st.sampled_from([1, 2, 4]),
    layout=st.sampled_from(["tensor", "expert"]),
)
def test_better_hardware_is_never_slower(
    bandwidth: float, faster: float, batch: int, context: int, accelerators: int, layout: str
) -> None:
    base = machine(memory_bandwidth=bandwidth)
    links = {"link_bandwidth": 100 * faster, "network_bandwidth": 10 * faster}
    better = [
        machine(memory_bandwidth=bandwidth * faster),
        machine(memory_bandwidth=bandwidth, flops={"bf16": 100_000 * faster}),
        machine(memory_bandwidth=bandwidth, **links),
    ]
    steps = [
        decode_step_s(small(accelerators, hardware=each, layout=layout), batch, context, factors())
        for each in [base, *better]
    ]
    assert all(step <= steps[0] * (1 + 1e-12) for step in steps[1:])


@given(batch=st.integers(1, 1000), more=st.integers(0, 1000), context=st.integers(1, 100_000))
def test_a_fuller_step_takes_longer_but_less_for_each(batch: int, more: int, context: int) -> None:
    eight = deployed("kimi-k2", "int4", "h200", 8, layout="expert")
    one, other = (decode_step_s(eight, size, context, factors()) for size in (batch, batch + more))
    assert other >= one
    assert other / (batch + more) <= one / batch * (1 + 1e-12)


@given(context=st.integers(1, 100_000), longer=st.integers(0, 100_000))
def test_a_longer_context_is_never_faster(context: int, longer: int) -> None:
    two = deployed("gpt-oss-120b", "mxfp4", "h100-sxm", 2)
    shorter, step = (
        decode_step_s(two, 32, size, factors()) for size in (context, context + longer)
    )
    assert 0 < shorter <= step
