"""A decoder of any family in plain torch: embedding, blocks, head.

It is the reference that the compiled kernel is tested against, and what runs on machines without a
C++ compiler.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from engine.model.attention import GroupedAttention
from engine.model.batch import Chunk, Forward
from engine.model.carved_experts import CarvedFeedForward
from engine.model.config import Attention, Block, Dense, ModelConfig
from engine.model.decode_graphs import DecodeGraphs
from engine.model.experts import DenseFeedForward, MixtureFeedForward
from engine.model.holder import Holder
from engine.model.latent import LatentAttentionLayer
from engine.model.routing import Routing
from engine.model.step import Step
from engine.model.weights import LayerWeights, Weights

FeedForward = DenseFeedForward | MixtureFeedForward | CarvedFeedForward


@dataclass(frozen=True)
class Layer:
    attention_norm: Tensor
    attention: GroupedAttention | LatentAttentionLayer
    ffn_norm: Tensor
    feed_forward: FeedForward


class Decoder:
    """Runs chunks of sequences; what is kept of their tokens lives in a cache from `new_cache`."""

    def __init__(
        self,
        config: ModelConfig,
        weights: Weights,
        routing: Routing,
        holder: Holder,
        offload: bool = False,
    ) -> None:
        self.config, self.routing, self._holder = config, routing, holder
        # Experts that are read from disk cannot be recorded.
        recorded = holder.device.type == "cuda" and not offload
        self._graphs = DecodeGraphs(self._compute, holder.device) if recorded else None
        self.embedding = holder.vector(weights.tensor("embedding"))
        head = self.embedding if config.tied_head else weights.tensor("head")
        self.head = holder.matrix(head, bits=8)
        self.final_norm = holder.vector(weights.tensor("final_norm"))
        self.layers = [
            self._layer(block, LayerWeights(weights, index), holder, offload)
            for index, block in enumerate(config.blocks)
        ]

    def _layer(self, block: Block, weights: LayerWeights, holder: Holder, offload: bool) -> Layer:
        return Layer(
            attention_norm=holder.vector(weights.tensor("attention_norm")),
            attention=_attention(block, self.config.norm_eps, weights, holder),
            ffn_norm=holder.vector(weights.tensor("ffn_norm")),
            feed_forward=_feed_forward(block, weights, holder, self.routing, offload),
        )

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights that are held; experts which are read when used do not count."""
        parts: list[int] = [p.nbytes for layer in self.layers for p in vars(layer).values()]
        head = 0 if self.config.tied_head else self.head.nbytes
        own = self.embedding.nbytes + self.final_norm.nbytes + head
        return own + sum(parts)

    def new_cache(self, blocks: int) -> list[Tensor]:
        """One tensor a layer, for `blocks` blocks of positions."""
        return [layer.attention.new_cache(blocks) for layer in self.layers]

    @torch.inference_mode()
    def forward(
        self, chunks: Sequence[Chunk], cache: list[Tensor], every_token: bool = False
    ) -> Forward:
        """Computes the chunks and writes what is kept of their tokens into the cache."""
        config, step = self.config, Step.of(chunks, self._holder.device)
        lengths = [len(chunk.token_ids) for chunk in chunks]
        decoding = all(length == 1 for length in lengths)
        if self._graphs is not None and decoding:
            logits, picked = self._graphs(step, cache)
        else:
            logits, picked = self._compute(step, cache, every_token)
        routed = self.routing.routed or config.routed_experts
        chosen = np.zeros((len(chunks), config.layers, routed), np.int32)
        for layer, experts in enumerate(_on_processor(picked)):
            if experts is not None:
                _count(experts, lengths, chosen[:, layer])
        return Forward(logits.cpu(), chosen)

    def _compute(
        self, step: Step, cache: list[Tensor], every_token: bool = False
    ) -> tuple[Tensor, list[Tensor | None]]:
        """Logits, float32, and the experts chosen in each layer [tokens, per_token]."""
        config, picked = self.config, []
        x = F.embedding(step.token_ids, self.embedding) * config.embedding_multiplier
        for index, layer in enumerate(self.layers):
            normed = self._norm(x, layer.attention_norm)
            out = layer.attention(normed, step, cache[index])
            x = x + out * config.residual_multiplier
            out, experts = layer.feed_forward(self._norm(x, layer.ffn_norm))
            x = x + out * config.residual_multiplier
            picked.append(experts)
        if not every_token:
            x = x[step.last]
        logits = self.head(self._norm(x, self.final_norm)).float()
        return logits / config.logits_divisor, picked

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, self.config.norm_eps)


def _attention(
    block: Block, norm_eps: float, weights: LayerWeights, holder: Holder
) -> GroupedAttention | LatentAttentionLayer:
    if isinstance(block.attention, Attention):
        return GroupedAttention(block.attention, norm_eps, weights, holder)
    return LatentAttentionLayer(block.attention, norm_eps, weights, holder)


def _feed_forward(
    block: Block,
    weights: LayerWeights,
    holder: Holder,
    routing: Routing,
    offload: bool,
) -> FeedForward:
    if routing.carving is not None:
        return CarvedFeedForward(routing, weights, holder)
    if isinstance(block.feed_forward, Dense):
        return DenseFeedForward(weights, holder)
    return MixtureFeedForward(block.feed_forward, weights, holder, offload)


def _on_processor(picked: list[Tensor | None]) -> list[Tensor | None]:
    """All layers' choices in one transfer."""
    found = [experts for experts in picked if experts is not None]
    if not found or found[0].device.type == "cpu":
        return picked
    sizes = [experts.numel() for experts in found]
    parts = iter(torch.cat([experts.flatten() for experts in found]).cpu().split(sizes))
    return [None if one is None else next(parts).view(one.shape) for one in picked]


def _count(picked: Tensor, lengths: list[int], counts: NDArray[np.int32]) -> None:
    """Adds up who was chosen, picked [tokens, per_token], into counts [chunks, experts]."""
    for row, part in zip(counts, picked.split(lengths), strict=True):
        row += np.bincount(part.flatten().numpy(), minlength=len(row)).astype(np.int32)
