"""Rotary position embedding (arXiv 2104.09864) and the ways to stretch it to longer texts."""

import math
from functools import cache

import torch
from torch import Tensor

from engine.model.config import FrequencyFactors, LinearScaling, Llama3Scaling, Rotary, Yarn


def rotary_table(rotary: Rotary, positions: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines [positions, dim / 2] of positions 0, 1, …, float32."""
    return rotary_at(rotary, torch.arange(positions))


def rotary_at(rotary: Rotary, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines [positions, dim / 2], float32."""
    angles = torch.outer(positions.float(), _frequencies(rotary, positions.device))
    factor = rotary.scaling.attention_factor if isinstance(rotary.scaling, Yarn) else 1.0
    return angles.cos() * factor, angles.sin() * factor


def rotate(x: Tensor, cos: Tensor, sin: Tensor, interleaved: bool) -> Tensor:
    """Turns x [tokens, heads, dim] by cos and sin [tokens, dim / 2]."""
    cos, sin = cos[:, None], sin[:, None]
    if interleaved:
        even, odd = x[..., 0::2], x[..., 1::2]
        pairs = torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1)
        return pairs.flatten(-2)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


@cache
def _frequencies(rotary: Rotary, device: torch.device) -> Tensor:
    """Radians a position, [dim / 2]."""
    return _computed_frequencies(rotary).to(device)


def _computed_frequencies(rotary: Rotary) -> Tensor:
    exponent = torch.arange(0, rotary.dim, 2, dtype=torch.float32) / rotary.dim
    frequencies = 1 / rotary.theta**exponent
    match rotary.scaling:
        case None:
            return frequencies
        case LinearScaling(factor):
            return frequencies / factor
        case FrequencyFactors(factors):
            return frequencies / torch.tensor(factors)
        case Llama3Scaling() as scaling:
            return _llama3(frequencies, scaling)
        case Yarn() as scaling:
            kept = _yarn_kept(rotary, scaling)
            return frequencies * kept + frequencies / scaling.factor * (1 - kept)


def _llama3(frequencies: Tensor, scaling: Llama3Scaling) -> Tensor:
    """Turns within the original context decide: many, kept; few, slowed; a ramp between."""
    turns = scaling.original_context / (2 * math.pi / frequencies)
    low, high = scaling.low_frequency_factor, scaling.high_frequency_factor
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return (1 - kept) * frequencies / scaling.factor + kept * frequencies


def _yarn_kept(rotary: Rotary, yarn: Yarn) -> Tensor:
    """How much of each frequency stays as it was, [dim / 2]: 1 for the fast ones, 0 for the slow.

    The ramp runs between the dimensions that turn `beta_fast` and `beta_slow` times within the
    original context (arXiv 2309.00071, equation 23, and the authors' code for the limits).
    """

    def dimension(turns: float) -> float:
        waves = math.log(yarn.original_context / (turns * 2 * math.pi))
        return rotary.dim * waves / (2 * math.log(rotary.theta))

    low, high = dimension(yarn.beta_fast), dimension(yarn.beta_slow)
    if yarn.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, rotary.dim - 1)
    if low == high:
        high += 0.001  # a step instead of a ramp
    ramp = (torch.arange(rotary.dim // 2, dtype=torch.float32) - low) / (high - low)
    return 1 - ramp.clamp(0, 1)
