"""Folders of random Qwen3-MoE weights of any size, for measurements of speed and memory."""

import json
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

HIDDEN, NEURONS, HEADS, HEAD_DIM, VOCABULARY = 1024, 768, 8, 128, 1024


def write(folder: Path, layers: int, experts: int, per_token: int) -> None:
    """One file a layer, in bfloat16; every expert is of the same size."""
    folder.mkdir(parents=True, exist_ok=True)
    places: dict[str, str] = {}
    for name, tensors in _files(layers, experts):
        save_file(tensors, folder / name)
        places |= dict.fromkeys(tensors, name)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    (folder / "config.json").write_text(
        json.dumps(
            {
                "architectures": ["Qwen3MoeForCausalLM"],
                "model_type": "qwen3_moe",
                "hidden_size": HIDDEN,
                "num_hidden_layers": layers,
                "num_attention_heads": HEADS,
                "num_key_value_heads": HEADS,
                "head_dim": HEAD_DIM,
                "intermediate_size": NEURONS,
                "moe_intermediate_size": NEURONS,
                "num_experts": experts,
                "num_experts_per_tok": per_token,
                "norm_topk_prob": True,
                "vocab_size": VOCABULARY,
                "max_position_embeddings": 4096,
                "rms_norm_eps": 1e-6,
                "tie_word_embeddings": True,
            }
        )
    )


def _files(layers: int, experts: int) -> Iterator[tuple[str, dict[str, Tensor]]]:
    torch.manual_seed(0)
    ends = {"model.embed_tokens.weight": _matrix(VOCABULARY, HIDDEN), "model.norm.weight": _ones()}
    yield "ends.safetensors", ends
    for layer in range(layers):
        prefix, width = f"model.layers.{layer}.", HEADS * HEAD_DIM
        tensors = {
            f"{prefix}input_layernorm.weight": _ones(),
            f"{prefix}post_attention_layernorm.weight": _ones(),
            f"{prefix}self_attn.q_norm.weight": _ones(HEAD_DIM),
            f"{prefix}self_attn.k_norm.weight": _ones(HEAD_DIM),
            f"{prefix}self_attn.o_proj.weight": _matrix(HIDDEN, width),
            f"{prefix}mlp.gate.weight": _matrix(experts, HIDDEN),
        }
        for part in "qkv":
            tensors[f"{prefix}self_attn.{part}_proj.weight"] = _matrix(width, HIDDEN)
        for expert in range(experts):
            place = f"{prefix}mlp.experts.{expert}."
            tensors[f"{place}gate_proj.weight"] = _matrix(NEURONS, HIDDEN)
            tensors[f"{place}up_proj.weight"] = _matrix(NEURONS, HIDDEN)
            tensors[f"{place}down_proj.weight"] = _matrix(HIDDEN, NEURONS)
        yield f"layer-{layer}.safetensors", tensors


def _matrix(rows: int, columns: int) -> Tensor:
    matrix: Tensor = torch.randn(rows, columns) / columns**0.5
    return matrix.bfloat16()


def _ones(size: int = HIDDEN) -> Tensor:
    return torch.ones(size, dtype=torch.bfloat16)
