"""A laptop's battery, which feeds the whole machine while it is unplugged.

Linux's power_supply files (Documentation/ABI/testing/sysfs-class-power): microwatts, else
microamperes and microvolts. The sign of a current differs between drivers, so only its size counts.
"""

import time
from collections.abc import Callable
from pathlib import Path

from engine.energy.gauges import PowerGauge
from engine.energy.meters import Accuracy, Basis, Count, Kind, MeterError

POWER_SUPPLY = Path("/sys/class/power_supply")
ASK_EVERY_S = 1.0  # batteries answer slowly and have news every few seconds


class BatteryMeter:
    """The whole machine, as one device, while it runs on its batteries alone.

    Raises MeterError where there is no battery; `read` does so while the mains feed the machine,
    and after that starts a new epoch.
    """

    source = "battery"
    basis: Basis = "measured"
    kind: Kind = "machine"
    settle_s = 10.0  # batteries tell an average of the last seconds
    floor_w: float | None = None
    accuracy = Accuracy(
        0.1, "Assumed: batteries state no error, and smooth their figure over some seconds."
    )

    def __init__(
        self, supplies: Path = POWER_SUPPLY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._supplies, self._clock = supplies, clock
        self._batteries = [
            folder for folder in sorted(supplies.glob("*")) if _is_battery_of_machine(folder)
        ]
        if not self._batteries:
            raise MeterError("There is no battery here.")
        self._gauge: PowerGauge | None = None
        self._asked_at = -float("inf")
        self._answer: float | None = None

    def read(self) -> dict[str, Count]:
        now = self._clock()
        if now - self._asked_at >= ASK_EVERY_S:
            self._asked_at, self._answer = now, self._power_w()
        if self._answer is None:
            if self._gauge:
                self._gauge.interrupt()
            raise MeterError("The machine runs on mains: its battery cannot tell what it draws.")
        self._gauge = self._gauge or PowerGauge(self._answer, now)
        return {"battery": self._gauge.add(self._answer, now)}

    def detail(self) -> str:
        names = ", ".join(folder.name for folder in self._batteries)
        state = "as now" if self._power_w() is not None else "not now: it runs on mains"
        return f"Battery {names}: the whole machine while it is unplugged ({state})"

    def _power_w(self) -> float | None:
        """Watts out of all batteries; None where mains feed the machine or none of them tells."""
        if any(_is_plugged_in(folder) for folder in self._supplies.glob("*")):
            return None
        states = {folder: _text(folder / "status") for folder in self._batteries}
        if "Charging" in states.values():
            return None
        powers = [_battery_w(folder) for folder in states if states[folder] == "Discharging"]
        told = [power for power in powers if power is not None]
        return sum(told) if told and len(told) == len(powers) else None


def _is_battery_of_machine(folder: Path) -> bool:
    """Not that of a mouse, whose scope is Device."""
    return _text(folder / "type") == "Battery" and _text(folder / "scope") != "Device"


def _is_plugged_in(folder: Path) -> bool:
    """Mains or USB that feed the machine; a mouse's battery calls itself online too."""
    return _text(folder / "online") == "1" and _text(folder / "type") != "Battery"


def _battery_w(folder: Path) -> float | None:
    """None where it tells none, or 0 as right after it was unplugged."""
    power = _number(folder / "power_now")
    if power is not None:
        return abs(power) / 1e6 or None
    current, voltage = _number(folder / "current_now"), _number(folder / "voltage_now")
    if current is None or voltage is None:
        return None
    return abs(current) * voltage / 1e12 or None


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
