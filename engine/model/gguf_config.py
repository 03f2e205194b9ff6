"""What a GGUF file's metadata says of its model. Knows nothing of torch.

llama.cpp names an architecture and computes it in one fixed way; what Hugging Face's config.json
states is then partly in the name (Qwen3's experts always sum to 1, OLMoE's never), partly in keys,
partly in which tensors there are. Sources: gguf-py's constants.py for the keys, llama.cpp's
convert_hf_to_gguf.py and src/models for what they mean.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from engine.model.config import (
    Attention,
    Block,
    Dense,
    Experts,
    FrequencyFactors,
    LatentAttention,
    LinearScaling,
    ModelConfig,
    Rotary,
    Router,
    Yarn,
)
from engine.model.errors import ModelFileError
from engine.model.families.keys import ConfigKeys
from engine.model.families.rope import THETA, mscale
from engine.model.gguf_file import GgufFile

_QUANTISATION = re.compile(r"([.-](I?Q\d\w*|F16|BF16|F32))?(-00001-of-\d{5})?$", re.IGNORECASE)
_NORMALISED = ("llama", "qwen3moe", "granitemoe")  # chosen experts' weights always sum to 1
_SCORES: dict[int, Literal["softmax", "sigmoid"]] = {1: "softmax", 2: "sigmoid"}


def gguf_config(file: GgufFile) -> ModelConfig:
    """Raises ModelFileError where a key is missing or the architecture is not known."""
    architecture = str(file.metadata.get("general.architecture"))
    if architecture not in _ATTENTION:
        raise ModelFileError(
            f"{file.path} holds a {architecture!r} model; "
            f"this engine runs {', '.join(repr(name) for name in _ATTENTION)} ones."
        )
    prefix = f"{architecture}."
    raw = {k.removeprefix(prefix): v for k, v in file.metadata.items() if k.startswith(prefix)}
    keys = ConfigKeys(raw, str(file.path), prefix, file="")
    attention = _ATTENTION[architecture](keys, file)
    layers = keys.integer("block_count") - keys.integer("nextn_predict_layers", default=0, least=0)
    try:
        vocabulary = len(file.metadata["tokenizer.ggml.tokens"])
        end = int(file.metadata["tokenizer.ggml.eos_token_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"{file.path} lacks the entry {error}.") from error
    return ModelConfig(
        name=_QUANTISATION.sub("", file.path.stem),
        architecture=architecture,
        hidden=keys.integer("embedding_length"),
        vocab_size=vocabulary,
        context_length=keys.integer("context_length"),
        norm_eps=keys.number("attention.layer_norm_rms_epsilon"),
        eos_token_ids=(end,),
        tied_head="output.weight" not in file.tensors,
        blocks=tuple(Block(attention, _feed_forward(keys, file, layer)) for layer in range(layers)),
        embedding_multiplier=keys.number("embedding_scale", 1.0),
        residual_multiplier=keys.number("residual_scale", 1.0),
        logits_divisor=keys.number("logit_scale", 1.0),
    )


# Attention


def _grouped(
    interleaved: bool, qk_norm: Literal["none", "head", "projection"] = "none"
) -> Callable[[ConfigKeys, GgufFile], Attention]:
    """Where rotary pairs lie side by side, the converter has put the rows of q and k in order."""

    def read(keys: ConfigKeys, file: GgufFile) -> Attention:
        heads, hidden = keys.integer("attention.head_count"), keys.integer("embedding_length")
        kv_heads = keys.integer("attention.head_count_kv", default=heads)
        head_dim = keys.integer(
            "attention.key_length", "rope.dimension_count", default=hidden // heads
        )
        if heads % kv_heads:
            raise keys.wrong("attention.head_count_kv", f"is {kv_heads}; it must divide {heads}")
        return Attention(
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            scale=keys.number("attention.scale", head_dim**-0.5),
            rotary=_rotary(keys, file, head_dim, interleaved),
            qk_norm=qk_norm,
            clip=keys.optional_number("attention.clamp_kqv"),
            qkv_bias="blk.0.attn_q.bias" in file.tensors,
            output_bias="blk.0.attn_output.bias" in file.tensors,
        )

    return read


def _latent(keys: ConfigKeys, file: GgufFile) -> LatentAttention:
    """Files that keep keys and values of all heads in one tensor name their sizes differently."""
    rope = keys.integer("rope.dimension_count")
    key = keys.integer("attention.key_length_mla", "attention.key_length")
    weight = keys.optional_number("rope.scaling.yarn_log_multiplier")  # 0.1 · mscale_all_dim
    rotary = _rotary(keys, file, rope, interleaved=True)
    temperature = 1.0
    if isinstance(rotary.scaling, Yarn):
        # Cosines and sines stay as they are; the scores take the whole correction.
        temperature = mscale(rotary.scaling.factor, 10 * (weight or 0)) ** 2
        rotary = Rotary(rope, rotary.theta, True, replace(rotary.scaling, attention_factor=1.0))
    return LatentAttention(
        heads=keys.integer("attention.head_count"),
        query_rank=keys.optional_integer("attention.q_lora_rank"),
        kv_rank=keys.integer("attention.kv_lora_rank"),
        nope_dim=key - rope,
        rope_dim=rope,
        value_dim=keys.integer("attention.value_length_mla", "attention.value_length"),
        scale=key**-0.5 * temperature,
        rotary=rotary,
    )


def _rotary(keys: ConfigKeys, file: GgufFile, dim: int, interleaved: bool) -> Rotary:
    theta = keys.number("rope.freq_base", THETA)
    if "rope_freqs.weight" in file.tensors:  # Llama 3.1's scaling, worked out by the converter
        factors = file.tensors["rope_freqs.weight"].dequantised().tolist()
        return Rotary(dim, theta, interleaved, FrequencyFactors(tuple(factors)))
    kind = keys.get("rope.scaling.type") or "none"
    match kind:
        case "none":
            return Rotary(dim, theta, interleaved)
        case "linear":
            scaling = LinearScaling(keys.number("rope.scaling.factor"))
            return Rotary(dim, theta, interleaved, scaling)
        case "yarn":
            factor = keys.number("rope.scaling.factor")
            yarn = Yarn(
                factor=factor,
                original_context=keys.integer("rope.scaling.original_context_length"),
                attention_factor=mscale(factor) * keys.number("rope.scaling.yarn_attn_factor", 1.0),
                beta_fast=keys.number("rope.scaling.yarn_beta_fast", 32.0),
                beta_slow=keys.number("rope.scaling.yarn_beta_slow", 1.0),
            )
            return Rotary(dim, theta, interleaved, yarn)
        case _:
            raise keys.wrong(
                "rope.scaling.type", f"is {kind!r}; this engine computes linear and yarn"
            )


_ATTENTION: dict[str, Callable[[ConfigKeys, GgufFile], Attention | LatentAttention]] = {
    "llama": _grouped(interleaved=True),
    "qwen2": _grouped(interleaved=False),
    "qwen2moe": _grouped(interleaved=False),
    "qwen3": _grouped(interleaved=False, qk_norm="head"),
    "qwen3moe": _grouped(interleaved=False, qk_norm="head"),
    "deepseek2": _latent,
    "granite": _grouped(interleaved=True),
    "granitemoe": _grouped(interleaved=True),
    "olmoe": _grouped(interleaved=False, qk_norm="projection"),
}


# Feed-forward


def _feed_forward(keys: ConfigKeys, file: GgufFile, layer: int) -> Dense | Experts:
    """A layer with a router has experts."""
    if f"blk.{layer}.ffn_gate_inp.weight" not in file.tensors:
        return Dense(keys.integer("feed_forward_length"))
    count, chosen = keys.integer("expert_count"), keys.integer("expert_used_count")
    if chosen > count:
        raise keys.wrong("expert_used_count", f"is {chosen}, but there are {count} experts")
    neurons = keys.integer("expert_feed_forward_length", "feed_forward_length")
    return Experts(
        count=count,
        per_token=chosen,
        neurons=neurons,
        router=_router(keys, file, layer),
        shared_neurons=_shared_neurons(keys, file, layer, neurons),
        shared_gate=f"blk.{layer}.ffn_gate_inp_shexp.weight" in file.tensors,
    )


def _shared_neurons(keys: ConfigKeys, file: GgufFile, layer: int, neurons: int) -> int:
    if f"blk.{layer}.ffn_gate_shexp.weight" not in file.tensors:
        return 0
    together = neurons * keys.integer("expert_shared_count", default=1)
    return keys.integer("expert_shared_feed_forward_length", default=together)


def _router(keys: ConfigKeys, file: GgufFile, layer: int) -> Router:
    gating = keys.integer("expert_gating_func", default=1)
    if gating not in _SCORES:
        raise keys.wrong("expert_gating_func", f"is {gating}; this engine computes 1 and 2")
    scores = _SCORES[gating]
    always = str(file.metadata["general.architecture"]) in _NORMALISED
    return Router(
        scores=scores,
        normalise=keys.flag("expert_weights_norm", always),
        scale=keys.number("expert_weights_scale", 1.0),
        groups=keys.integer("expert_group_count", default=1),
        groups_chosen=keys.integer("expert_group_used_count", default=1),
        group_score="top2" if scores == "sigmoid" else "max",
        selection_bias=f"blk.{layer}.exp_probs_b.bias" in file.tensors,
    )
