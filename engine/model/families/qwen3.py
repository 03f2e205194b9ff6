"""Qwen3 and Qwen3-MoE (arXiv 2505.09388): norms over each head of q and k, heads of any size."""

from typing import Any

from engine.model.config import Attention, Block, Dense, ModelConfig, Router
from engine.model.families.keys import ConfigKeys
from engine.model.families.naming import (
    DENSE,
    ENDS,
    EXPERT_LAYOUTS,
    GROUPED_ATTENTION,
    ROUTER,
    Family,
)
from engine.model.families.parts import decoder, experts, grouped_attention, sparse_layers
from engine.model.families.qwen2 import windows


def _dense(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    width = Dense(keys.integer("intermediate_size"))
    late = [
        layer >= keys.integer("max_window_layers", default=28, least=0)
        for layer in range(keys.integer("num_hidden_layers"))
    ]
    blocks = (Block(_attention(keys, window, 128), width) for window in windows(keys, late))
    return decoder(keys, tuple(blocks))


def _sparse(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    sparse = sparse_layers(keys)
    dense = Dense(keys.integer("intermediate_size"))
    router = Router("softmax", normalise=keys.flag("norm_topk_prob", False))
    routed = experts(keys, "moe_intermediate_size", router, per_token=8)
    in_use = keys.flag("use_sliding_window", False)
    window = keys.integer("sliding_window", default=4096) if in_use else None
    attention = _attention(keys, window, None)
    return decoder(keys, tuple(Block(attention, routed if here else dense) for here in sparse))


def _attention(keys: ConfigKeys, window: int | None, head_dim: int | None) -> Attention:
    bias = keys.flag("attention_bias", False)
    return grouped_attention(
        keys, head_dim=head_dim, qk_norm="head", window=window, qkv_bias=bias, output_bias=bias
    )


_NAMES = ENDS | GROUPED_ATTENTION | DENSE

QWEN3 = Family(_dense, _NAMES)
QWEN3_MOE = Family(_sparse, _NAMES | ROUTER, EXPERT_LAYOUTS)
