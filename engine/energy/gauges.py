"""What a device tells, counted up in joules: a counter that may be reset, or power that is not."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.energy.meters import Count

MAX_DEVICE_W = 10_000.0  # nothing in one machine draws more: a greater figure is none
MAX_STEP_S = 2.0  # power readings further apart say nothing of what was between


class EnergyGauge:
    """A counter in joules since some start, which the driver may start anew."""

    def __init__(self, joules: float, now: float) -> None:
        self._last, self._last_at = joules, now
        self._total, self._epoch = 0.0, 0

    def add(self, joules: float, now: float) -> Count:
        # No counter is below 0: NaN makes the step after it unknown, too.
        joules = joules if joules >= 0 else math.nan
        step, elapsed = joules - self._last, now - self._last_at
        if 0 <= step <= max(elapsed, 1.0) * MAX_DEVICE_W:
            self._total += step
        else:
            self._epoch += 1
        self._last, self._last_at = joules, now
        return Count(self._total, self._epoch)


class PowerGauge:
    """Power in watts, integrated by trapezoids. A gap starts a new epoch, and so does a figure that
    no device draws, as drivers tell at an error (0xFFFFFFFF milliwatts)."""

    def __init__(self, watts: float, now: float) -> None:
        self._last = _sane(watts)
        self._last_at = now
        self._total, self._epoch = 0.0, 0

    def add(self, watts: float, now: float) -> Count:
        elapsed, power = now - self._last_at, _sane(watts)
        if self._last is not None and power is not None and elapsed <= MAX_STEP_S:
            self._total += (power + self._last) / 2 * elapsed
        else:
            self._epoch += 1
        self._last, self._last_at = power, now
        return Count(self._total, self._epoch)

    def interrupt(self) -> None:
        """What is drawn until the next reading cannot be known."""
        self._last = None


def _sane(watts: float) -> float | None:
    """None where no device draws this, NaN included."""
    return watts if 0 <= watts <= MAX_DEVICE_W else None


@dataclass(frozen=True, slots=True)
class Device:
    """One device: how it is asked, and what becomes of its answers."""

    name: str
    ask: Callable[[], float]
    """Joules of a counter, or watts."""
    gauge: EnergyGauge | PowerGauge

    @property
    def counts_energy(self) -> bool:
        return isinstance(self.gauge, EnergyGauge)

    def advance(self, now: float) -> Count:
        """Raises what `ask` raises."""
        return self.gauge.add(self.ask(), now)


def describe(devices: list[Device]) -> str:
    how = {True: "energy counter", False: "power, integrated"}
    return ", ".join(f"{device.name} ({how[device.counts_energy]})" for device in devices)
