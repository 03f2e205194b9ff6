"""What fits, worked out by hand and against what engines report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.costs.capacity.deployment import counts
from dashboard.costs.capacity.load import hardware, models
from dashboard.costs.capacity.memory import (
    SCHEDULED_AT_ONCE,
    fits,
    most_sequences,
    share_held,
    smallest,
    weight_bytes_on_each,
)
from tests.dashboard.costs.capacity.deployments import deployed, machine, shape, small


def test_the_cache_of_kimi_k2_is_one_latent_vector_a_token_and_layer() -> None:
    # 61 layers × (512 + 64) numbers × 2 bytes = 70,272 bytes. vLLM reports 46.80 GiB for 715,072
    # tokens of it: 70,275 bytes each.
    assert models()["kimi-k2"].kv_bytes(1) == 70_272
    assert models()["kimi-k2"].kv_bytes(715_072) == pytest.approx(46.80 * 2**30, rel=0.001)


def test_the_cache_of_grouped_attention_holds_keys_and_values_of_its_heads() -> None:
    # 80 layers × 2 × 8 heads × 128 numbers × 2 bytes; half of it in 8 bits.
    llama = models()["llama-3.1-70b"]
    assert llama.kv_bytes(1000) == 1000 * 327_680
    assert llama.kv_bytes(1000, kv_bits=8) == 1000 * 163_840


def test_windowed_layers_keep_their_window_only() -> None:
    # gpt-oss-120b: 18 layers keep all, 18 keep 128; each 2 × 8 × 64 numbers × 2 bytes = 2,048.
    assert models()["gpt-oss-120b"].kv_bytes(10_000) == 2048 * (18 * 10_000 + 18 * 128)
    assert models()["gpt-oss-120b"].kv_bytes(100) == 2048 * 36 * 100


@pytest.mark.parametrize("card", ["h100-sxm", "h100-pcie"])
@pytest.mark.parametrize(("precision", "share"), [("fp8", 0.078), ("int4", 0.135)])
def test_one_h100_does_not_hold_kimi_k2(card: str, precision: str, share: float) -> None:
    # 80 of 1,026 GB, and 80 of 594 GB.
    model = models()["kimi-k2"]
    assert most_sequences(deployed("kimi-k2", precision, card), context=1) == 0
    held = share_held(hardware()[card], model, model.at(precision))
    assert held == pytest.approx(share, abs=0.001)


@pytest.mark.parametrize(
    ("precision", "on", "accelerators"),
    [
        ("fp8", "h200", 16),  # Moonshot's deployment guide: the smallest unit is 16 GPUs
        ("int4", "h200", 8),  # vLLM's recipe for Kimi-K2-Thinking: 8 × H200
        ("int4", "h100-sxm", 16),  # 8 × 80 = 640 GB leaves too little beside 594
    ],
)
def test_what_holds_kimi_k2_is_what_its_makers_say(
    precision: str, on: str, accelerators: int
) -> None:
    model = models()["kimi-k2"]
    found = smallest(hardware()[on], model, model.at(precision), context=32_768)
    assert found is not None
    assert found.accelerators == accelerators


def test_room_for_the_cache_on_8_h200_is_about_what_vllm_finds() -> None:
    # vLLM, tensor parallel: 715,072 tokens, the same ones on each GPU.
    held = most_sequences(deployed("kimi-k2", "int4", "h200", 8), context=10_000) * 10_000
    assert held == pytest.approx(715_072, rel=0.1)


def test_a_latent_cache_is_held_once_when_sequences_are_spread() -> None:
    # Cut: the same cache on all 8, beside 74 GB of weights. Spread: other caches on each, beside
    # 71 + 23 GB of weights.
    cut = most_sequences(deployed("kimi-k2", "int4", "h200", 8), 10_000)
    spread = most_sequences(deployed("kimi-k2", "int4", "h200", 8, layout="expert"), 10_000)
    assert spread > 3 * cut


def test_the_small_model_fits_as_worked_out_by_hand() -> None:
    # Weights 780 bytes: 240 routed, 540 other. Room 1,000 less a tenth, less 780 = 120 bytes. A
    # token's cache is 2 × 5 numbers × 2 bytes = 20, so 3 sequences of 2 tokens fit, and not 4.
    thousand = machine(memory_bytes=1000)
    assert most_sequences(small(hardware=thousand), context=2) == 3
    assert fits(small(hardware=thousand), context=2, sequences=3)
    assert not fits(small(hardware=thousand), context=2, sequences=4)
    # On two, cut: 900 − 390 = 510 on each, and the one head's cache is on both: 12.
    assert most_sequences(small(2, hardware=thousand), context=2) == 12
    # On two, spread: 900 − 120 − 540 = 240 on each: 6 on each, 12 in all.
    assert most_sequences(small(2, hardware=thousand, layout="expert"), context=2) == 12


def test_experts_in_the_hosts_memory_leave_the_card_to_the_rest() -> None:
    host = {"memory_bytes": 300, "memory_bandwidth": 100, "flops": 1000}
    with_host = machine(memory_bytes=1000, host=host)
    assert weight_bytes_on_each(small(hardware=with_host)) == 540
    # 900 − 540 = 360 bytes of cache: 9 sequences of 2 tokens.
    assert most_sequences(small(hardware=with_host), context=2) == 9
    # Of 250 bytes a tenth is kept back: 225 do not hold 240.
    too_small = machine(memory_bytes=1000, host=host | {"memory_bytes": 250})
    assert most_sequences(small(hardware=too_small), context=2) == 0


def test_a_scheduler_takes_only_so_many() -> None:
    assert most_sequences(small(hardware=machine(memory_bytes=1e12)), 1) == SCHEDULED_AT_ONCE


def test_accelerators_join_in_powers_of_two_and_then_in_nodes() -> None:
    assert counts(hardware()["h200"])[:7] == [1, 2, 4, 8, 16, 24, 32]
    assert counts(hardware()["dgx-spark"]) == [1, 2]
    assert counts(hardware()["mac-studio-m3-ultra"]) == [1]


def test_no_number_of_small_cards_holds_a_model_that_is_too_large() -> None:
    model = models()["kimi-k2"]
    assert smallest(hardware()["rtx-4090"], model, model.at("int4"), context=1000) is None


@given(
    context=st.integers(1, 100_000),
    longer=st.integers(0, 100_000),
    model=st.sampled_from(["kimi-k2", "gpt-oss-120b", "qwen3-235b-a22b"]),
)
def test_a_longer_context_never_takes_less_memory(context: int, longer: int, model: str) -> None:
    known = models()[model]
    assert known.kv_bytes(context + longer) >= known.kv_bytes(context)
    eight = deployed(model, known.precision[-1].name, "b200", 8, layout="expert")
    assert most_sequences(eight, context + longer) <= most_sequences(eight, context)


@given(
    memory=st.integers(500, 5000),
    more=st.integers(0, 5000),
    context=st.integers(1, 20),
    layout=st.sampled_from(["tensor", "expert"]),
)
def test_more_memory_and_more_machines_never_hold_less(
    memory: int, more: int, context: int, layout: str
) -> None:
    two = small(2, hardware=machine(memory_bytes=memory), layout=layout)
    larger = small(2, hardware=machine(memory_bytes=memory + more), layout=layout)
    four = small(4, hardware=machine(memory_bytes=memory), layout=layout)
    assert most_sequences(larger, context) >= most_sequences(two, context)
    assert most_sequences(four, context) >= most_sequences(two, context)


@given(heads=st.integers(1, 8), experts=st.integers(1, 64))
def test_the_parts_of_a_model_add_up(heads: int, experts: int) -> None:
    model = shape(heads=heads, experts=experts)
    # 100 of the input table, 100 of the output, 60 an expert, 10 an expert in the router,
    # 2 × 10 × 5 a head and 100 for the one head of keys and values.
    assert model.total_parameters == 200 + 70 * experts + 100 * heads + 100
    assert model.active_parameters == model.total_parameters - 100 - 60 * (experts - 1)
