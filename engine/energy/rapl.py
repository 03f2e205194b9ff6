"""RAPL, the processor's own energy counter, read through Linux's powercap files.

A zone `package-N` counts a whole socket, cores and graphics included; its `dram` subzone counts
memory beside it. `psys` counts all of that once more, and so does the `intel-rapl-mmio` twin of
each package, so neither is added.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.energy.meters import Basis, Count, Kind, MeterError

POWERCAP = Path("/sys/class/powercap")
MAX_ZONE_W = 2000.0  # no socket draws this much: a greater difference is a counter that was reset


@dataclass(slots=True)
class Zone:
    """One counter, in microjoules, that starts again from 0 after `range_uj` (0: unknown)."""

    device: str
    file: Path
    range_uj: int
    last_uj: int
    last_at: float
    total_uj: int = 0
    epoch: int = 0

    def advance(self, now: float) -> Count:
        """Reads the counter. Raises OSError when the file does not answer."""
        value = _number(self.file)
        elapsed, step = now - self.last_at, value - self.last_uj
        if step < 0:
            step += self.range_uj
        # Longer than a full round at full power: it may have come round more than once.
        lost_count = 0 < self.range_uj < elapsed * MAX_ZONE_W * 1e6
        if step < 0 or lost_count or step > max(elapsed, 0.001) * MAX_ZONE_W * 1e6:
            self.epoch += 1
        else:
            self.total_uj += step
        self.last_uj, self.last_at = value, now
        return Count(self.total_uj / 1e6, self.epoch)


class RaplMeter:
    """Sockets and their memory. Raises MeterError where there is no counter that may be read."""

    source = "rapl"
    basis: Basis = "measured"
    kind: Kind = "processor"
    settle_s = 0.02  # the counter is refreshed about every millisecond
    floor_w: float | None = None

    def __init__(
        self, powercap: Path = POWERCAP, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        folders = dict(_zones(powercap))
        if not folders:
            raise MeterError("This machine shows no RAPL counter (usual in virtual machines).")
        self._zones = [self._open(device, folder) for device, folder in folders.items()]

    def _open(self, device: str, folder: Path) -> Zone:
        energy = folder / "energy_uj"
        try:
            value = _number(energy)
        except PermissionError:
            raise MeterError(
                "RAPL is there, but only root may read it. Until the next restart, this lets "
                f"everybody: sudo chmod a+r {folder.parent}/intel-rapl*:*/energy_uj"
            ) from None
        except (OSError, ValueError) as error:
            raise MeterError(f"RAPL's counter {energy} cannot be read: {error}.") from None
        try:
            range_uj = _number(folder / "max_energy_range_uj")
        except (OSError, ValueError):
            range_uj = 0
        return Zone(device, energy, range_uj, value, self._clock())

    def read(self) -> dict[str, Count]:
        counts = {}
        for zone in self._zones:
            try:
                counts[zone.device] = zone.advance(self._clock())
            except (OSError, ValueError):
                continue
        if not counts:
            raise MeterError("RAPL's counters do not answer any more.")
        return counts

    def detail(self) -> str:
        return "RAPL counters of " + ", ".join(zone.device for zone in self._zones)


def _zones(powercap: Path) -> Iterator[tuple[str, Path]]:
    """(device, folder) of each counter to add up, each device once."""
    seen = set()
    # "intel-rapl:0" sorts after "intel-rapl-mmio:0": the twin is taken only where it is alone.
    for folder in sorted(powercap.glob("intel-rapl*:*"), reverse=True):
        name = _name(folder)
        device = name
        if name == "dram":
            parent = folder.parent / folder.name.rpartition(":")[0]
            device = f"{_name(parent)}-dram"
        if (name == "dram" or name.startswith("package")) and device not in seen:
            seen.add(device)
            yield device, folder


def _name(folder: Path) -> str:
    try:
        return (folder / "name").read_text().strip()
    except OSError:
        return ""


def _number(file: Path) -> int:
    return int(file.read_text())
