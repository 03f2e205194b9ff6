"""What each device draws now, from the last energy windows."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.energy.meters import Basis, Kind
from engine.energy.window import DeviceEnergy, EnergyWindow

OVER_S = 1.0  # shorter windows are taken together
GONE_AFTER_S = 60.0  # a machine of which no window comes any more


@dataclass(frozen=True, slots=True)
class DevicePower:
    """`watts` None: unknown, for `silent_s` now (None: it never gave a reading)."""

    machine: str
    meter: str
    device: str
    kind: Kind
    basis: Basis
    accuracy: float
    watts: float | None
    idle_w: float | None
    silent_s: float | None


@dataclass(slots=True)
class _Recent:
    latest: DeviceEnergy
    told_at: float
    heard_at: float | None = None
    watts: float | None = None
    joules: float = 0.0  # since `watts` was last told
    seconds: float = 0.0

    def add(self, device: DeviceEnergy, seconds: float, now: float) -> None:
        self.latest, self.told_at = device, now
        if device.energy_j is None:
            self.watts, self.joules, self.seconds = None, 0.0, 0.0
            return
        self.heard_at = now
        self.joules += device.energy_j
        self.seconds += seconds
        if self.seconds >= OVER_S or (self.watts is None and self.seconds > 0):
            self.watts = self.joules / self.seconds
            self.joules, self.seconds = 0.0, 0.0


@dataclass(slots=True)
class PowerNow:
    """Any thread may ask; windows come from one."""

    clock: Callable[[], float] = time.monotonic
    _recent: dict[tuple[str, str, str], _Recent] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, window: EnergyWindow) -> None:
        now = self.clock()
        with self._lock:
            for device in window.devices:
                key = (window.machine, device.meter, device.device)
                recent = self._recent.setdefault(key, _Recent(device, now))
                recent.add(device, window.duration_s, now)

    def now(self) -> list[DevicePower]:
        """Every device that is heard of, by machine, meter and name."""
        now = self.clock()
        with self._lock:
            for key in [k for k, r in self._recent.items() if now - r.told_at > GONE_AFTER_S]:
                del self._recent[key]
            listed = sorted(self._recent.items())
        return [_power(machine, recent, now) for (machine, _, _), recent in listed]


def _power(machine: str, recent: _Recent, now: float) -> DevicePower:
    device = recent.latest
    silent = None if recent.heard_at is None else now - recent.heard_at
    return DevicePower(
        machine=machine,
        meter=device.meter,
        device=device.device,
        kind=device.kind,
        basis=device.basis,
        accuracy=device.accuracy,
        watts=recent.watts,
        idle_w=device.idle_w,
        silent_s=silent,
    )
