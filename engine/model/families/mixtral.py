"""Mixtral (arXiv 2401.04088): softmax over all experts, the top ones' weights made to sum to 1."""

from typing import Any

from engine.model.config import Block, ModelConfig, Router
from engine.model.families.keys import ConfigKeys
from engine.model.families.naming import (
    ENDS,
    EXPERT_LAYOUTS,
    GROUPED_ATTENTION,
    ROUTER,
    Family,
    PerExpert,
    Source,
)
from engine.model.families.parts import decoder, experts, grouped_attention

_MOE = "model.layers.{layer}.block_sparse_moe."


def _config(raw: dict[str, Any], model: str) -> ModelConfig:
    keys = ConfigKeys(raw, model)
    window = keys.optional_integer("sliding_window")
    block = Block(
        grouped_attention(keys, theta=1_000_000.0, window=window),
        experts(keys, "intermediate_size", Router("softmax", normalise=True), per_token=2),
    )
    return decoder(keys, (block,) * keys.integer("num_hidden_layers"), norm_eps=1e-5)


# The paper's names w1 (gate), w3 (up), w2 (down) on disk; transformers' own in memory.
_ROUTER: dict[str, tuple[Source, ...]] = {
    name: (_MOE + "gate.weight", newer) for name, newer in ROUTER.items()
}
_LAYOUT = PerExpert(
    gate=_MOE + "experts.{expert}.w1.weight",
    up=_MOE + "experts.{expert}.w3.weight",
    down=_MOE + "experts.{expert}.w2.weight",
)

MIXTRAL = Family(_config, {**ENDS, **GROUPED_ATTENTION, **_ROUTER}, (_LAYOUT, *EXPERT_LAYOUTS))
