"""Grouped-query attention (arXiv 2305.13245) of one layer, with the families' variations."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.batch import BLOCK_TOKENS
from engine.model.config import Attention
from engine.model.holder import Holder
from engine.model.rotary import rotate
from engine.model.step import Span, Step
from engine.model.weights import LayerWeights


class GroupedAttention:
    """Query, key and value projections are one product; keys and values are cached."""

    def __init__(
        self,
        attention: Attention,
        norm_eps: float,
        weights: LayerWeights,
        holder: Holder,
    ) -> None:
        read = weights.tensor

        def vector(part: str, there: bool) -> Tensor | None:
            return holder.vector(read(part)) if there else None

        a = attention
        self.attention, self.norm_eps, self._empty = a, norm_eps, holder.empty
        bias = torch.cat([read(f"{part}_bias") for part in "qkv"]) if a.qkv_bias else None
        self.qkv = holder.matrix(torch.cat([read(part) for part in "qkv"]), bias)
        self.output = holder.matrix(read("o"), read("o_bias") if a.output_bias else None)
        self.q_norm = vector("q_norm", a.qk_norm != "none")
        self.k_norm = vector("k_norm", a.qk_norm != "none")
        self.sinks = vector("sinks", a.sinks)

    @property
    def nbytes(self) -> int:
        vectors = [t.nbytes for t in (self.q_norm, self.k_norm, self.sinks) if t is not None]
        return self.qkv.nbytes + self.output.nbytes + sum(vectors)

    def new_cache(self, blocks: int) -> Tensor:
        """[2, positions, kv_heads, head_dim]; pages never written take no memory."""
        a = self.attention
        return self._empty(2, blocks * BLOCK_TOKENS, a.kv_heads, a.head_dim)

    def __call__(self, x: Tensor, step: Step, cache: Tensor) -> Tensor:
        """x [tokens, hidden], normalised → the same shape; writes the new keys and values."""
        a = self.attention
        queries, keys = a.heads * a.head_dim, a.kv_heads * a.head_dim
        q, k, v = self.qkv(x).split((queries, keys, keys), dim=-1)
        q, k = self._normed(q, self.q_norm), self._normed(k, self.k_norm)
        if a.clip is not None:
            q, k, v = (t.clamp(-a.clip, a.clip) for t in (q, k, v))
        cos, sin = step.turns(a.rotary, x.dtype)
        q = rotate(q.unflatten(-1, (a.heads, a.head_dim)), cos, sin, a.rotary.interleaved)
        k = rotate(k.unflatten(-1, (a.kv_heads, a.head_dim)), cos, sin, a.rotary.interleaved)
        cache[0].index_copy_(0, step.write, k)
        cache[1].index_copy_(0, step.write, v.unflatten(-1, (a.kv_heads, a.head_dim)))
        out = x.new_empty((len(x), queries))
        for span in step.spans:
            out[span.rows] = self._attend(q[span.rows], cache, span)
        return self.output(out)

    def _normed(self, x: Tensor, weight: Tensor | None) -> Tensor:
        if weight is None:
            return x
        size = weight.shape[0]
        heads = x.unflatten(-1, (-1, size))
        return F.rms_norm(heads, (size,), weight, self.norm_eps).flatten(-2)

    def _attend(self, q: Tensor, cache: Tensor, span: Span) -> Tensor:
        """q [rows, heads, head_dim] → [rows, heads · head_dim]."""
        a = self.attention
        sequences = len(span.slots)
        k, v = (part[span.slots].transpose(1, 2) for part in cache)  # [sequences, kv_heads, …]
        group = a.heads // a.kv_heads
        # The query heads that share a key head go in as that head's queries: several times as
        # fast as letting the kernel repeat the keys.
        q = q.view(sequences, -1, a.kv_heads, group, a.head_dim)
        q = q.permute(0, 2, 3, 1, 4).flatten(2, 3)
        mask = span.mask(a.window, q.dtype)[:, None]
        mask = mask.repeat(1, 1, group, 1)  # [sequences, 1, group · queries, length]
        if self.sinks is not None:
            k, v, mask = self._with_sinks(k, v, mask, mask.shape[2] // group)
        out: Tensor = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=a.scale)
        out = out.unflatten(2, (group, -1)).permute(0, 3, 1, 2, 4)
        return out.reshape(-1, a.heads * a.head_dim)

    def _with_sinks(
        self, k: Tensor, v: Tensor, mask: Tensor, queries: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A sink is one position more: its score is the head's own number, its value 0."""
        assert self.sinks is not None
        scores = self.sinks.view(self.attention.kv_heads, -1, 1).expand(-1, -1, queries)
        scores = scores.reshape(1, self.attention.kv_heads, -1, 1).expand(len(mask), -1, -1, -1)
        mask = torch.cat((mask.expand(-1, scores.shape[1], -1, -1), scores), dim=-1)
        return F.pad(k, (0, 0, 0, 1)), F.pad(v, (0, 0, 0, 1)), mask
