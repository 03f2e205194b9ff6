"""A Llama decoder in plain torch: the reference that the compiled kernel is tested against.

It serves float32 and bfloat16, and every machine without a C++ compiler.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.batch import BLOCK_TOKENS, Chunk, Forward
from engine.model.config import Attention, ModelConfig
from engine.model.experts import Experts
from engine.model.gguf_file import GgufFile
from engine.model.rotary import rotary_table, rotate
from engine.model.routing import Routing


@dataclass(frozen=True)
class Layer:
    """One block's weights, each [out, in]; the feed-forward ones belong to `Experts`."""

    attn_norm: Tensor
    q: Tensor
    k: Tensor
    v: Tensor
    o: Tensor
    ffn_norm: Tensor


class TorchLlama:
    """Runs chunks of sequences; keys and values live in a cache that `new_cache` makes."""

    def __init__(
        self, config: ModelConfig, weights: GgufFile, routing: Routing, dtype: torch.dtype
    ) -> None:
        def read(name: str) -> Tensor:
            return torch.from_numpy(weights.tensor(name).dequantised()).to(dtype)

        self.config = config
        self.experts = Experts(config, weights, routing, dtype)
        self.dtype = dtype
        self.embedding = read("token_embd")
        self.head = self.embedding if config.tied_head else read("output")
        self.final_norm = read("output_norm")
        self.layers = [
            Layer(
                attn_norm=read(f"blk.{i}.attn_norm"),
                q=read(f"blk.{i}.attn_q"),
                k=read(f"blk.{i}.attn_k"),
                v=read(f"blk.{i}.attn_v"),
                o=read(f"blk.{i}.attn_output"),
                ffn_norm=read(f"blk.{i}.ffn_norm"),
            )
            for i in range(config.layers)
        ]
        attention = config.blocks[0].attention
        assert isinstance(attention, Attention)
        self.attention = attention
        self.cos, self.sin = rotary_table(attention.rotary, config.context_length)

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights in memory."""
        own = [self.embedding, self.final_norm]
        own += [t for layer in self.layers for t in vars(layer).values()]
        if self.head is not self.embedding:
            own.append(self.head)
        return sum(t.nbytes for t in own) + self.experts.weight_bytes

    def new_cache(self, blocks: int) -> Tensor:
        """[layers, 2, positions, kv_heads, head_dim]; pages never written take no memory."""
        a = self.attention
        size = (self.config.layers, 2, blocks * BLOCK_TOKENS, a.kv_heads, a.head_dim)
        return torch.empty(size, dtype=self.dtype)

    @torch.inference_mode()
    def forward(self, chunks: Sequence[Chunk], cache: Tensor, every_token: bool = False) -> Forward:
        """Computes the chunks and writes their keys and values into the cache."""
        shape = self.config
        lengths = [len(chunk.token_ids) for chunk in chunks]
        ids = torch.tensor([i for chunk in chunks for i in chunk.token_ids])
        positions = torch.cat(
            [torch.arange(c.start, c.start + n) for c, n in zip(chunks, lengths, strict=True)]
        )
        slots = [_slots(chunk) for chunk in chunks]
        cos, sin = self.cos[positions].to(self.dtype), self.sin[positions].to(self.dtype)
        chosen = np.zeros((len(chunks), shape.layers, self.experts.routing.routed), np.int32)

        x = F.embedding(ids, self.embedding)
        for index, layer in enumerate(self.layers):
            normed = F.rms_norm(x, (shape.hidden,), layer.attn_norm, shape.norm_eps)
            x = x + self._attention(layer, normed, cos, sin, chunks, slots, cache[index])
            normed = F.rms_norm(x, (shape.hidden,), layer.ffn_norm, shape.norm_eps)
            out, picked = self.experts.feed_forward(index, normed)
            x = x + out
            if picked is not None:
                for row, part in enumerate(torch.split(picked, lengths)):
                    chosen[row, index] = part.sum(dim=0).numpy()
        if not every_token:
            x = x[torch.tensor(lengths).cumsum(0) - 1]
        x = F.rms_norm(x, (shape.hidden,), self.final_norm, shape.norm_eps)
        return Forward(F.linear(x, self.head).float(), chosen)

    def _attention(
        self,
        layer: Layer,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        chunks: Sequence[Chunk],
        slots: Sequence[Tensor],
        cache: Tensor,
    ) -> Tensor:
        """x [tokens, hidden]; cache [2, positions, kv_heads, head_dim]."""
        shape, pairs = self.attention, self.attention.rotary.interleaved
        q = rotate(F.linear(x, layer.q).view(-1, shape.heads, shape.head_dim), cos, sin, pairs)
        k = rotate(F.linear(x, layer.k).view(-1, shape.kv_heads, shape.head_dim), cos, sin, pairs)
        v = F.linear(x, layer.v).view(-1, shape.kv_heads, shape.head_dim)
        outputs = []
        row = 0
        for chunk, slot in zip(chunks, slots, strict=True):
            end = row + len(chunk.token_ids)
            cache[0].index_copy_(0, slot[chunk.start :], k[row:end])
            cache[1].index_copy_(0, slot[chunk.start :], v[row:end])
            outputs.append(
                _attend(q[row:end], cache[0].index_select(0, slot), cache[1].index_select(0, slot))
            )
            row = end
        return F.linear(torch.cat(outputs), layer.o)


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """q [n, heads, d] are the last n of k's positions [length, kv_heads, d] → [n, heads · d]."""
    n, length = q.shape[0], k.shape[0]
    q, k, v = (t.transpose(0, 1)[None] for t in (q, k, v))
    if n == 1:
        # One new token: the query heads that share a key head go in as that head's queries, which
        # is several times as fast as letting the kernel repeat the keys.
        grouped = q.reshape(1, k.shape[1], -1, q.shape[-1])
        return F.scaled_dot_product_attention(grouped, k, v).reshape(1, -1)
    visible = torch.ones(n, length, dtype=torch.bool).tril(length - n)
    out = F.scaled_dot_product_attention(q, k, v, attn_mask=visible, enable_gqa=True)
    return out[0].transpose(0, 1).flatten(1)


def _slots(chunk: Chunk) -> Tensor:
    """Cache positions of the sequence's tokens from 0 to the chunk's end."""
    blocks = torch.tensor(chunk.blocks)[:, None] * BLOCK_TOKENS + torch.arange(BLOCK_TOKENS)
    return blocks.flatten()[: chunk.start + len(chunk.token_ids)]
