"""What is told of a stretch of time: what was drawn, and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engine.energy.meters import Basis, Kind

HERE = "here"
"""The machine that the gateway runs on, as the ledger names it."""


@dataclass(frozen=True, slots=True)
class DeviceEnergy:
    """What one device's meter read in a window; `energy_j` None: it gave nothing.

    `idle_w` is its power with nothing to do, None while that is not known. `accuracy`: the figure
    may be off by this part of it.
    """

    meter: str
    device: str
    kind: Kind
    basis: Basis
    accuracy: float
    energy_j: float | None
    idle_w: float | None = None


@dataclass(frozen=True, slots=True)
class EnergyWindow:
    """The joules between two moments:

        total_j = Σ shares + idle_j + overhead_j + loading_j + other_j

    `prefill` is the part of each request's share that its prompt took. `uncertainty_j` is half the
    width of the total's interval by the meters' accuracy; a share has its part of it.

    With `total_j` None (no meter gave anything) idle and all shares are None and the basis is
    `unknown`; `partial`: some device gave nothing, so all figures are lower bounds. Times are UTC
    epoch milliseconds; `duration_s` is by the monotonic clock.
    """

    started_at_ms: int
    ended_at_ms: int
    duration_s: float
    total_j: float | None
    idle_j: float | None
    shares: Mapping[int, float | None]
    basis: Literal["measured", "estimated", "partial", "unknown"]
    source: str
    machine: str = HERE
    overhead_j: float = 0.0
    loading_j: float = 0.0
    other_j: float = 0.0
    prefill: Mapping[int, float] = field(default_factory=dict)
    uncertainty_j: float | None = None
    devices: Sequence[DeviceEnergy] = ()
