"""The feed-forward of every layer. Dense for now: no routed experts."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.config import ModelConfig
from engine.model.gguf_file import GgufFile


class Experts:
    """Gate, up and down of every layer."""

    routed = 0
    shared = 1
    default_per_token = 0

    def __init__(self, config: ModelConfig, weights: GgufFile, dtype: torch.dtype) -> None:
        def read(name: str) -> Tensor:
            return torch.from_numpy(weights.tensor(name).dequantised()).to(dtype)

        self.per_token = 0
        self.layers = [
            tuple(read(f"blk.{i}.ffn_{part}") for part in ("gate", "up", "down"))
            for i in range(config.layers)
        ]

    @property
    def inactive_share(self) -> float:
        """Of the feed-forward weights, those that a token does not use."""
        return 0.0

    def set_per_token(self, experts_per_token: int | None) -> None:
        """None: the default."""

    @property
    def weight_bytes(self) -> int:
        return sum(t.nbytes for layer in self.layers for t in layer)

    def feed_forward(self, layer: int, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """x [tokens, hidden] → the same shape, and the choices [tokens, routed] as booleans."""
        gate, up, down = self.layers[layer]
        return F.linear(F.silu(F.linear(x, gate)) * F.linear(x, up), down), None
