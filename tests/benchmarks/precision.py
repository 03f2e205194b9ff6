"""What holding weights in fewer bits costs in perplexity: `python -m tests.benchmarks.precision`.

The only trained model at hand, the default one, has 4 bits already, on whose steps int4 would
lose nothing. So its channels and neurons are shuffled first: the same function, but the 32 weights
that share a scale come from 32 of the file's blocks, as unevenly spaced as a trained model's.
Texts are the held-out ones of the carving; the model is dense.
"""

import argparse
import math
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from platformdirs import user_cache_path
from torch import Tensor

from engine.carve.batches import Sequence
from engine.carve.perplexity import held_out
from engine.model.load import load
from engine.model.model import Model
from engine.model.precision import PRECISIONS
from engine.model.tokenizer import Tokenizer
from engine.weights import ensure_default_weights
from tests.engine.model.reference import transformers_model


def write_shuffled(weights: Path, folder: Path) -> None:
    """The default model as a folder of safetensors, its channels and neurons in another order."""
    model = transformers_model(weights)
    config, random = model.config, torch.Generator().manual_seed(0)
    channels = torch.randperm(len(model.model.norm.weight), generator=random)

    def reorder(tensor: Tensor, order: Tensor, dim: int) -> None:
        tensor.data = tensor.data.index_select(dim, order).contiguous()

    reorder(model.model.embed_tokens.weight, channels, 1)
    reorder(model.model.norm.weight, channels, 0)
    for layer in model.model.layers:
        attention, mlp = layer.self_attn, layer.mlp
        neurons = torch.randperm(len(mlp.gate_proj.weight), generator=random)
        values = torch.randperm(attention.head_dim, generator=random)
        for norm in (layer.input_layernorm, layer.post_attention_layernorm):
            reorder(norm.weight, channels, 0)
        for inner in (attention.q_proj, attention.k_proj, attention.v_proj):
            reorder(inner.weight, channels, 1)
        for wide in (mlp.gate_proj, mlp.up_proj):
            reorder(wide.weight, channels, 1)
            reorder(wide.weight, neurons, 0)
        reorder(mlp.down_proj.weight, neurons, 1)
        reorder(mlp.down_proj.weight, channels, 0)
        reorder(attention.v_proj.weight, _by_head(values, config.num_key_value_heads or 0), 0)
        reorder(attention.o_proj.weight, _by_head(values, config.num_attention_heads), 1)
        reorder(attention.o_proj.weight, channels, 0)
    model.tie_weights()
    model.save_pretrained(folder)


def _by_head(order: Tensor, heads: int) -> Tensor:
    return (torch.arange(heads)[:, None] * len(order) + order).flatten()


def perplexity(model: Model, texts: Iterable[Sequence]) -> float:
    total, count = 0.0, 0
    for text in texts:
        logits = model.logits(text.ids[:-1])[text.answer_start - 1 :]
        expected = torch.tensor(text.ids[text.answer_start :])
        total += F.cross_entropy(logits, expected, reduction="sum").item()
        count += len(expected)
    return math.exp(total / count)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.precision")
    parser.add_argument("--texts", type=int, default=12, help="of each kind")
    texts = parser.parse_args().texts
    cache = user_cache_path("breakeven-tests", appauthor=False)
    weights = ensure_default_weights(cache / "weights")
    held = {kind: part[:texts] for kind, part in held_out(Tokenizer.open(weights)).items()}
    with tempfile.TemporaryDirectory() as name:
        write_shuffled(weights, Path(name))
        exact: dict[str, float] = {}
        for precision in PRECISIONS:
            model = load(Path(name), precision=precision, kernel_folder=cache / "kernels")
            for kind, part in held.items():
                found = perplexity(model, part)
                exact.setdefault(kind, found)
                size = f"{model.weight_bytes / 1e6:4.0f} MB"
                print(f"{precision:9} {size}  {kind:6} {found:8.4f}  {found / exact[kind]:.4f} ×")


if __name__ == "__main__":
    main()
