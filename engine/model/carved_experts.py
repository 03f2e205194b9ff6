"""The feed-forward of a carved layer in plain torch: neurons in experts, and the router's choice.

Every neuron is computed and those of the experts that were not chosen are set to 0: right, not
fast. The compiled kernel reads only what was chosen.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.holder import Holder
from engine.model.routing import Carving, Routing
from engine.model.weights import LayerWeights


class CarvedFeedForward:
    """Gate, up and down of one layer, the neurons in the carving's order."""

    def __init__(self, routing: Routing, weights: LayerWeights, holder: Holder) -> None:
        assert routing.carving
        self.routing, self.carving, self.layer = routing, routing.carving, weights.layer
        order, dtype = self.carving.order[self.layer], holder.dtype
        gate, up, down = (weights.tensor(part) for part in ("gate", "up", "down"))
        self.gate, self.up = gate[order].to(dtype), up[order].to(dtype)
        self.down = down[:, order].to(dtype)

    @property
    def nbytes(self) -> int:
        return self.gate.nbytes + self.up.nbytes + self.down.nbytes

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [tokens, hidden] → the same shape; and who was chosen [tokens, experts used]."""
        carving, size = self.carving, self.carving.expert
        chosen = self._choose(carving, x.float())
        on = torch.zeros(len(x), carving.routed, dtype=x.dtype).scatter_(1, chosen, 1)
        always = on.new_ones(len(x), carving.shared * size)
        h = F.silu(F.linear(x, self.gate)) * F.linear(x, self.up)
        h = h * torch.cat((always, on.repeat_interleave(size, dim=1)), dim=1)
        return F.linear(h, self.down) + self._correction(carving, x), chosen

    def _choose(self, carving: Carving, x: Tensor) -> Tensor:
        scores = F.linear(x, carving.router_weight[self.layer], carving.router_bias[self.layer])
        return scores.topk(self.routing.counts[self.layer], dim=-1).indices

    def _correction(self, carving: Carving, x: Tensor) -> Tensor:
        scale, layer = self.routing.correction_scale, self.layer
        if scale == 0:
            return torch.zeros_like(x)
        low = F.linear(x.float(), carving.correction_a[layer])
        out = F.linear(low, carving.correction_b[layer], carving.correction_bias[layer])
        return (scale * out).to(x.dtype)
