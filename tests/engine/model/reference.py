"""What the model's tests are measured against: transformers on the same weights, and a carving."""

import hashlib
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from engine.model.gguf_file import GgufFile, GgufTensor

NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
SHARED, ROUTED, EXPERT, RANK = 16, 32, 32, 8


def transformers_model(path: Path, dtype: torch.dtype = torch.float32) -> LlamaForCausalLM:
    """The default model in transformers, its weights dequantised by the `gguf` package."""
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 100_000.0},
        tie_word_embeddings=True,
        eos_token_id=2,
    )
    tensors = {
        t.name: gguf.dequantize(t.data, t.tensor_type) for t in gguf.GGUFReader(path).tensors
    }
    state = {
        "model.embed_tokens.weight": tensors["token_embd.weight"],
        "model.norm.weight": tensors["output_norm.weight"],
    }
    for layer in range(30):
        for ours, theirs in NAMES.items():
            value = tensors[f"blk.{layer}.{ours}.weight"]
            if ours == "attn_q":
                value = _half_split(value, 9)
            if ours == "attn_k":
                value = _half_split(value, 3)
            state[f"model.layers.{layer}.{theirs}.weight"] = value
    model = LlamaForCausalLM(config)
    converted = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
    missing, unexpected = model.load_state_dict(converted, strict=False)
    assert missing == ["lm_head.weight"]  # tied to the embedding
    assert not unexpected
    model.train(False)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    return model


def _half_split(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """llama.cpp's files keep rotary pairs side by side, transformers half a head apart."""
    rows, columns = weight.shape
    return (
        weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)
    )


def greedy(model: LlamaForCausalLM, token_ids: list[int], count: int) -> list[int]:
    """The `count` most likely next tokens, one after the other."""
    ids, new, cache = list(token_ids), list(token_ids), None
    with torch.inference_mode():
        for _ in range(count):
            out = model(torch.tensor([new]), past_key_values=cache, use_cache=True)
            new, cache = [int(out.logits[0, -1].argmax())], out.past_key_values
            ids += new
    return ids[len(token_ids) :]


def write_carving(path: Path, weights: Path, **changes: Tensor) -> Path:
    """A carved file with neurons in random experts: useless for chatting, right for testing.

    With K experts a token, layers take K + 1 and K - 1 in turns.
    """
    random = torch.Generator().manual_seed(1)
    per_layer = torch.arange(ROUTED + 1)[:, None].repeat(1, 30)
    per_layer[1:ROUTED, 0::2] += 1
    per_layer[1:ROUTED, 1::2] -= 1

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random)

    tensors = {
        "order": torch.stack([torch.randperm(1536, generator=random) for _ in range(30)]).short(),
        "experts_per_layer": per_layer.to(torch.uint8),
        "router_weight": normal(30, ROUTED, 576).bfloat16(),
        "router_bias": normal(30, ROUTED),
        "correction_a": (0.02 * normal(30, RANK, 576)).bfloat16(),
        "correction_b": (0.02 * normal(30, 576, RANK)).bfloat16(),
        "correction_bias": 0.01 * normal(30, 576),
    }
    facts = {
        "format": "breakeven-carved-1",
        "expert_neurons": str(EXPERT),
        "shared_experts": str(SHARED),
        "routed_experts": str(ROUTED),
        "experts_per_token": "24",
        "base_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
    }
    save_file({**tensors, **changes}, path, facts)
    return path


def write_gguf_tensor(path: Path, kind: str, rows: NDArray[Any]) -> GgufTensor:
    """A GGUF file of one tensor with these rows, quantised already, and what is read of it."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("x.weight", rows, raw_dtype=gguf.GGMLQuantizationType[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return GgufFile(path).tensors["x.weight"]
