"""Devices that add up, and a meter of the whole machine that contains them.

Where a wall meter, a battery or the like reads the machine, its figure is the total. What it reads
beyond measured parts is overhead: power supply, fans, whatever has no meter. Where parts are only
estimated, the wall's reading takes the estimate's place: the rest of the machine beside its
measured parts, drawn by whoever used the processor.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.energy.battery import BatteryMeter
from engine.energy.devices import Drawn, Quiet
from engine.energy.meters import Meter

_MOST_LAG = 3.0  # times the whole's settling time


@dataclass(frozen=True, slots=True)
class Joules:
    """A part's joules in a window, with its power when idle (None: not seen yet)."""

    joules: float
    idle_w: float | None
    is_processor: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """What counts of a window: Σ parts + `overhead_j` = `total_j`, None where nothing was read."""

    parts: list[Joules]
    overhead_j: float
    total_j: float | None
    uncertainty_j: float | None
    basis: Literal["measured", "estimated", "partial", "unknown"]
    source: str


class Whole:
    """Remembers what a meter of the whole lags behind its parts, so that sums stay the meter's."""

    def __init__(self) -> None:
        self._meter: Meter | None = None  # the whole's that counted last
        self._owed_j = 0.0
        self._quiet = Quiet(None)

    def count(self, drawn: Sequence[Drawn], duration_s: float, *, quiet: bool) -> Counted:
        """The parts and the whole of one window; `quiet`: no step ran."""
        parts = [one for one in drawn if one.meter.kind != "machine"]
        wholes = [one for one in drawn if one.meter.kind == "machine" and one.told_j is not None]
        if not wholes:
            return self._without_whole(parts)
        whole = wholes[0]
        if whole.meter is not self._meter:
            self._meter, self._owed_j = whole.meter, 0.0
        measured = [one for one in parts if one.meter.basis == "measured"]
        known = [one for one in measured if one.told_j is not None]
        assert whole.told_j is not None
        parts_j = math.fsum(one.told_j or 0.0 for one in known)
        most_owed_j = parts_j / duration_s * _MOST_LAG * whole.meter.settle_s if duration_s else 0.0
        rest = self._rest(whole.told_j, parts_j, max(most_owed_j, parts_j))
        joules = [_joules(one) for one in known]
        overhead = 0.0
        if len(measured) == len(parts) and parts:
            overhead = rest
        else:
            if quiet:
                self._quiet.note(rest, duration_s)
            joules.append(Joules(rest, self._quiet.power_w, is_processor=True))
        total = math.fsum([*(one.joules for one in joules), overhead])
        return Counted(
            joules,
            overhead,
            total,
            total * whole.meter.accuracy.relative,
            "measured" if len(known) == len(measured) else "partial",
            _sources([*known, whole]),
        )

    def _without_whole(self, parts: Sequence[Drawn]) -> Counted:
        """The parts alone are less than what is drawn, where a whole had been read before; but a
        battery is read while it is unplugged only."""
        counted, self._owed_j = _sum_of(parts), 0.0
        missing = self._meter is not None and self._meter.source != BatteryMeter.source
        if missing and counted.total_j is not None:
            return replace(counted, basis="partial")
        return counted

    def _rest(self, whole_j: float, parts_j: float, most_owed_j: float) -> float:
        """What the whole read beyond its parts. Meters lag, so at times it is less than these; that
        is made up for in the windows after, as far as lagging explains it. A whole that goes on to
        read less does not contain its parts: then these are the total."""
        self._owed_j = max(self._owed_j + whole_j - parts_j, -most_owed_j)
        rest = max(0.0, self._owed_j)
        self._owed_j -= rest
        return rest


def _sum_of(parts: Sequence[Drawn]) -> Counted:
    known = [one for one in parts if one.told_j is not None]
    if not known:
        return Counted([], 0.0, None, None, "unknown", _sources(parts) or "none")
    basis: Literal["measured", "estimated", "partial"] = "measured"
    if len(known) < len(parts):
        basis = "partial"
    elif any(one.meter.basis == "estimated" for one in known):
        basis = "estimated"
    return Counted(
        [_joules(one) for one in known],
        0.0,
        math.fsum(one.told_j or 0.0 for one in known),
        math.fsum((one.told_j or 0.0) * one.meter.accuracy.relative for one in known),
        basis,
        _sources(known),
    )


def _joules(one: Drawn) -> Joules:
    assert one.told_j is not None
    return Joules(one.told_j, one.idle_w, is_processor=one.meter.kind == "processor")


def _sources(devices: Sequence[Drawn]) -> str:
    """The meters' names, each once, in order."""
    return "+".join(dict.fromkeys(one.meter.source for one in devices))
