"""Writes a variant's checkpoint with transformers' save_pretrained, and gives the model it holds.

Weights are random, those too that transformers starts at zero or one (norms, biases, sinks,
correction biases, multipliers' partners): a term that is left out then shows.
"""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from tests.engine.model.parity.variants import TINY, Variant

FP8_BLOCK = 128


def write(variant: Variant, folder: Path) -> Any:
    """The model in float32, whose weights are in `folder` afterwards."""
    messages: Any = transformers.utils.logging
    messages.set_verbosity_error()
    messages.disable_progress_bar()
    model = build(variant)
    randomise(model)
    if variant.stored == "mxfp4":
        quantised = _mxfp4_experts(model)
    elif variant.stored == "fp8":
        quantised = _fp8_matrices(model)
    model.save_pretrained(folder, max_shard_size="60KB" if variant.sharded else "1GB")
    if variant.sharded:
        assert len(list(folder.glob("*.safetensors"))) > 2
    match variant.stored:
        case "memory":
            state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            if model.config.tie_word_embeddings:
                del state["lm_head.weight"]
            save_file(state, folder / "model.safetensors")
        case "mxfp4" | "fp8":
            path = folder / "model.safetensors"
            kept = {k: v for k, v in load_file(path).items() if not _replaced(k, quantised)}
            save_file(kept | quantised, path)
    _rewrite_config(variant, folder / "config.json")
    return model


def build(variant: Variant, dtype: torch.dtype = torch.float32) -> Any:
    """The architecture with weights as transformers initialises them."""
    kind = getattr(transformers, variant.architecture)
    config = kind.config_class(**(TINY | dict(variant.options)))
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    torch.manual_seed(0)
    return kind._from_config(config, dtype=dtype).eval()


def randomise(model: Any) -> None:
    """Random numbers of sane sizes for every weight."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in model.state_dict().items():
        noise = torch.randn(tensor.shape, generator=generator)
        if "norm" in name:
            tensor.copy_(1 + 0.3 * noise)
        elif tensor.dim() == 1 or "bias" in name:
            tensor.copy_(0.3 * noise)
        elif "embed" in name:
            tensor.copy_(noise)
        else:
            # gpt-oss keeps its experts as [in, out]; all else is [out, in].
            inputs = tensor.shape[1 if _input_major(name, model) else -1]
            tensor.copy_(1.5 * noise / inputs**0.5)


def _input_major(name: str, model: Any) -> bool:
    return model.config.model_type == "gpt_oss" and "experts" in name


def _replaced(name: str, quantised: dict[str, Tensor]) -> bool:
    return any(name + suffix in quantised for suffix in ("", "_blocks"))


def _mxfp4_experts(model: Any) -> dict[str, Tensor]:
    """Experts of random 4-bit floats; the model gets them as transformers unpacks them."""
    generator = torch.Generator().manual_seed(2)
    stored: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        if not name.endswith(("gate_up_proj", "down_proj")):
            continue
        count, inputs, outputs = tensor.shape
        rows = (count, outputs, inputs // 32)
        blocks = torch.randint(0, 256, (*rows, 16), generator=generator, dtype=torch.uint8)
        # Numbers up to 6 times 2^-5: about the size that the other matrices have.
        scales = torch.randint(121, 124, rows, generator=generator, dtype=torch.uint8)
        tensor.copy_(convert_moe_packed_tensors(blocks, scales, dtype=torch.float32))
        stored |= {name + "_blocks": blocks, name + "_scales": scales}
    return stored


def _fp8_matrices(model: Any) -> dict[str, Tensor]:
    """Every matrix of a block in 8-bit floats with a scale for each 128 × 128, as DeepSeek's are.

    transformers fuses the experts in memory; the file has them one by one.
    """
    stored: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        if "layers" not in name or tensor.dim() < 2 or name.endswith("mlp.gate.weight"):
            continue
        if tensor.dim() == 2:
            stored |= _fp8(name.removesuffix(".weight"), tensor)
            continue
        for expert, matrix in enumerate(tensor):
            prefix, part = name.rsplit(".", 1)
            if part == "gate_up_proj":
                gate, up = matrix.chunk(2)
                stored |= _fp8(f"{prefix}.{expert}.gate_proj", gate)
                stored |= _fp8(f"{prefix}.{expert}.up_proj", up)
            else:
                stored |= _fp8(f"{prefix}.{expert}.down_proj", matrix)
    return stored


def _fp8(name: str, matrix: Tensor) -> dict[str, Tensor]:
    """Quantises `matrix` in place; the last blocks of a row or column may be narrower."""
    rows, columns = (-(-size // FP8_BLOCK) for size in matrix.shape)
    scales = torch.empty(rows, columns)
    packed = torch.empty(matrix.shape, dtype=torch.float8_e4m3fn)
    for row in range(rows):
        for column in range(columns):
            here = (
                slice(row * FP8_BLOCK, (row + 1) * FP8_BLOCK),
                slice(column * FP8_BLOCK, (column + 1) * FP8_BLOCK),
            )
            scale = matrix[here].abs().max() / 448
            packed[here] = (matrix[here] / scale).to(torch.float8_e4m3fn)
            matrix[here] = packed[here].float() * scale
            scales[row, column] = scale
    return {f"{name}.weight": packed, f"{name}.weight_scale_inv": scales}


def _rewrite_config(variant: Variant, path: Path) -> None:
    raw = json.loads(path.read_text())
    if variant.stored == "mxfp4":
        raw["quantization_config"] = {"quant_method": "mxfp4"}
    elif variant.stored == "fp8":
        sizes = [FP8_BLOCK, FP8_BLOCK]
        raw["quantization_config"] = {"quant_method": "fp8", "weight_block_size": sizes}
    if variant.old_keys:
        _age(raw)
    path.write_text(json.dumps(raw))


def _age(raw: dict[str, Any]) -> None:
    """The keys as transformers 4 wrote them: fewer, and the rotary ones in two places."""
    rope = raw.pop("rope_parameters")
    raw["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    raw["rope_scaling"] = None if kind == "default" else {"type": kind, **rope}
    raw["torch_dtype"] = raw.pop("dtype")
    raw.pop("layer_types", None)
    if raw["model_type"] == "qwen3_moe":
        raw["num_experts"] = raw.pop("num_local_experts")
    heads = raw["num_attention_heads"]
    if raw.get("head_dim") == raw["hidden_size"] // heads:
        del raw["head_dim"]
    if raw["num_key_value_heads"] == heads:
        del raw["num_key_value_heads"]
