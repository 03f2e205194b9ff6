"""The dense model as a differentiable forward pass in plain torch.

Knows nothing about experts: whoever wants another feed-forward passes a function in.
Written for training speed on a CPU, not for serving: there is no paged cache and no kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

FeedForward = Callable[[int, Tensor], Tensor]
"""(layer, normalised input [..., hidden]) -> feed-forward output of the same shape."""


@dataclass(frozen=True)
class Shape:
    layers: int
    hidden: int
    neurons: int
    heads: int
    kv_heads: int
    head_dim: int
    rope_theta: float
    norm_eps: float


@dataclass(frozen=True)
class Layer:
    """One block's weights, each [out, in]."""

    attn_norm: Tensor
    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    ffn_norm: Tensor
    gate: Tensor
    up: Tensor
    down: Tensor


@dataclass(frozen=True)
class Dense:
    shape: Shape
    embedding: Tensor  # [vocab, hidden], also the output head
    layers: list[Layer]
    final_norm: Tensor

    def feed_forward(self, layer: int, x: Tensor) -> Tensor:
        block = self.layers[layer]
        return F.linear(F.silu(F.linear(x, block.gate)) * F.linear(x, block.up), block.down)


def load_dense(path: Path, dtype: torch.dtype = torch.float32) -> Dense:
    """Reads the GGUF file and dequantises every tensor into `dtype`."""
    reader = gguf.GGUFReader(path)

    def number(key: str) -> float:
        field = reader.get_field(f"llama.{key}")
        if field is None:
            raise ValueError(f"{path.name} has no llama.{key}: is it a Llama model's GGUF file?")
        return float(field.contents())

    hidden, heads = int(number("embedding_length")), int(number("attention.head_count"))
    shape = Shape(
        layers=int(number("block_count")),
        hidden=hidden,
        neurons=int(number("feed_forward_length")),
        heads=heads,
        kv_heads=int(number("attention.head_count_kv")),
        head_dim=hidden // heads,
        rope_theta=number("rope.freq_base"),
        norm_eps=number("attention.layer_norm_rms_epsilon"),
    )
    tensors = {t.name: t for t in reader.tensors}

    def read(name: str) -> Tensor:
        tensor = tensors[f"{name}.weight"]
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        return torch.from_numpy(values).to(dtype)

    layers = [
        Layer(
            attn_norm=read(f"blk.{i}.attn_norm"),
            q=_half_split(read(f"blk.{i}.attn_q"), shape.heads),
            k=_half_split(read(f"blk.{i}.attn_k"), shape.kv_heads),
            v=read(f"blk.{i}.attn_v"),
            o=read(f"blk.{i}.attn_output"),
            ffn_norm=read(f"blk.{i}.ffn_norm"),
            gate=read(f"blk.{i}.ffn_gate"),
            up=read(f"blk.{i}.ffn_up"),
            down=read(f"blk.{i}.ffn_down"),
        )
        for i in range(shape.layers)
    ]
    return Dense(shape, read("token_embd"), layers, read("output_norm"))


def _half_split(weight: Tensor, heads: int) -> Tensor:
    """GGUF stores rotary pairs side by side; the forward below wants them half a head apart."""
    pairs = weight.reshape(heads, -1, 2, weight.shape[1])
    return pairs.transpose(1, 2).reshape(weight.shape).contiguous()


class Cache:
    """Keys and values of a batch of sequences of one length, for generation.

    Each layer: [batch, kv_heads, capacity, head_dim].
    """

    def __init__(self, shape: Shape, batch: int, capacity: int, dtype: torch.dtype) -> None:
        size = (shape.layers, 2, batch, shape.kv_heads, capacity, shape.head_dim)
        self.values = torch.zeros(size, dtype=dtype)
        self.length = 0

    def keep(self, rows: Tensor) -> None:
        """Drops all sequences but those numbered in `rows`."""
        self.values = self.values[:, :, rows]

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        end = self.length + k.shape[2]
        self.values[layer, 0, :, :, self.length : end] = k
        self.values[layer, 1, :, :, self.length : end] = v
        return self.values[layer, 0, :, :, :end], self.values[layer, 1, :, :, :end]


def hidden_states(
    model: Dense,
    token_ids: Tensor,
    feed_forward: FeedForward | None = None,
    cache: Cache | None = None,
    start: Tensor | None = None,
) -> Tensor:
    """Final normalised hidden states [batch, length, hidden] of token_ids [batch, length].

    `start` [batch]: the first real position of each left-padded row; what is before is not seen.
    """
    feed_forward = feed_forward or model.feed_forward
    shape = model.shape
    past = cache.length if cache else 0
    length = token_ids.shape[1]
    rotary = _rotary(shape, past, length, start, model.embedding.dtype)
    mask = None if start is None else _padding_mask(past, length, start)
    x = F.embedding(token_ids, model.embedding)
    for i, layer in enumerate(model.layers):
        normed = normalised(shape, x, layer.attn_norm)
        x = x + _attention(shape, layer, normed, rotary, mask, cache, i)
        x = x + feed_forward(i, normalised(shape, x, layer.ffn_norm))
    if cache:
        cache.length += length
    return normalised(shape, x, model.final_norm)


def normalised(shape: Shape, x: Tensor, gain: Tensor) -> Tensor:
    return F.rms_norm(x, (shape.hidden,), gain, shape.norm_eps)


def attention_block(shape: Shape, layer: Layer, x: Tensor) -> Tensor:
    """The residual stream [batch, length, hidden] after the attention half of a block."""
    rotary = _rotary(shape, 0, x.shape[1], None, x.dtype)
    normed = normalised(shape, x, layer.attn_norm)
    return x + _attention(shape, layer, normed, rotary, None, None, 0)


def _attention(
    shape: Shape,
    layer: Layer,
    x: Tensor,
    rotary: tuple[Tensor, Tensor],
    mask: Tensor | None,
    cache: Cache | None,
    index: int,
) -> Tensor:
    def heads(weight: Tensor, count: int) -> Tensor:
        return F.linear(x, weight).reshape(*x.shape[:2], count, shape.head_dim).transpose(1, 2)

    q = _rotate(heads(layer.q, shape.heads), rotary)
    k = _rotate(heads(layer.k, shape.kv_heads), rotary)
    v = heads(layer.v, shape.kv_heads)
    if cache:
        k, v = cache.append(index, k, v)
    if q.shape[2] == 1:
        # One new token: the query heads that share a key head go in as that head's queries,
        # which is four times as fast as letting the kernel repeat the keys.
        q = q.reshape(q.shape[0], shape.kv_heads, -1, shape.head_dim)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        out = out.reshape(q.shape[0], shape.heads, 1, shape.head_dim)
    else:
        out = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=True
        )
    return F.linear(out.transpose(1, 2).flatten(2), layer.o)


def _rotary(
    shape: Shape, past: int, length: int, start: Tensor | None, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Cosines and sines [batch or 1, 1, length, head_dim]."""
    half = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
    positions = torch.arange(past, past + length, dtype=torch.float32)[None]
    if start is not None:
        positions = positions - start[:, None]
    angles = positions[..., None] / shape.rope_theta**half
    angles = torch.cat((angles, angles), dim=-1)[:, None]
    return angles.cos().to(dtype), angles.sin().to(dtype)


def _rotate(x: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = rotary
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def _padding_mask(past: int, length: int, start: Tensor) -> Tensor:
    """True where position q may see position k: causal and not padding. [batch, 1, q, k]."""
    query = torch.arange(past, past + length)[:, None]
    key = torch.arange(past + length)[None]
    visible = (key <= query)[None] & (key[None] >= start[:, None, None])
    # A padding row that sees nothing would give NaN: let it see itself.
    return (visible | (key == query)[None])[:, None]
