"""The feed-forward of every layer in plain torch: neurons in experts, and the router's choice.

Every neuron is computed and those of the experts that were not chosen are set to 0: right, not
fast. The compiled kernel reads only what was chosen.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.config import ModelConfig
from engine.model.gguf_file import GgufFile
from engine.model.routing import Carving, Routing


class Experts:
    """Gate, up and down of every layer, the neurons in the carving's order."""

    def __init__(
        self, config: ModelConfig, weights: GgufFile, routing: Routing, dtype: torch.dtype
    ) -> None:
        def read(name: str) -> Tensor:
            return torch.from_numpy(weights.tensor(name).dequantised()).to(dtype)

        self.routing = routing
        self.layers: list[tuple[Tensor, Tensor, Tensor]] = []
        for i in range(config.layers):
            gate, up, down = (read(f"blk.{i}.ffn_{part}") for part in ("gate", "up", "down"))
            if routing.carving:
                order = routing.carving.order[i]
                gate, up, down = gate[order], up[order], down[:, order].contiguous()
            self.layers.append((gate, up, down))

    @property
    def weight_bytes(self) -> int:
        return sum(tensor.nbytes for layer in self.layers for tensor in layer)

    def feed_forward(self, layer: int, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """x [tokens, hidden] → the same shape; and who was chosen [tokens, routed], 0 or 1."""
        gate, up, down = self.layers[layer]
        h = F.silu(F.linear(x, gate)) * F.linear(x, up)
        carving = self.routing.carving
        if carving is None:
            return F.linear(h, down), None
        chosen = self._choose(carving, layer, x.float())
        always = chosen.new_ones(len(x), carving.shared * carving.expert)
        on = torch.cat((always, chosen.repeat_interleave(carving.expert, dim=1)), dim=1)
        y = F.linear(h * on.to(h.dtype), down)
        return y + self._correction(carving, layer, x), chosen

    def _choose(self, carving: Carving, layer: int, x: Tensor) -> Tensor:
        scores = F.linear(x, carving.router_weight[layer], carving.router_bias[layer])
        best = scores.topk(self.routing.counts[layer], dim=-1).indices
        return torch.zeros_like(scores, dtype=torch.int32).scatter_(1, best, 1)

    def _correction(self, carving: Carving, layer: int, x: Tensor) -> Tensor:
        scale = self.routing.correction_scale
        if scale == 0:
            return torch.zeros_like(x)
        low = F.linear(x.float(), carving.correction_a[layer])
        out = F.linear(low, carving.correction_b[layer], carving.correction_bias[layer])
        return (scale * out).to(x.dtype)
