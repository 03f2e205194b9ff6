"""Feed-forwards of one layer: dense, or routed experts beside a shared one.

Tokens are sorted by expert, and each expert that somebody chose multiplies all of its tokens in one
product: what a token costs follows the experts it uses, not those there are.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model import config
from engine.model.dispatch import dispatch
from engine.model.gated_unit import GatedUnit
from engine.model.grouped_experts import GroupedExperts
from engine.model.holder import Holder, QuantisedMixture
from engine.model.matrix import Matrix
from engine.model.router import Router
from engine.model.weights import ExpertWeights, LayerWeights


def gated_unit(weights: LayerWeights, holder: Holder, prefix: str = "") -> GatedUnit:
    """Reads a dense feed-forward, or a shared expert under its prefix."""
    gate, up, down = (
        holder.matrix(weights.tensor(prefix + part)) for part in ("gate", "up", "down")
    )
    return GatedUnit(gate, up, down)


class DenseFeedForward:
    def __init__(self, weights: LayerWeights, holder: Holder) -> None:
        self.unit = gated_unit(weights, holder)

    @property
    def nbytes(self) -> int:
        return self.unit.nbytes

    def __call__(self, x: Tensor) -> tuple[Tensor, None]:
        """x [tokens, hidden] → the same shape; and no choice."""
        return self.unit(x), None


class HeldExperts:
    """Routed experts one by one: `units` gives those that are held, or reads them when asked."""

    def __init__(self, units: Callable[[int], GatedUnit], nbytes: int) -> None:
        self._units, self.nbytes = units, nbytes

    def __call__(self, x: Tensor, chosen: Tensor, gains: Tensor) -> Tensor:
        """x [tokens, hidden]; chosen and gains [tokens, per_token] → float32 as x."""
        return dispatch(x, chosen, gains, self._compute)

    def _compute(self, rows: Tensor, experts: Tensor) -> Tensor:
        active, counts = experts.unique_consecutive(return_counts=True)
        parts = rows.split(counts.tolist())
        return torch.cat([self._units(int(e))(part) for e, part in zip(active, parts, strict=True)])


class MixtureFeedForward:
    """Routed experts, and the shared one. With `offload` those chosen are read from the file
    whenever they are used, in the activations' precision; what memory has room for stays there as
    the page cache."""

    def __init__(
        self,
        experts: config.Experts,
        weights: LayerWeights,
        holder: Holder,
        offload: bool = False,
    ) -> None:
        self.router = Router(experts, weights, holder)
        self.routed = _routed(experts, weights, holder, offload)
        self.shared: GatedUnit | None = None
        self.shared_gate: Tensor | None = None
        if experts.shared_neurons:
            self.shared = gated_unit(weights, holder, "shared.")
        if experts.shared_gate:
            self.shared_gate = holder.exact(weights.tensor("shared_gate"))

    @property
    def nbytes(self) -> int:
        shared = [part.nbytes for part in (self.shared, self.shared_gate) if part is not None]
        return self.router.nbytes + self.routed.nbytes + sum(shared)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [tokens, hidden] → the same shape; and the experts chosen [tokens, per_token]."""
        chosen, gains = self.router(x)
        y = self.routed(x, chosen, gains)
        if self.shared is not None:
            shared = self.shared(x).float()
            if self.shared_gate is not None:
                shared = shared * F.linear(x.float(), self.shared_gate).sigmoid()
            y = y + shared
        return y.to(x.dtype), chosen


def _routed(
    experts: config.Experts, weights: LayerWeights, holder: Holder, offload: bool
) -> QuantisedMixture | GroupedExperts | HeldExperts:
    def stored(expert: int) -> GatedUnit:
        return _unit(weights.expert(expert), holder.stored_matrix, experts.activation)

    if offload:
        return HeldExperts(stored, 0)
    if holder.device.type != "cpu":
        return GroupedExperts(experts, weights, holder)
    if experts.activation == "silu" and not experts.bias:
        packed = holder.mixture(experts, weights)
        if packed is not None:
            return packed
    held = [
        _unit(weights.expert(expert), holder.expert_matrix, experts.activation)
        for expert in range(experts.count)
    ]
    return HeldExperts(held.__getitem__, sum(unit.nbytes for unit in held))


def _unit(
    w: ExpertWeights, hold: Callable[[Tensor, Tensor | None], Matrix], activation: str
) -> GatedUnit:
    return GatedUnit(
        hold(w.gate, w.gate_bias), hold(w.up, w.up_bias), hold(w.down, w.down_bias), activation
    )
