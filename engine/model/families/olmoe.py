"""OLMoE (arXiv 2409.02060): norms over the whole of q and of k, then a clamp, then rotary."""

from typing import Any

from engine.model.config import Block, ModelConfig, Router
from engine.model.families.keys import ConfigKeys
from engine.model.families.naming import ENDS, EXPERT_LAYOUTS, GROUPED_ATTENTION, ROUTER, Family
from engine.model.families.parts import decoder, experts, grouped_attention


def _config(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    bias = keys.flag("attention_bias", False)
    attention = grouped_attention(
        keys,
        qk_norm="projection",
        clip=keys.optional_number("clip_qkv"),
        qkv_bias=bias,
        output_bias=bias,
    )
    router = Router("softmax", normalise=keys.flag("norm_topk_prob", False))
    block = Block(attention, experts(keys, "intermediate_size", router, per_token=8))
    return decoder(keys, (block,) * keys.integer("num_hidden_layers"), norm_eps=1e-5)


OLMOE = Family(_config, ENDS | GROUPED_ATTENTION | ROUTER, EXPERT_LAYOUTS)
