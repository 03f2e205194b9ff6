"""gpt-oss: sinks, every second layer with a window, experts with biases and a clamped gate."""

from typing import Any

from engine.model.config import Attention, Block, Experts, ModelConfig, Router
from engine.model.families.keys import ConfigKeys
from engine.model.families.naming import ENDS, GROUPED_ATTENTION, Family, Fused, Mxfp4, Source
from engine.model.families.rope import read_rotary

_THETA = 150_000.0


def _config(raw: dict[str, Any], name: str) -> ModelConfig:
    keys = ConfigKeys(raw, name)
    experts = _experts(keys)
    layers = keys.integer("num_hidden_layers")
    kinds = keys.layer_types(layers) or _alternating(layers)
    full = _attention(keys, window=None)
    sliding = _attention(keys, window=keys.optional_integer("sliding_window"))
    return ModelConfig(
        name=keys.model,
        architecture="gpt_oss",
        hidden=keys.integer("hidden_size"),
        vocab_size=keys.integer("vocab_size"),
        context_length=keys.integer("max_position_embeddings"),
        norm_eps=keys.number("rms_norm_eps", 1e-5),
        eos_token_ids=keys.integers("eos_token_id"),
        tied_head=keys.flag("tie_word_embeddings", False),
        blocks=tuple(
            Block(sliding if kind == "sliding_attention" else full, experts) for kind in kinds
        ),
    )


def _alternating(layers: int) -> tuple[str, ...]:
    return tuple(("sliding_attention", "full_attention")[layer % 2] for layer in range(layers))


def _attention(keys: ConfigKeys, window: int | None) -> Attention:
    heads, head_dim = keys.integer("num_attention_heads"), keys.integer("head_dim", default=64)
    bias = keys.flag("attention_bias", True)
    return Attention(
        heads=heads,
        kv_heads=keys.integer("num_key_value_heads", default=heads),
        head_dim=head_dim,
        scale=head_dim**-0.5,
        rotary=read_rotary(keys, head_dim, _THETA),
        window=window,
        sinks=True,
        qkv_bias=bias,
        output_bias=bias,
    )


def _experts(keys: ConfigKeys) -> Experts:
    for key, value in (("swiglu_limit", 7.0), ("swiglu_alpha", 1.702)):
        if keys.number(key, value) != value:
            raise keys.wrong(key, f"is {keys.get(key)!r}; this engine computes {value}")
    return Experts(
        count=keys.integer("num_local_experts", "num_experts"),
        per_token=keys.integer("num_experts_per_tok", "experts_per_token"),
        neurons=keys.integer("intermediate_size"),
        router=Router(scores="top_softmax", bias=True),
        activation="clamped_swiglu",
        bias=True,
    )


_MLP = "model.layers.{layer}.mlp"

_NAMES: dict[str, Source] = {
    **ENDS,
    **GROUPED_ATTENTION,
    "layers.{layer}.sinks": "model.layers.{layer}.self_attn.sinks",
    "layers.{layer}.router": f"{_MLP}.router.weight",
    "layers.{layer}.router_bias": f"{_MLP}.router.bias",
}

# The released files hold the experts in 4 bits, [out, in]; transformers' own are [in, out].
_LAYOUTS = (
    Mxfp4(
        gate_up_blocks=f"{_MLP}.experts.gate_up_proj_blocks",
        gate_up_scales=f"{_MLP}.experts.gate_up_proj_scales",
        down_blocks=f"{_MLP}.experts.down_proj_blocks",
        down_scales=f"{_MLP}.experts.down_proj_scales",
        gate_up_bias=f"{_MLP}.experts.gate_up_proj_bias",
        down_bias=f"{_MLP}.experts.down_proj_bias",
        interleaved=True,
    ),
    Fused(
        gate_up=f"{_MLP}.experts.gate_up_proj",
        down=f"{_MLP}.experts.down_proj",
        gate_up_bias=f"{_MLP}.experts.gate_up_proj_bias",
        down_bias=f"{_MLP}.experts.down_proj_bias",
        transposed=True,
        interleaved=True,
    ),
)

GPT_OSS = Family(_config, _NAMES, _LAYOUTS)
