"""Rotary position embedding (arXiv 2104.09864)."""

import torch
from torch import Tensor

from engine.model.config import Rotary


def rotary_table(rotary: Rotary, positions: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines [positions, dim / 2], float32."""
    exponent = torch.arange(0, rotary.dim, 2, dtype=torch.float32) / rotary.dim
    frequencies = 1 / rotary.theta**exponent
    angles = torch.outer(torch.arange(positions, dtype=torch.float32), frequencies)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor, interleaved: bool) -> Tensor:
    """Turns x [tokens, heads, dim] by cos and sin [tokens, dim / 2]."""
    cos, sin = cos[:, None], sin[:, None]
    if interleaved:
        even, odd = x[..., 0::2], x[..., 1::2]
        pairs = torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1)
        return pairs.flatten(-2)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
