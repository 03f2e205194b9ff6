"""Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434) of one layer.

A token's keys and values of all heads are products of one short latent vector, which alone is
cached, beside a rotary key that the heads share. Queries are taken into the latent's space (the
paper's absorbed form), so that the cache is never expanded.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.batch import BLOCK_TOKENS
from engine.model.config import LatentAttention
from engine.model.holder import Holder
from engine.model.matrix import Matrix
from engine.model.rotary import rotate
from engine.model.step import Span, Step
from engine.model.weights import LayerWeights


class LatentAttentionLayer:
    def __init__(
        self,
        attention: LatentAttention,
        norm_eps: float,
        weights: LayerWeights,
        holder: Holder,
    ) -> None:
        read = weights.tensor

        def product(part: str, biased: bool) -> Matrix:
            return holder.matrix(read(part), read(f"{part}_bias") if biased else None)

        a = attention
        self.attention, self.norm_eps, self._empty = a, norm_eps, holder.empty
        self.query_down: Matrix | None = None
        self.query_norm: Tensor | None = None
        if a.query_rank is not None:
            self.query_down = product("q_a", a.bias)
            self.query_norm = holder.vector(read("q_a_norm"))
        self.query_up = product("q" if a.query_rank is None else "q_b", False)
        self.latent_down = product("kv_a", a.bias)
        self.latent_norm = holder.vector(read("kv_a_norm"))
        up = holder.vector(read("kv_b")).view(a.heads, a.nope_dim + a.value_dim, a.kv_rank)
        # Both are used head by head, where the short side is summed over: they stay floating point.
        self.key_up = up[:, : a.nope_dim].contiguous()
        self.value_up = up[:, a.nope_dim :].transpose(1, 2).contiguous()
        self.output = product("o", a.bias)

    @property
    def nbytes(self) -> int:
        parts = (self.query_down, self.query_norm, self.query_up, self.latent_down, self.output)
        own = self.latent_norm.nbytes + self.key_up.nbytes + self.value_up.nbytes
        return own + sum(part.nbytes for part in parts if part is not None)

    def new_cache(self, blocks: int) -> Tensor:
        """[positions, latent and rotary key]; pages never written take no memory."""
        return self._empty(blocks * BLOCK_TOKENS, self.attention.cached_per_token)

    def __call__(self, x: Tensor, step: Step, cache: Tensor) -> Tensor:
        """x [tokens, hidden], normalised → the same shape; writes the new latents."""
        a = self.attention
        cos, sin = step.turns(a.rotary, x.dtype)
        q = self._queries(x, cos, sin)
        latent, key = self.latent_down(x).split((a.kv_rank, a.rope_dim), dim=-1)
        latent = F.rms_norm(latent, (a.kv_rank,), self.latent_norm, self.norm_eps)
        key = rotate(key[:, None], cos, sin, a.rotary.interleaved)[:, 0]
        cache.index_copy_(0, step.write, torch.cat((latent, key), dim=-1))
        mixed = x.new_empty((len(x), a.heads, a.kv_rank))
        for span in step.spans:
            mixed[span.rows] = self._attend(q[span.rows], cache, span)
        values = torch.bmm(mixed.transpose(0, 1), self.value_up)  # [heads, tokens, value_dim]
        return self.output(values.transpose(0, 1).flatten(1))

    def _queries(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """[tokens, heads, kv_rank + rope_dim]: what a cached position is compared with."""
        a = self.attention
        if self.query_down is not None:
            rank = a.query_rank or 0
            x = F.rms_norm(self.query_down(x), (rank,), self.query_norm, self.norm_eps)
        q = self.query_up(x).unflatten(-1, (a.heads, a.nope_dim + a.rope_dim))
        plain, turned = q.split((a.nope_dim, a.rope_dim), dim=-1)
        absorbed = torch.bmm(plain.transpose(0, 1), self.key_up).transpose(0, 1)
        return torch.cat((absorbed, rotate(turned, cos, sin, a.rotary.interleaved)), dim=-1)

    def _attend(self, q: Tensor, cache: Tensor, span: Span) -> Tensor:
        """q [rows, heads, kv_rank + rope_dim] → the mix of latents [rows, heads, kv_rank]."""
        a = self.attention
        keys = cache[span.slots]  # [sequences, length, kv_rank + rope_dim]
        sequences = len(keys)
        q = q.reshape(sequences, -1, q.shape[-1])  # [sequences, queries · heads, …]
        mask = span.mask(None, torch.float32).repeat_interleave(a.heads, dim=1)
        scores = torch.baddbmm(q.new_zeros(1), q, keys.transpose(1, 2), beta=0, alpha=a.scale)
        weights = (scores.float() + mask).softmax(-1).to(q.dtype)
        return torch.bmm(weights, keys[..., : a.kv_rank]).reshape(-1, a.heads, a.kv_rank)
