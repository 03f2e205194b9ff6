"""Tokens to the experts they chose, and what those make of them back to the tokens."""

from collections.abc import Callable

import torch
from torch import Tensor


def dispatch(
    x: Tensor, chosen: Tensor, gains: Tensor, compute: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """x [tokens, hidden]; chosen and gains [tokens, per_token] → float32 as x.

    `compute` gets tokens' rows sorted by expert, and the expert of each row.
    """
    experts, order = chosen.flatten().sort(stable=True)
    tokens = order // chosen.shape[1]
    weighed = compute(x[tokens], experts).float() * gains.flatten()[order, None]
    nothing = torch.zeros(x.shape, dtype=torch.float32, device=x.device)
    return nothing.index_add_(0, tokens, weighed)
