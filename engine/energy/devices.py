"""The devices that the meters count, read together, and what each drew in a window."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.energy.meter_set import MeterSet
from engine.energy.meters import Count, Meter, MeterError
from engine.energy.timeline import Timeline
from engine.energy.window import DeviceEnergy

_QUIET_WINDOW_S = 0.5  # shorter ones say too little of idle power
_QUIET_WINDOWS = 60
_SLEPT_S = 0.5

DeviceName = tuple[str, str]  # the meter's source, and the device


class Quiet:
    """Power with nothing to do, from windows in which no step ran.

    Other programs make some of these windows too high, so a low one counts; the lowest few are
    luck, so not those.
    """

    def __init__(self, known_w: float | None) -> None:
        self._known_w = known_w  # as calibrated, until it was seen here
        self._seen_w: deque[float] = deque(maxlen=_QUIET_WINDOWS)

    @property
    def power_w(self) -> float | None:
        if not self._seen_w or (self._known_w is not None and len(self._seen_w) < 5):
            return self._known_w
        return sorted(self._seen_w)[len(self._seen_w) // 5]

    def note(self, joules: float, duration_s: float) -> None:
        if duration_s >= _QUIET_WINDOW_S:
            self._seen_w.append(joules / duration_s)


@dataclass(slots=True)
class _Device:
    name: str
    meter: Meter
    timeline: Timeline
    quiet: Quiet


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a device drew in a window: `told_j` is what is booked, None where it is unknown.

    `idle_w` is its power with nothing to do; None: not seen yet.
    """

    name: str
    meter: Meter
    told_j: float | None
    idle_w: float | None

    @property
    def energy(self) -> DeviceEnergy:
        """It as a window tells it."""
        meter = self.meter
        return DeviceEnergy(
            meter.source,
            self.name,
            meter.kind,
            meter.basis,
            meter.accuracy.relative,
            self.told_j,
            self.idle_w,
        )


def slept_s() -> float:
    """Seconds that this machine was suspended since it started."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


@dataclass(slots=True)
class Devices:
    """Not thread-safe. `idle_w`: what calibration measured, by source and device."""

    meters: MeterSet
    clock: Callable[[], float] = time.monotonic
    slept: Callable[[], float] = slept_s
    idle_w: Mapping[DeviceName, float] = field(default_factory=dict)
    _devices: dict[DeviceName, _Device] = field(default_factory=dict)
    _slept_s: float | None = None

    def sample(self) -> float:
        """Reads every meter; returns when."""
        slept = self.slept()
        if self._slept_s is not None and slept - self._slept_s > _SLEPT_S:
            for device in self._devices.values():
                device.timeline.forget()
        self._slept_s = slept
        now = self.clock()
        for meter in self.meters.meters:
            self._read(meter, now)
        return now

    def _read(self, meter: Meter, now: float) -> None:
        try:
            counts: Mapping[str, Count] = meter.read()
        except MeterError:
            counts = {}
        counts = {name: count for name, count in counts.items() if math.isfinite(count.joules)}
        for name, count in counts.items():
            if (meter.source, name) not in self._devices:
                quiet = Quiet(self.idle_w.get((meter.source, name)))
                timeline = Timeline(meter.settle_s, now, count)
                self._devices[meter.source, name] = _Device(name, meter, timeline, quiet)
        for device in self._devices.values():
            if device.meter is meter:
                device.timeline.sample(now, counts.get(device.name))

    def close(self, now: float, duration_s: float, *, quiet: bool) -> list[Drawn]:
        """What each device drew up to the last sample, taken `now`. `quiet`: no step ran, so that
        this was their idling. A meter that never gave a reading is one unknown device."""
        drawn = [self._close(device, now, duration_s, quiet) for device in self._devices.values()]
        heard = {id(device.meter) for device in self._devices.values()}
        silent = [meter for meter in self.meters.meters if id(meter) not in heard]
        drawn += [Drawn("all", meter, None, None) for meter in silent]
        return drawn

    def _close(self, device: _Device, now: float, duration_s: float, quiet: bool) -> Drawn:
        window = device.timeline.close(now)
        if window is not None and quiet:
            device.quiet.note(window[1], duration_s)
        # What an estimate takes for idling is exact: it is how it is made.
        floor_w = device.meter.floor_w
        idle_w = device.quiet.power_w if floor_w is None else floor_w
        return Drawn(device.name, device.meter, window[0] if window else None, idle_w)
