"""The gated linear unit that every feed-forward and every expert is."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.matrix import Matrix

_SWIGLU_LIMIT, _SWIGLU_ALPHA = 7.0, 1.702  # gpt-oss: swiglu_limit, swiglu_alpha


class GatedUnit:
    """down(silu(gate x) · up x), or the clamped variant of it."""

    def __init__(self, gate: Matrix, up: Matrix, down: Matrix, activation: str = "silu") -> None:
        self.gate, self.up, self.down, self.activation = gate, up, down, activation

    @property
    def nbytes(self) -> int:
        return self.gate.nbytes + self.up.nbytes + self.down.nbytes

    def __call__(self, x: Tensor) -> Tensor:
        return self.down(gated(self.gate(x), self.up(x), self.activation))


def gated(gate: Tensor, up: Tensor, activation: str) -> Tensor:
    """silu(gate) · up, or the clamped variant of it."""
    if activation == "silu":
        return F.silu(gate) * up
    gate, up = gate.clamp(max=_SWIGLU_LIMIT), up.clamp(-_SWIGLU_LIMIT, _SWIGLU_LIMIT)
    return (up + 1) * gate * torch.sigmoid(gate * _SWIGLU_ALPHA)
