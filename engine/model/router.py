"""Which experts a token goes through, and how much each counts."""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model import config
from engine.model.holder import Holder
from engine.model.weights import LayerWeights


class Router:
    """One layer's. Computes in float32: a near tie must not be decided by rounding."""

    def __init__(self, experts: config.Experts, weights: LayerWeights, holder: Holder) -> None:
        def read(part: str) -> Tensor:
            return holder.exact(weights.tensor(part))

        self.rule, self.per_token = experts.router, experts.per_token
        self.weight = read("router")
        self.bias = read("router_bias") if self.rule.bias else None
        self.selection_bias = read("selection_bias") if self.rule.selection_bias else None

    @property
    def nbytes(self) -> int:
        parts = (self.weight, self.bias, self.selection_bias)
        return sum(part.nbytes for part in parts if part is not None)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [tokens, hidden] → experts [tokens, per_token], weights of the same shape, float32."""
        rule = self.rule
        scores = F.linear(x.float(), self.weight, self.bias)
        if rule.scores == "softmax":
            scores = scores.softmax(-1)
        elif rule.scores == "sigmoid":
            scores = scores.sigmoid()
        ranked = scores if self.selection_bias is None else scores + self.selection_bias
        if rule.groups > 1:
            ranked = self._best_groups(ranked)
        chosen = ranked.topk(self.per_token, dim=-1).indices
        weights = scores.gather(-1, chosen)
        if rule.scores == "top_softmax":
            weights = weights.softmax(-1)
        if rule.normalise:
            weights = weights / (weights.sum(-1, keepdim=True) + 1e-20)
        return chosen, weights * rule.scale

    def _best_groups(self, ranked: Tensor) -> Tensor:
        """The scores, those outside of the best groups out of the running."""
        grouped = ranked.unflatten(-1, (self.rule.groups, -1))
        best = 2 if self.rule.group_score == "top2" else 1
        totals = grouped.topk(best, dim=-1).values.sum(-1)  # [tokens, groups]
        kept = totals.topk(self.rule.groups_chosen, dim=-1).indices
        out = torch.ones_like(totals, dtype=torch.bool).scatter_(-1, kept, False)
        masked: Tensor = grouped.masked_fill(out[..., None], float("-inf")).flatten(-2)
        return masked
