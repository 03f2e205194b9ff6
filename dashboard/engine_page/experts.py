"""Which experts tokens went through, and how evenly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.api.activity import ExpertUse

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Balance:
    """Of each layer's experts; NaN where a layer has none to choose from.

    `share` [layers, experts] is the part of tokens that went through each, `even` [layers] what it
    would be if all were used alike. `busiest` [layers] is the most used expert over the mean (1:
    even), `variation` [layers] the standard deviation over the mean (0: even).
    """

    share: Floats
    even: Floats
    busiest: Floats
    variation: Floats


@dataclass(frozen=True, slots=True)
class MostUsed:
    """The expert that is used most against even use; numbers count from 0."""

    layer: int
    expert: int
    share: float
    times_even: float


def balance(use: ExpertUse) -> Balance:
    counts = use.counts.astype(np.float64)
    counts[counts.sum(axis=1) == 0] = np.nan
    mean = counts.mean(axis=1)
    return Balance(
        share=counts / use.tokens,
        even=mean / use.tokens,
        busiest=counts.max(axis=1) / mean,
        variation=counts.std(axis=1) / mean,
    )


def most_used(found: Balance) -> MostUsed:
    """Of all layers the one farthest above even use."""
    layer = int(np.nanargmax(found.busiest))
    expert = int(np.argmax(found.share[layer]))
    return MostUsed(layer, expert, float(found.share[layer, expert]), float(found.busiest[layer]))


def never_used(found: Balance) -> int:
    """Experts that no token went through, in layers that have experts to choose from."""
    return int((found.share == 0).sum())
