"""Routers fitted in closed form: a layer's input to the logarithm of each expert's energy.

Trials with a hidden layer of 128, with plain energies, and with a loss on the chosen set were no
better by more than 3% of the error; the linear map costs a third of the parameters.
"""

import torch
from torch import Tensor

RIDGE = 1e-2
FLOOR = 1e-3  # of the mean energy: quieter than this is not told apart


def ridge(x: Tensor, y: Tensor, strength: float = RIDGE) -> tuple[Tensor, Tensor]:
    """Least squares with an offset: y ~ x W' + b. Returns W [outputs, inputs] and b [outputs]."""
    x_mean, y_mean = x.mean(dim=0), y.mean(dim=0)
    centred = x - x_mean
    gram = centred.T @ centred
    gram.diagonal().add_(strength * gram.diagonal().mean())
    weight = torch.linalg.solve(gram, centred.T @ (y - y_mean)).T
    return weight, y_mean - weight @ x_mean


def fit_router(x: Tensor, expert_energy: Tensor) -> tuple[Tensor, Tensor]:
    """Weight [experts, hidden] and bias [experts] from what each expert did at each token."""
    return ridge(x, (expert_energy + FLOOR * expert_energy.mean()).log())


def chosen(scores: Tensor, count: int) -> Tensor:
    """1 for the `count` experts with the highest scores of each token, else 0."""
    top = scores.topk(count, dim=-1).indices
    return torch.zeros_like(scores).scatter_(-1, top, 1.0)
