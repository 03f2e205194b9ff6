"""A window of a machine's energy before and after it is split over requests."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.api.upstreams.sharing import Stay, in_flight, parts_of
from engine.energy.devices import Drawn
from engine.energy.whole import Counted
from engine.energy.window import EnergyWindow
from engine.energy.work import Part


@dataclass(frozen=True, slots=True)
class Metered:
    """What the meters read from `opened` to `closed`, in seconds of the clock that requests are
    noted by. `busy`: the part of it in which any request was in flight."""

    opened: float
    closed: float
    times_ms: tuple[int, int]
    counted: Counted
    drawn: Sequence[Drawn]
    busy: float


def split(metered: Metered, stays: Sequence[Stay], machine: str) -> EnergyWindow:
    """The window with each request's share by tokens."""
    counted, opened, closed = metered.counted, metered.opened, metered.closed
    shares: dict[int, float | None] = {}
    prefill: dict[int, float] = {}
    idle: float | None = None
    other = 0.0
    if counted.total_j is None:
        shares = {stay.request_id: None for stay in in_flight(stays, opened, closed)}
    else:
        parts = parts_of(stays, opened, closed)
        active = _active_j(metered)
        if parts:
            shares = {request: active * part.whole for request, part in parts.items()}
            prefill = _prefill(parts, active)
        else:
            other = active
        used = [*(share or 0.0 for share in shares.values()), counted.overhead_j, other]
        idle = max(0.0, math.fsum([counted.total_j, *(-part for part in used)]))
    return EnergyWindow(
        started_at_ms=metered.times_ms[0],
        ended_at_ms=metered.times_ms[1],
        duration_s=closed - opened,
        total_j=counted.total_j,
        idle_j=idle,
        shares=shares,
        basis=counted.basis,
        source=counted.source,
        machine=machine,
        overhead_j=counted.overhead_j,
        other_j=other,
        prefill=prefill,
        uncertainty_j=counted.uncertainty_j,
        devices=[one.energy for one in metered.drawn],
    )


def _prefill(parts: Mapping[int, Part], active_j: float) -> dict[int, float]:
    return {request: active_j * part.prefill for request, part in parts.items() if part.prefill}


def _active_j(metered: Metered) -> float:
    """What the devices drew beyond idling. Before idling was ever seen, the time without requests
    stands for it."""
    duration = metered.closed - metered.opened
    active = 0.0
    for part in metered.counted.parts:
        if part.idle_w is None:
            active += part.joules * metered.busy
        else:
            active += max(0.0, part.joules - part.idle_w * duration)
    return active
