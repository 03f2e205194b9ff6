"""Feed-forwards of one layer: dense, or routed experts beside a shared one.

Tokens are sorted by expert, and each expert that somebody chose multiplies all of its tokens in one
product: what a token costs follows the experts it uses, not those there are.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model import config
from engine.model.matrix import Matrix, matrix
from engine.model.precision import Precision
from engine.model.router import Router
from engine.model.weights import ExpertWeights, Weights

_SWIGLU_LIMIT, _SWIGLU_ALPHA = 7.0, 1.702  # gpt-oss: swiglu_limit, swiglu_alpha


class GatedUnit:
    """down(silu(gate x) · up x), or the clamped variant of it."""

    def __init__(self, gate: Matrix, up: Matrix, down: Matrix, activation: str = "silu") -> None:
        self.gate, self.up, self.down, self.activation = gate, up, down, activation

    @property
    def nbytes(self) -> int:
        return self.gate.nbytes + self.up.nbytes + self.down.nbytes

    def __call__(self, x: Tensor) -> Tensor:
        gate, up = self.gate(x), self.up(x)
        if self.activation == "silu":
            return self.down(F.silu(gate) * up)
        gate, up = gate.clamp(max=_SWIGLU_LIMIT), up.clamp(-_SWIGLU_LIMIT, _SWIGLU_LIMIT)
        return self.down((up + 1) * gate * torch.sigmoid(gate * _SWIGLU_ALPHA))


def gated_unit(weights: Weights, prefix: str, precision: Precision) -> GatedUnit:
    """Reads a dense feed-forward or a shared expert."""
    gate, up, down = (
        matrix(weights.tensor(prefix + part), precision) for part in ("gate", "up", "down")
    )
    return GatedUnit(gate, up, down)


class DenseFeedForward:
    def __init__(self, weights: Weights, layer: int, precision: Precision) -> None:
        self.unit = gated_unit(weights, f"layers.{layer}.", precision)

    @property
    def nbytes(self) -> int:
        return self.unit.nbytes

    def __call__(self, x: Tensor) -> tuple[Tensor, None]:
        """x [tokens, hidden] → the same shape; and no choice."""
        return self.unit(x), None


class MixtureFeedForward:
    """Routed experts. With `offload` those chosen are read from the file whenever they are used;
    what the machine's memory has room for stays there as the page cache."""

    def __init__(
        self,
        experts: config.Experts,
        weights: Weights,
        layer: int,
        precision: Precision,
        offload: bool = False,
    ) -> None:
        self.experts, self.precision = experts, precision
        self.router = Router(experts, weights, layer)
        self._weights, self._layer = weights, layer
        self._held = None if offload else [self._read(e) for e in range(experts.count)]
        self.shared: GatedUnit | None = None
        self.shared_gate: Tensor | None = None
        if experts.shared_neurons:
            self.shared = gated_unit(weights, f"layers.{layer}.shared.", precision)
        if experts.shared_gate:
            self.shared_gate = weights.tensor(f"layers.{layer}.shared_gate").float()

    @property
    def nbytes(self) -> int:
        parts = [self.router.nbytes, *(expert.nbytes for expert in self._held or ())]
        parts += [part.nbytes for part in (self.shared, self.shared_gate) if part is not None]
        return sum(parts)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [tokens, hidden] → the same shape; and the experts chosen [tokens, per_token]."""
        chosen, weights = self.router(x)
        experts, order = chosen.flatten().sort(stable=True)
        tokens = order // chosen.shape[1]
        active, counts = experts.unique_consecutive(return_counts=True)
        inputs, gains = x[tokens], weights.flatten()[order, None]
        outputs = [
            self._expert(int(expert))(part)
            for expert, part in zip(active, inputs.split(counts.tolist()), strict=True)
        ]
        y = torch.zeros(x.shape, dtype=torch.float32)
        y.index_add_(0, tokens, torch.cat(outputs).float() * gains)
        if self.shared is not None:
            y += self._shared(x)
        return y.to(x.dtype), chosen

    def _shared(self, x: Tensor) -> Tensor:
        assert self.shared
        out = self.shared(x).float()
        if self.shared_gate is None:
            return out
        return out * F.linear(x.float(), self.shared_gate).sigmoid()

    def _expert(self, expert: int) -> GatedUnit:
        return self._held[expert] if self._held is not None else self._read(expert)

    def _read(self, expert: int) -> GatedUnit:
        w: ExpertWeights = self._weights.expert(self._layer, expert)
        return GatedUnit(
            matrix(w.gate, self.precision, w.gate_bias),
            matrix(w.up, self.precision, w.up_bias),
            matrix(w.down, self.precision, w.down_bias),
            self.experts.activation,
        )
