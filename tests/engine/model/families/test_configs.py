"""config.json files as models were released with them, and what is wrong with broken ones."""

from typing import Any

import pytest

from engine.model.config import Attention, Dense, ModelConfig, Yarn
from engine.model.errors import ModelFileError
from engine.model.families.known import FAMILIES

# The keys that decide sizes, from the files on the Hub; the figures beside them, in billions of
# parameters in all and active for a token, are those of the models' own cards and papers.
QWEN3_30B: dict[str, Any] = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "decoder_sparse_step": 1,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "max_position_embeddings": 40960,
    "max_window_layers": 48,
    "mlp_only_layers": [],
    "model_type": "qwen3_moe",
    "moe_intermediate_size": 768,
    "norm_topk_prob": True,
    "num_attention_heads": 32,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000.0,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": 151936,
}
MIXTRAL_8X7B: dict[str, Any] = {
    "architectures": ["MixtralForCausalLM"],
    "eos_token_id": 2,
    "hidden_act": "silu",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 32768,
    "model_type": "mixtral",
    "num_attention_heads": 32,
    "num_experts_per_tok": 2,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "num_local_experts": 8,
    "rms_norm_eps": 1e-05,
    "rope_theta": 1000000.0,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "vocab_size": 32000,
}
OLMOE_7B: dict[str, Any] = {
    "architectures": ["OlmoeForCausalLM"],
    "clip_qkv": None,
    "eos_token_id": 50279,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "intermediate_size": 1024,
    "max_position_embeddings": 4096,
    "model_type": "olmoe",
    "norm_topk_prob": False,
    "num_attention_heads": 16,
    "num_experts": 64,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 16,
    "num_key_value_heads": 16,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "vocab_size": 50304,
}
QWEN15_MOE: dict[str, Any] = {
    "architectures": ["Qwen2MoeForCausalLM"],
    "decoder_sparse_step": 1,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "max_position_embeddings": 32768,
    "max_window_layers": 21,
    "model_type": "qwen2_moe",
    "moe_intermediate_size": 1408,
    "norm_topk_prob": False,
    "num_attention_heads": 16,
    "num_experts": 60,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 24,
    "num_key_value_heads": 16,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "shared_expert_intermediate_size": 5632,
    "sliding_window": 32768,
    "tie_word_embeddings": False,
    "use_sliding_window": False,
    "vocab_size": 151936,
}


def read(raw: dict[str, Any], **changed: Any) -> ModelConfig:
    return FAMILIES[raw["architectures"][0]].config(raw | changed, "models/tiny")


@pytest.mark.parametrize(
    ("raw", "total", "active"),
    [(QWEN3_30B, 30.5, 3.3), (MIXTRAL_8X7B, 46.7, 12.9), (OLMOE_7B, 6.9, 1.3)],
    ids=["Qwen3-30B-A3B", "Mixtral-8x7B", "OLMoE-1B-7B"],
)
def test_sizes_are_those_that_the_models_makers_state(
    raw: dict[str, Any], total: float, active: float
) -> None:
    config = read(raw)
    assert config.parameters() / 1e9 == pytest.approx(total, abs=0.05)
    # Makers differ in whether the embedding's row counts.
    assert config.active_parameters() / 1e9 == pytest.approx(active, abs=0.35)


def test_qwen2_moe_is_as_large_as_its_makers_state() -> None:
    assert read(QWEN15_MOE).parameters() / 1e9 == pytest.approx(14.3, abs=0.05)


def test_a_window_that_is_not_in_use_is_none() -> None:
    assert {_attention(read(QWEN15_MOE), n).window for n in range(24)} == {None}


def test_layers_listed_as_dense_or_between_sparse_steps_have_no_experts() -> None:
    config = read(QWEN3_30B, num_hidden_layers=6, decoder_sparse_step=2, mlp_only_layers=[3])
    dense = [isinstance(block.feed_forward, Dense) for block in config.blocks]
    assert dense == [True, False, True, True, True, False]


def test_end_tokens_may_be_one_several_or_none() -> None:
    assert read(MIXTRAL_8X7B).eos_token_ids == (2,)
    assert read(MIXTRAL_8X7B, eos_token_id=[2, 7]).eos_token_ids == (2, 7)
    assert read(MIXTRAL_8X7B, eos_token_id=None).eos_token_ids == ()


def test_old_and_new_rotary_keys_mean_the_same() -> None:
    scaling = {"factor": 4.0, "original_max_position_embeddings": 32768}
    old = read(QWEN3_30B, rope_scaling={"type": "yarn", **scaling})
    new = {"rope_type": "yarn", "rope_theta": 1000000.0, **scaling}
    assert read(QWEN3_30B, rope_theta=None, rope_scaling=None, rope_parameters=new) == old
    assert isinstance(_attention(old, 0).rotary.scaling, Yarn)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hidden_size": None}, "hidden_size is missing."),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0; it must be at least 1."),
        ({"hidden_size": "wide"}, "hidden_size is 'wide', not a whole number."),
        ({"num_experts_per_tok": 200}, "num_experts_per_tok is 200, but there are 128 experts."),
        ({"num_key_value_heads": 5}, "num_key_value_heads is 5; it must divide 32 heads."),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'; this engine computes 'silu'."),
        ({"norm_topk_prob": "yes"}, "norm_topk_prob is 'yes', neither true nor false."),
        ({"eos_token_id": "</s>"}, "eos_token_id is '</s>', not a list of whole numbers."),
        ({"rms_norm_eps": -1}, "rms_norm_eps is -1, not a number above 0."),
        (
            {"rope_scaling": {"rope_type": "longrope"}},
            "rope_scaling.rope_type is 'longrope'; this engine computes linear, llama3 and yarn.",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_key_is_named_with_its_file(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelFileError) as error:
        read(QWEN3_30B, **changed)
    assert str(error.value) == f"models/tiny/config.json: {message}"


def _attention(config: ModelConfig, layer: int) -> Attention:
    attention = config.blocks[layer].attention
    assert isinstance(attention, Attention)
    return attention
