"""Figures that models' cards publish, from their configurations."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.model.config import (
    Block,
    Dense,
    Experts,
    LatentAttention,
    ModelConfig,
    Rotary,
    Router,
)
from engine.model.errors import ModelFileError
from engine.model.precision import default_precision
from engine.model.sizes import Needs, available_memory, check_fits, hardware_for, needs

ROUTER = Router("sigmoid", normalise=True, scale=2.827, selection_bias=True)
ROTARY = Rotary(64, 50_000.0, interleaved=True)


def kimi_k2() -> ModelConfig:
    attention = LatentAttention(64, 1536, 512, 128, 64, 128, 0.1, ROTARY)
    experts = Experts(384, 8, 2048, ROUTER, shared_neurons=2048)
    first, others = Block(attention, Dense(18432)), Block(attention, experts)
    return ModelConfig(
        *("Kimi-K2-Instruct", "DeepseekV3ForCausalLM", 7168, 163_840, 131_072, 1e-6, (163_586,)),
        tied_head=False,
        blocks=(first, *[others] * 60),
    )


def moonlight() -> ModelConfig:
    attention = LatentAttention(16, None, 512, 128, 64, 128, 0.1, ROTARY)
    experts = Experts(64, 6, 1408, ROUTER, shared_neurons=2 * 1408)
    first, others = Block(attention, Dense(11264)), Block(attention, experts)
    return ModelConfig(
        *("Moonlight-16B-A3B", "DeepseekV3ForCausalLM", 2048, 163_840, 8192, 1e-6, (163_585,)),
        tied_head=False,
        blocks=(first, *[others] * 26),
    )


@pytest.fixture
def k2() -> Needs:
    return needs(kimi_k2())


def test_kimi_k2_has_a_trillion_parameters_and_32_billion_active(k2: Needs) -> None:
    assert k2.total_parameters == pytest.approx(1.03e12, rel=0.01)
    assert k2.active_parameters == pytest.approx(32e9, rel=0.02)


def test_moonlight_has_16_billion_parameters_and_3_active() -> None:
    figures = needs(moonlight())
    assert figures.total_parameters == pytest.approx(16e9, rel=0.01)
    # The card counts 2.24 B without embeddings; the head alone is 0.34 B.
    assert figures.active_parameters - 163_840 * 2048 == pytest.approx(2.24e9, rel=0.01)


def test_kimi_k2_caches_576_values_a_token_and_layer(k2: Needs) -> None:
    assert kimi_k2().cached_per_token == 61 * 576
    assert k2.cache_bytes_per_token == 61 * 576 * 2


def test_kimi_k2_takes_16_h200_in_8_bits_and_8_in_4(k2: Needs) -> None:
    """What its makers and users deploy it on."""

    def h200(precision: str) -> int:
        return next(n for n, card in hardware_for(k2, precision) if "H200" in card.name)

    routed = 60 * 384 * 3 * 7168 * 2048  # 60 layers, 384 experts, gate, up and down
    halves = 163_840 * 7168 + 60 * 384 * 7168  # the embedding and the routers stay in 16 bits
    others = k2.total_parameters - routed - halves
    # 32 weights share 4 bytes of scale and offset in 4 bits, 2 of scale in 8.
    expected = routed * (0.5 + 4 / 32) + others * (1 + 2 / 32) + halves * 2
    assert k2.weight_bytes["int4"] == pytest.approx(expected, rel=1e-4)
    assert (h200("int8"), h200("int4")) == (16, 8)


def test_what_cannot_fit_is_refused_with_figures_and_what_would_hold_it(k2: Needs) -> None:
    with pytest.raises(ModelFileError) as refused:
        check_fits(k2, "bfloat16", available=16 * 10**9)
    told = str(refused.value)
    assert "2,053 GB" in told
    assert "16.0 GB of memory are available" in told
    assert "648 GB): 8 × NVIDIA RTX PRO 6000" in told


def test_a_lower_precision_is_offered_where_it_would_fit() -> None:
    with pytest.raises(ModelFileError, match=r"would fit here in int4 \(11\.0 GB"):
        check_fits(needs(moonlight()), "bfloat16", available=12 * 10**9)


def test_what_fits_passes() -> None:
    check_fits(needs(moonlight()), "int4", available=12 * 10**9)
    assert available_memory() > 0


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({}, "int8"),
        ({"quantization_config": {"quant_method": "fp8"}}, "int8"),
        ({"quantization_config": {"quant_method": "mxfp4"}}, "int4"),
        ({"quantization_config": {"quant_method": "compressed-tensors"}}, "int4"),
    ],
)
def test_folders_are_held_in_4_bits_only_if_they_have_4(
    tmp_path: Path, stated: dict[str, Any], expected: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(stated))
    assert default_precision(tmp_path) == expected
    assert default_precision(tmp_path / "model.gguf") == "int4"
