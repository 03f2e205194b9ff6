"""Routed experts in 4 and 8 bits against their formula, and experts that stay on disk."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.model.kernels.packing import Arena, Blocks, pack, rounded, rounded_to_4
from engine.model.kernels.products import PackedExperts, Products
from engine.model.load import load
from tests.engine.model.parity import checkpoint
from tests.engine.model.parity.variants import VARIANTS

HIDDEN, NEURONS, EXPERTS = 64, 32, 6


@pytest.fixture(scope="module")
def products(kernel_folder: Path) -> Products:
    return Products(kernel_folder, threads=2)


def random_experts(bits: int) -> list[tuple[Blocks, Blocks, Blocks]]:
    random = np.random.default_rng(bits)
    shapes = ((NEURONS, HIDDEN), (NEURONS, HIDDEN), (HIDDEN, NEURONS))

    def blocks(shape: tuple[int, int]) -> Blocks:
        values = random.normal(size=shape).astype(np.float32)
        return rounded(values) if bits == 8 else rounded_to_4(values)

    return [(blocks(shapes[0]), blocks(shapes[1]), blocks(shapes[2])) for _ in range(EXPERTS)]


def formula(
    experts: list[tuple[Blocks, Blocks, Blocks]],
    x: NDArray[np.float64],
    chosen: NDArray[np.int64],
    gains: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Token by token, expert by expert."""
    y = np.zeros_like(x)
    for token, row in enumerate(x):
        for expert, gain in zip(chosen[token], gains[token], strict=True):
            gate, up, down = (part.dequantised().astype(np.float64) for part in experts[expert])
            a = gate @ row
            y[token] += gain * (down @ (a / (1 + np.exp(-a)) * (up @ row)))
    return y


@pytest.mark.parametrize("bits", [4, 8])
@settings(max_examples=30, deadline=None)
@given(tokens=st.integers(1, 40), per_token=st.integers(1, EXPERTS), seed=st.integers(0, 999))
def test_one_call_mixes_as_the_formula_says(
    products: Products, bits: int, tokens: int, per_token: int, seed: int
) -> None:
    experts = random_experts(bits)
    random = np.random.default_rng(seed)
    x = random.normal(size=(tokens, HIDDEN)).astype(np.float32)
    chosen = np.array([random.permutation(EXPERTS)[:per_token] for _ in range(tokens)])
    gains = random.uniform(size=chosen.shape).astype(np.float32)
    arena = Arena()
    packed = [[pack(part, arena) for part in expert] for expert in experts]

    y = products.mix(
        PackedExperts.of(*zip(*packed, strict=True)),
        torch.from_numpy(x),
        torch.from_numpy(chosen),
        torch.from_numpy(gains),
    )

    expected = formula(experts, x.astype(np.float64), chosen, gains.astype(np.float64))
    # Activations have 15 bits for each block of 32.
    assert np.allclose(y.numpy(), expected, atol=1e-3 * np.abs(expected).max())


def test_rounding_to_4_bits_errs_by_half_a_step_at_most() -> None:
    weights = np.random.default_rng(0).normal(size=(16, 64)).astype(np.float32)
    blocks = weights.reshape(16, 2, 32)
    step = (blocks.max(axis=-1, keepdims=True) - blocks.min(axis=-1, keepdims=True)) / 15
    error = np.abs(rounded_to_4(weights).dequantised().reshape(blocks.shape) - blocks)
    assert (error <= 0.5 * step + 4e-3 * np.abs(blocks).max()).all()  # scale and offset rounded too


def test_weights_on_16_even_steps_stay_on_them() -> None:
    random = np.random.default_rng(1)
    steps = random.integers(2, 15, (64, 4, 32))  # the extremes 0 and 15 do not occur
    size = random.uniform(0.01, 0.1, (64, 4, 1))
    weights = ((steps - 8) * size).astype(np.float32)
    found = rounded_to_4(weights.reshape(64, 128)).dequantised().reshape(weights.shape)
    assert (np.abs(found - weights) <= 0.02 * size).all()  # of a step: they are rounded to 16 bits


def test_a_block_of_equal_weights_stays_what_it_is() -> None:
    weights = np.full((16, 32), 0.5, np.float32)
    assert np.array_equal(rounded_to_4(weights).dequantised(), weights)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Qwen3-MoE."""
    variant = next(v for v in VARIANTS if str(v).startswith("Qwen3-MoE"))
    path = tmp_path_factory.mktemp("checkpoint")
    checkpoint.write(variant, path)
    return path


IDS = list(range(5, 60))


@pytest.mark.parametrize(("precision", "bound"), [("int8", 0.01), ("int4", 0.2)])
def test_fewer_bits_move_the_logits_little_and_take_less_memory(
    folder: Path, kernel_folder: Path, precision: str, bound: float
) -> None:
    exact = load(folder, None, "float32")
    rounded_model = load(folder, None, precision, None, 2, kernel_folder)  # type: ignore[arg-type]
    wanted = exact.logits(IDS)
    error = (rounded_model.logits(IDS) - wanted).square().mean().sqrt()
    assert float(error / (wanted.max() - wanted.min())) < bound
    assert rounded_model.precision == precision
    assert rounded_model.weight_bytes < exact.weight_bytes / 2


def test_experts_that_stay_on_disk_give_the_same_logits(folder: Path) -> None:
    held = load(folder, None, "bfloat16")
    offloaded = load(folder, None, "bfloat16", offload=True)
    assert torch.equal(offloaded.logits(IDS), held.logits(IDS))
    routed = held.config.parameters() - held.config.active_parameters()
    assert offloaded.weight_bytes < held.weight_bytes - 2 * routed + 1
