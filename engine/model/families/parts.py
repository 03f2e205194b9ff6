"""What the families' config.json files have in common."""

from typing import Literal

from engine.model.config import Attention, Block, Experts, ModelConfig, Router
from engine.model.families.keys import ConfigKeys
from engine.model.families.rope import THETA, read_rotary


def grouped_attention(
    keys: ConfigKeys,
    *,
    theta: float = THETA,
    head_dim: int | None = None,
    scale: float | None = None,
    qk_norm: Literal["none", "head", "projection"] = "none",
    clip: float | None = None,
    window: int | None = None,
    qkv_bias: bool = False,
    output_bias: bool = False,
) -> Attention:
    """`theta` and `head_dim` are the family's, for files that lack them.

    Without either, heads share out the hidden size; without a `scale`, it is 1 / √head_dim.
    """
    hidden, heads = keys.integer("hidden_size"), keys.integer("num_attention_heads")
    kv_heads = keys.integer("num_key_value_heads", default=heads)
    if heads % kv_heads:
        raise keys.wrong("num_key_value_heads", f"is {kv_heads}; it must divide {heads} heads")
    head_dim = keys.integer("head_dim", default=head_dim or _even_share(keys, hidden, heads))
    return Attention(
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        scale=head_dim**-0.5 if scale is None else scale,
        rotary=read_rotary(keys, head_dim, theta),
        qk_norm=qk_norm,
        clip=clip,
        window=window,
        qkv_bias=qkv_bias,
        output_bias=output_bias,
    )


def experts(
    keys: ConfigKeys,
    neurons: str,
    router: Router,
    *,
    per_token: int | None = None,
    shared_neurons: int = 0,
    shared_gate: bool = False,
) -> Experts:
    """`neurons`: the key that holds a routed expert's; `per_token`: the family's own default."""
    # transformers 5 writes the second name where older files have the first.
    count = keys.integer("num_experts", "num_local_experts")
    chosen = keys.integer("num_experts_per_tok", default=per_token)
    if chosen > count:
        raise keys.wrong("num_experts_per_tok", f"is {chosen}, but there are {count} experts")
    return Experts(
        count=count,
        per_token=chosen,
        neurons=keys.integer(neurons),
        router=router,
        shared_neurons=shared_neurons,
        shared_gate=shared_gate,
    )


def sparse_layers(keys: ConfigKeys) -> list[bool]:
    """Which layers have experts in Qwen's MoE models: every n-th, but for those listed as dense."""
    layers, step = keys.integer("num_hidden_layers"), keys.integer("decoder_sparse_step", default=1)
    dense = keys.integers("mlp_only_layers")
    return [layer not in dense and (layer + 1) % step == 0 for layer in range(layers)]


def decoder(
    keys: ConfigKeys,
    blocks: tuple[Block, ...],
    *,
    norm_eps: float = 1e-6,
    embedding_multiplier: float = 1.0,
    residual_multiplier: float = 1.0,
    logits_divisor: float = 1.0,
) -> ModelConfig:
    """`norm_eps`: the family's, for files that lack it."""
    keys.only("hidden_act", "silu")
    return ModelConfig(
        name=keys.model,
        architecture=str(keys.get("model_type") or "unknown"),
        hidden=keys.integer("hidden_size"),
        vocab_size=keys.integer("vocab_size"),
        context_length=keys.integer("max_position_embeddings"),
        norm_eps=keys.number("rms_norm_eps", norm_eps),
        eos_token_ids=keys.integers("eos_token_id"),
        tied_head=keys.flag("tie_word_embeddings", False),
        blocks=blocks,
        embedding_multiplier=embedding_multiplier,
        residual_multiplier=residual_multiplier,
        logits_divisor=logits_divisor,
    )


def _even_share(keys: ConfigKeys, hidden: int, heads: int) -> int:
    if keys.get("head_dim") is None and hidden % heads:
        raise keys.wrong("num_attention_heads", f"is {heads}; it must divide hidden_size {hidden}")
    return hidden // heads
