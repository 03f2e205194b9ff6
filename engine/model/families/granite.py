"""Granite, GraniteMoE and its variant with a shared expert: Llama and Mixtral with multipliers.

The embedding and what each half of a block adds are multiplied, the attention's scale is given
outright, and the logits are divided. Experts' weights are the softmax over the chosen ones' scores.
"""

from typing import Any

from engine.model.config import Block, Dense, Experts, ModelConfig, Router
from engine.model.families.keys import ConfigKeys
from engine.model.families.naming import (
    DENSE,
    ENDS,
    GROUPED_ATTENTION,
    Family,
    Fused,
    Half,
    Source,
)
from engine.model.families.parts import decoder, experts, grouped_attention

_MOE = "model.layers.{layer}.block_sparse_moe."
_SHARED = "model.layers.{layer}.shared_mlp."


def _dense(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    keys.only("mlp_bias", False)
    return _granite(keys, Dense(keys.integer("intermediate_size")))


def _sparse(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    router = Router("top_softmax")
    return _granite(keys, experts(keys, "intermediate_size", router, per_token=2))


def _shared(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    shared = keys.integer("shared_intermediate_size", default=0, least=0)
    router = Router("top_softmax")
    routed = experts(keys, "intermediate_size", router, per_token=2, shared_neurons=shared)
    return _granite(keys, routed)


def _granite(keys: ConfigKeys, feed_forward: Dense | Experts) -> ModelConfig:
    bias = keys.flag("attention_bias", False)
    scale = keys.number("attention_multiplier", 1.0)
    attention = grouped_attention(keys, scale=scale, qkv_bias=bias, output_bias=bias)
    return decoder(
        keys,
        (Block(attention, feed_forward),) * keys.integer("num_hidden_layers"),
        embedding_multiplier=keys.number("embedding_multiplier", 1.0),
        residual_multiplier=keys.number("residual_multiplier", 1.0),
        logits_divisor=keys.number("logits_scaling", 1.0),
    )


_ROUTER: dict[str, tuple[Source, ...]] = {
    "layers.{layer}.router": (_MOE + "router.layer.weight", _MOE + "router.weight"),
}
_SHARED_NAMES: dict[str, Source] = {
    "layers.{layer}.shared.gate": Half(_SHARED + "input_linear.weight", second=False),
    "layers.{layer}.shared.up": Half(_SHARED + "input_linear.weight", second=True),
    "layers.{layer}.shared.down": _SHARED + "output_linear.weight",
}
_LAYOUTS = (
    Fused(gate_up=_MOE + "input_linear.weight", down=_MOE + "output_linear.weight"),
    Fused(gate_up=_MOE + "experts.gate_up_proj", down=_MOE + "experts.down_proj"),
)

GRANITE = Family(_dense, ENDS | GROUPED_ATTENTION | DENSE)
GRANITE_MOE = Family(_sparse, {**ENDS, **GROUPED_ATTENTION, **_ROUTER}, _LAYOUTS)
GRANITE_MOE_SHARED = Family(
    _shared, {**ENDS, **GROUPED_ATTENTION, **_ROUTER, **_SHARED_NAMES}, _LAYOUTS
)
