"""Writes a variant as the GGUF file that llama.cpp's converter makes of it.

What the converter does to the weights: rows of q and k that belong to a rotary pair come side by
side where llama.cpp's rotary wants them so; experts' gates and ups are taken apart; of DeepSeek's
kv_b, keys and values are. Quantised rows stay whole in all of these but the transposed keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray

from engine.model.vocabulary import as_byte_level
from tests.engine.model.parity import checkpoint
from tests.engine.model.parity.variants import Variant

Packed = NDArray[Any]  # quantised rows, or numbers
PERMUTED = ("llama", "granitemoe", "granite")


@dataclass(frozen=True)
class GgufVariant:
    """`kind` of the matrices; vectors, routers and what llama.cpp never quantises are F32.

    `older`: DeepSeek's kv_b in one piece, and experts one by one, as files of 2024 have them.
    """

    architecture: str  # llama.cpp's name
    kind: str
    variant: Variant
    older: bool = False
    tensors_a_file: int = 0  # 0: all

    def __str__(self) -> str:
        return f"{self.architecture} {self.kind}: {self.variant.point}"


def write(one: GgufVariant, folder: Path) -> tuple[Path, Any]:
    """The file (the first, where there are several), and transformers' model in float32 whose
    weights are those that the file's blocks stand for."""
    model = checkpoint.build(one.variant)
    checkpoint.randomise(model)
    path = folder / "tiny.gguf"
    writer = gguf.GGUFWriter(path, one.architecture, split_max_tensors=one.tensors_a_file)
    _add_metadata(writer, one, model)
    for name, packed, kind in _tensors(one, model):
        writer.add_tensor(name, packed, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return min(folder.glob("*.gguf")), model


def _add_metadata(writer: gguf.GGUFWriter, one: GgufVariant, model: Any) -> None:
    config = model.config
    heads, hidden = config.num_attention_heads, config.hidden_size
    head_dim = getattr(config, "head_dim", None) or hidden // heads
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(hidden)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    _add_vocabulary(writer, config.vocab_size)
    if one.architecture == "deepseek2":
        _add_latent(writer, one, config)
    else:
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_rope_dimension_count(head_dim)
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    _add_scaling(writer, config)
    _add_experts(writer, one.architecture, config)
    if one.architecture.startswith("granite"):
        writer.add_attention_scale(config.attention_multiplier)
        writer.add_embedding_scale(config.embedding_multiplier)
        writer.add_residual_scale(config.residual_multiplier)
        writer.add_logit_scale(config.logits_scaling)
    if getattr(config, "clip_qkv", None):
        writer.add_clamp_kqv(config.clip_qkv)


def _add_vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    """The bytes; two that no text has make room for an end and a merged pair."""
    tokens = [as_byte_level(bytes([byte])) for byte in range(256)]
    tokens[1], tokens[2] = "<|im_end|>", "th"
    tokens += [f"unused {i}" for i in range(256, size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([1, 3] + [1] * 254 + [5] * (size - 256))
    writer.add_token_merges(["t h"])
    writer.add_eos_token_id(1)


def _add_latent(writer: gguf.GGUFWriter, one: GgufVariant, config: Any) -> None:
    key, value = config.qk_nope_head_dim + config.qk_rope_head_dim, config.v_head_dim
    writer.add_rope_dimension_count(config.qk_rope_head_dim)
    writer.add_kv_lora_rank(config.kv_lora_rank)
    if config.q_lora_rank is not None:
        writer.add_q_lora_rank(config.q_lora_rank)
    if one.older:
        writer.add_head_count_kv(config.num_attention_heads)
        writer.add_key_length(key)
        writer.add_value_length(value)
    else:  # as if there were one key head, of the latent and the rotary key
        writer.add_head_count_kv(1)
        writer.add_key_length(config.kv_lora_rank + config.qk_rope_head_dim)
        writer.add_value_length(config.kv_lora_rank)
        writer.add_key_length_mla(key)
        writer.add_value_length_mla(value)


def _add_scaling(writer: gguf.GGUFWriter, config: Any) -> None:
    rope = config.rope_parameters
    match rope["rope_type"]:
        case "linear":
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(rope["factor"])
        case "yarn":
            writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
            writer.add_rope_scaling_factor(rope["factor"])
            writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
            if "beta_fast" in rope:
                writer.add_rope_scaling_yarn_beta_fast(rope["beta_fast"])
            if "mscale_all_dim" in rope:
                writer.add_rope_scaling_yarn_log_mul(0.1 * rope["mscale_all_dim"])


def _add_experts(writer: gguf.GGUFWriter, architecture: str, config: Any) -> None:
    count = getattr(config, "n_routed_experts", None) or getattr(config, "num_experts", None)
    count = count or getattr(config, "num_local_experts", None)
    if not count:
        return
    writer.add_expert_count(count)
    writer.add_expert_used_count(config.num_experts_per_tok)
    if architecture in ("qwen2moe", "qwen3moe", "deepseek2"):
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    shared = getattr(config, "shared_expert_intermediate_size", None)
    shared = shared or getattr(config, "shared_intermediate_size", None)
    if shared:
        writer.add_expert_shared_feed_forward_length(shared)
    if architecture == "deepseek2":
        sigmoid = config.model_type == "deepseek_v3"
        kinds = gguf.ExpertGatingFuncType
        writer.add_expert_gating_func(kinds.SIGMOID if sigmoid else kinds.SOFTMAX)
        writer.add_leading_dense_block_count(config.first_k_dense_replace)
        writer.add_expert_shared_count(config.n_shared_experts)
        writer.add_expert_weights_scale(config.routed_scaling_factor)
        writer.add_expert_weights_norm(bool(config.norm_topk_prob))
        writer.add_expert_group_count(config.n_group)
        writer.add_expert_group_used_count(config.topk_group)


def _tensors(one: GgufVariant, model: Any) -> Iterator[tuple[str, Packed, Kind]]:
    config = model.config
    architecture = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}[one.architecture]
    names = gguf.get_tensor_name_map(architecture, config.num_hidden_layers)
    if config.rope_parameters["rope_type"] == "llama3":
        yield "rope_freqs.weight", _frequency_factors(model), Kind.F32
    random = np.random.default_rng(5)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        kind = _kind(one, name, tensor)
        packed = _pack(tensor, kind, random)
        for stored, part in _converted(one, name, packed, config, names):
            yield stored, np.ascontiguousarray(part), kind


def _kind(one: GgufVariant, name: str, tensor: torch.Tensor) -> Kind:
    whole = tensor.dim() > 1 and tensor.shape[-1] % gguf.GGML_QUANT_SIZES[Kind[one.kind]][0] == 0
    plain = "gate.weight" in name or "router" in name or ("kv_b" in name and not one.older)
    return Kind[one.kind] if whole and not plain else Kind.F32


def _pack(tensor: torch.Tensor, kind: Kind, random: np.random.Generator) -> Packed:
    """The tensor's rows in `kind`; the tensor gets the numbers that they stand for."""
    values = tensor.numpy()
    if kind.name.endswith("_K"):
        packed = _random_blocks(values, kind, random)
    else:
        packed = gguf.quantize(values, kind)
    numbers = gguf.dequantize(packed, kind)
    tensor.copy_(torch.from_numpy(np.array(numbers, np.float32).reshape(values.shape)))
    return packed


def _random_blocks(values: Packed, kind: Kind, random: np.random.Generator) -> Packed:
    """The package reads these kinds, but does not write them: random blocks of about the size of
    `values`. Their last (Q6_K) or first (Q4_K) halves are the scales of a whole superblock."""
    size, width = gguf.GGML_QUANT_SIZES[kind]
    shape = (*values.shape[:-1], values.shape[-1] // size, width)
    blocks = random.integers(0, 256, shape, dtype=np.uint8)
    at = {Kind.Q6_K: [208], Kind.Q4_K: [0, 2]}[kind]

    def with_scale(scale: float) -> Packed:
        for index, start in enumerate(at):
            # Offsets of Q4_K are subtracted: 7 times the scale centres its 16 steps.
            number = np.float16(scale * (7 if index else 1))
            blocks[..., start : start + 2] = np.frombuffer(number.tobytes(), np.uint8)
        return np.asarray(gguf.dequantize(blocks.reshape(*values.shape[:-1], -1), kind))

    with_scale(float(values.std() / with_scale(0.001).std() * 0.001))
    return blocks.reshape(*values.shape[:-1], -1)


def _converted(
    one: GgufVariant, name: str, packed: Packed, config: Any, names: gguf.TensorNameMap
) -> Iterator[tuple[str, Packed]]:
    block = f"blk.{name.split('.')[2]}" if ".layers." in name else ""
    if name.endswith(("experts.gate_up_proj", "experts.down_proj")):
        parts = {"down": packed}
        if "gate_up" in name:
            gate, up = np.split(packed, 2, axis=1)
            parts = {"gate": gate, "up": up}
        for part, experts in parts.items():
            if not one.older:
                yield f"{block}.ffn_{part}_exps.weight", experts
                continue
            for index, matrix in enumerate(experts):
                yield f"{block}.ffn_{part}.{index}.weight", matrix
    elif name.endswith("shared_mlp.input_linear.weight"):
        gate, up = np.split(packed, 2)
        yield f"{block}.ffn_gate_shexp.weight", gate
        yield f"{block}.ffn_up_shexp.weight", up
    elif name.endswith("kv_b_proj.weight") and not one.older:
        per_head = packed.reshape(config.num_attention_heads, -1, config.kv_lora_rank)
        key, value = np.split(per_head, [config.qk_nope_head_dim], axis=1)
        yield f"{block}.attn_k_b.weight", key.swapaxes(1, 2)
        yield f"{block}.attn_v_b.weight", value
    elif name.endswith("e_score_correction_bias"):
        yield f"{block}.exp_probs_b.bias", packed
    else:
        stem, _, suffix = name.rpartition(".")
        if stem.endswith("block_sparse_moe.router"):
            stem += ".layer"
        stored = {"shared_mlp.output_linear": f"{block}.ffn_down_shexp"}.get(
            ".".join(stem.split(".")[-2:])
        )
        stored = stored or names.get_name(stem)
        assert stored, name
        yield f"{stored}.{suffix}", _in_pairs(one, stem, packed, config)


def _in_pairs(one: GgufVariant, stem: str, packed: Packed, config: Any) -> Packed:
    """Rows i and i + half of a head side by side."""
    if one.architecture not in PERMUTED or not stem.endswith(("q_proj", "k_proj")):
        return packed
    heads = config.num_attention_heads if stem.endswith("q_proj") else config.num_key_value_heads
    halves = packed.reshape(heads, 2, packed.shape[0] // heads // 2, *packed.shape[1:])
    return halves.swapaxes(1, 2).reshape(packed.shape)


def _frequency_factors(model: Any) -> NDArray[np.float32]:
    """By how much llama3's scaling slows each frequency down."""
    dim, theta = model.config.head_dim, model.config.rope_parameters["rope_theta"]
    usual = 1.0 / theta ** (np.arange(0, dim, 2) / dim)
    return np.asarray(usual / model.model.rotary_emb.inv_freq.numpy(), np.float32)
