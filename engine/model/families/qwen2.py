"""Qwen2 and Qwen2-MoE (arXiv 2407.10671): biases on q, k and v; a shared expert with a gate."""

from typing import Any

from engine.model.config import Block, Dense, ModelConfig, Router
from engine.model.families.keys import ConfigKeys
from engine.model.families.naming import (
    DENSE,
    ENDS,
    EXPERT_LAYOUTS,
    GROUPED_ATTENTION,
    ROUTER,
    Family,
    Source,
)
from engine.model.families.parts import decoder, experts, grouped_attention, sparse_layers

_MLP = "model.layers.{layer}.mlp."


def _dense(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    width = Dense(keys.integer("intermediate_size"))
    late = [
        layer >= keys.integer("max_window_layers", default=28, least=0)
        for layer in range(keys.integer("num_hidden_layers"))
    ]
    return decoder(
        keys,
        tuple(
            Block(grouped_attention(keys, window=window, qkv_bias=True), width)
            for window in windows(keys, late)
        ),
    )


def _sparse(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    bias = keys.flag("qkv_bias", True)
    # As transformers reads files without layer_types: every second layer, from the first.
    early = [
        layer % 2 == 0 and layer < keys.integer("max_window_layers", default=28, least=0)
        for layer in range(keys.integer("num_hidden_layers"))
    ]
    dense = Dense(keys.integer("intermediate_size"))
    routed = experts(
        keys,
        "moe_intermediate_size",
        Router("softmax", normalise=keys.flag("norm_topk_prob", False)),
        per_token=4,
        shared_neurons=keys.integer("shared_expert_intermediate_size"),
        shared_gate=True,
    )
    return decoder(
        keys,
        tuple(
            Block(
                grouped_attention(keys, window=window, qkv_bias=bias), routed if sparse else dense
            )
            for window, sparse in zip(windows(keys, early), sparse_layers(keys), strict=True)
        ),
    )


def windows(keys: ConfigKeys, unless_told: list[bool]) -> list[int | None]:
    """Each layer's window: by `layer_types`, or where `unless_told` says so; none unless in use."""
    kinds = keys.layer_types(len(unless_told))
    if kinds is not None:
        unless_told = [kind == "sliding_attention" for kind in kinds]
    if not keys.flag("use_sliding_window", False):
        return [None] * len(unless_told)
    window = keys.integer("sliding_window", default=4096)
    return [window if here else None for here in unless_told]


_SHARED: dict[str, Source] = {
    "layers.{layer}.shared.gate": _MLP + "shared_expert.gate_proj.weight",
    "layers.{layer}.shared.up": _MLP + "shared_expert.up_proj.weight",
    "layers.{layer}.shared.down": _MLP + "shared_expert.down_proj.weight",
    "layers.{layer}.shared_gate": _MLP + "shared_expert_gate.weight",
}
_NAMES = ENDS | GROUPED_ATTENTION | DENSE

QWEN2 = Family(_dense, _NAMES)
QWEN2_MOE = Family(_sparse, _NAMES | ROUTER | _SHARED, EXPERT_LAYOUTS)
