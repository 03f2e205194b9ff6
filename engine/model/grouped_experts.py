"""Routed experts of one layer in one product for all of them: for accelerators.

Nothing here waits for the device, so that a decode step can be recorded and replayed
(decode_graphs.py). On processors, HeldExperts is faster and holds weights as views of the file.
"""

import torch
from torch import Tensor

from engine.model.config import Experts
from engine.model.dispatch import dispatch
from engine.model.gated_unit import gated
from engine.model.holder import Holder
from engine.model.weights import ExpertWeights, LayerWeights


class GroupedExperts:
    """Experts' matrices stacked: gate and up [experts, 2 · neurons, hidden], down [experts,
    hidden, neurons]; biases likewise."""

    def __init__(self, experts: Experts, weights: LayerWeights, holder: Holder) -> None:
        self._activation = experts.activation
        neurons, hidden = experts.neurons, len(weights.tensor("ffn_norm"))
        self.gate_up = holder.empty(experts.count, 2 * neurons, hidden)
        self.down = holder.empty(experts.count, hidden, neurons)
        self.gate_up_bias = holder.empty(experts.count, 2 * neurons) if experts.bias else None
        self.down_bias = holder.empty(experts.count, hidden) if experts.bias else None
        for expert in range(experts.count):
            self._fill(expert, weights.expert(expert), neurons)

    def _fill(self, expert: int, stored: ExpertWeights, neurons: int) -> None:
        self.gate_up[expert, :neurons] = stored.gate
        self.gate_up[expert, neurons:] = stored.up
        self.down[expert] = stored.down
        if self.gate_up_bias is not None and stored.gate_bias is not None:
            self.gate_up_bias[expert, :neurons] = stored.gate_bias
        if self.gate_up_bias is not None and stored.up_bias is not None:
            self.gate_up_bias[expert, neurons:] = stored.up_bias
        if self.down_bias is not None and stored.down_bias is not None:
            self.down_bias[expert] = stored.down_bias

    @property
    def nbytes(self) -> int:
        parts = (self.gate_up, self.down, self.gate_up_bias, self.down_bias)
        return sum(part.nbytes for part in parts if part is not None)

    def __call__(self, x: Tensor, chosen: Tensor, gains: Tensor) -> Tensor:
        """x [tokens, hidden]; chosen and gains [tokens, per_token] → float32 as x."""
        return dispatch(x, chosen, gains, self._compute)

    def _compute(self, rows: Tensor, experts: Tensor) -> Tensor:
        counts = torch.zeros(len(self.down), dtype=torch.int32, device=rows.device)
        counts.scatter_add_(0, experts, torch.ones_like(experts, dtype=torch.int32))
        ends = counts.cumsum(0, dtype=torch.int32)
        both = self._product(rows, self.gate_up, self.gate_up_bias, experts, ends)
        gate, up = both.chunk(2, dim=-1)
        inner = gated(gate, up, self._activation)
        return self._product(inner, self.down, self.down_bias, experts, ends)

    @staticmethod
    def _product(
        x: Tensor, weight: Tensor, bias: Tensor | None, experts: Tensor, ends: Tensor
    ) -> Tensor:
        """Rows of x, sorted by expert, each times its expert's matrix."""
        y = torch.nn.functional.grouped_mm(x, weight.transpose(1, 2), offs=ends)
        return y if bias is None else y + bias[experts]
