"""DeepSeek-V2 and V3, and what has V3's architecture: Kimi K2, Moonlight.

Latent attention, a few dense layers, then many small experts beside a shared one. Layers past
`num_hidden_layers` (V3's, for predicting several tokens at once) are left in the file.
"""

from typing import Any

from engine.model.config import (
    Block,
    Dense,
    Experts,
    LatentAttention,
    ModelConfig,
    Rotary,
    Router,
    Yarn,
)
from engine.model.families.keys import ConfigKeys
from engine.model.families.naming import DENSE, ENDS, EXPERT_LAYOUTS, ROUTER, Family, Source
from engine.model.families.rope import mscale, read_rotary, rope_section


def _version2(raw: dict[str, Any], name: str) -> ModelConfig:
    keys = ConfigKeys(raw, name)
    keys.only("mlp_bias", False)
    return _config(keys, _router2(keys), _attention(keys, interleaved=True), dense_default=0)


def _version3(raw: dict[str, Any], name: str) -> ModelConfig:
    keys = ConfigKeys(raw, name)
    attention = _attention(keys, interleaved=keys.flag("rope_interleave", True))
    return _config(keys, _router3(keys), attention, dense_default=3)


def _config(
    keys: ConfigKeys, router: Router, attention: LatentAttention, dense_default: int
) -> ModelConfig:
    keys.only("hidden_act", "silu")
    dense = Dense(keys.integer("intermediate_size"))
    experts = _experts(keys, router)
    first = keys.integer("first_k_dense_replace", default=dense_default, least=0)
    every = keys.integer("moe_layer_freq", default=1)
    return ModelConfig(
        name=keys.model,
        architecture=str(keys.get("model_type") or "deepseek"),
        hidden=keys.integer("hidden_size"),
        vocab_size=keys.integer("vocab_size"),
        context_length=keys.integer("max_position_embeddings"),
        norm_eps=keys.number("rms_norm_eps", 1e-6),
        eos_token_ids=keys.integers("eos_token_id"),
        tied_head=keys.flag("tie_word_embeddings", False),
        blocks=tuple(
            Block(attention, experts if layer >= first and layer % every == 0 else dense)
            for layer in range(keys.integer("num_hidden_layers"))
        ),
    )


def _attention(keys: ConfigKeys, interleaved: bool) -> LatentAttention:
    nope, rope = keys.integer("qk_nope_head_dim"), keys.integer("qk_rope_head_dim")
    rotary = read_rotary(keys, rope, interleaved=interleaved)
    return LatentAttention(
        heads=keys.integer("num_attention_heads"),
        query_rank=keys.optional_integer("q_lora_rank"),
        kv_rank=keys.integer("kv_lora_rank"),
        nope_dim=nope,
        rope_dim=rope,
        value_dim=keys.integer("v_head_dim"),
        scale=(nope + rope) ** -0.5 * _temperature(keys, rotary),
        rotary=rotary,
        bias=keys.flag("attention_bias", False),
    )


def _temperature(keys: ConfigKeys, rotary: Rotary) -> float:
    """What the scores of a stretched model are multiplied by, beside 1/√d."""
    weight = rope_section(keys).get("mscale_all_dim")
    if not weight or not isinstance(rotary.scaling, Yarn):
        return 1.0
    return mscale(rotary.scaling.factor, weight) ** 2


def _experts(keys: ConfigKeys, router: Router) -> Experts:
    neurons = keys.integer("moe_intermediate_size")
    return Experts(
        count=keys.integer("n_routed_experts"),
        per_token=keys.integer("num_experts_per_tok"),
        neurons=neurons,
        router=router,
        shared_neurons=neurons * keys.integer("n_shared_experts", default=0, least=0),
    )


def _router2(keys: ConfigKeys) -> Router:
    """V2's. With `norm_topk_prob` its authors' code and transformers disagree; no model has it."""
    keys.only("scoring_func", "softmax")
    keys.only("topk_method", "greedy", "group_limited_greedy")
    keys.only("norm_topk_prob", False)
    limited = keys.get("topk_method") == "group_limited_greedy"
    return Router(
        scores="softmax",
        scale=keys.number("routed_scaling_factor", 1.0),
        groups=keys.integer("n_group") if limited else 1,
        groups_chosen=keys.integer("topk_group") if limited else 1,
        group_score="max",
    )


def _router3(keys: ConfigKeys) -> Router:
    keys.only("scoring_func", "sigmoid")
    keys.only("topk_method", "noaux_tc")
    return Router(
        scores="sigmoid",
        normalise=keys.flag("norm_topk_prob", True),
        scale=keys.number("routed_scaling_factor", 1.0),
        groups=keys.integer("n_group", default=1),
        groups_chosen=keys.integer("topk_group", default=1),
        group_score="top2",
        selection_bias=True,
    )


_LATENT_ATTENTION: dict[str, Source] = {
    f"layers.{{layer}}.{ours}": f"model.layers.{{layer}}.self_attn.{theirs}"
    for ours, theirs in {
        "q": "q_proj.weight",
        "q_a": "q_a_proj.weight",
        "q_a_bias": "q_a_proj.bias",
        "q_a_norm": "q_a_layernorm.weight",
        "q_b": "q_b_proj.weight",
        "kv_a": "kv_a_proj_with_mqa.weight",
        "kv_a_bias": "kv_a_proj_with_mqa.bias",
        "kv_a_norm": "kv_a_layernorm.weight",
        "kv_b": "kv_b_proj.weight",
        "o": "o_proj.weight",
        "o_bias": "o_proj.bias",
    }.items()
}

_NAMES: dict[str, Source] = {
    **ENDS,
    **DENSE,
    **ROUTER,
    **_LATENT_ATTENTION,
    "layers.{layer}.selection_bias": "model.layers.{layer}.mlp.gate.e_score_correction_bias",
    "layers.{layer}.shared.gate": "model.layers.{layer}.mlp.shared_experts.gate_proj.weight",
    "layers.{layer}.shared.up": "model.layers.{layer}.mlp.shared_experts.up_proj.weight",
    "layers.{layer}.shared.down": "model.layers.{layer}.mlp.shared_experts.down_proj.weight",
}

DEEPSEEK_V2 = Family(_version2, _NAMES, EXPERT_LAYOUTS)
DEEPSEEK_V3 = Family(_version3, _NAMES, EXPERT_LAYOUTS)
