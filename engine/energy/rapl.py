"""RAPL, the processor's own energy counter, read through Linux's powercap files.

AMD's processors are found there too, under the same names. A zone `package-N` counts a whole
socket, cores (`core`) and graphics (`uncore`) included; its `dram` subzone counts memory beside it.
`psys` counts all of that once more, and so does the `intel-rapl-mmio` twin of each package, so
neither is added; `psys` is a meter of its own.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.energy.meters import Accuracy, Basis, Count, Kind, MeterError

POWERCAP = Path("/sys/class/powercap")
MAX_ZONE_W = 2000.0  # no socket draws this much: a greater difference is a counter that was reset
MAX_PSYS_W = 20_000.0


@dataclass(slots=True)
class Zone:
    """One counter, in microjoules, that starts again from 0 after `range_uj` (0: unknown)."""

    device: str
    file: Path
    range_uj: int
    max_w: float
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
        lost_count = 0 < self.range_uj < elapsed * self.max_w * 1e6
        if step < 0 or lost_count or step > max(elapsed, 0.001) * self.max_w * 1e6:
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
    accuracy = Accuracy(
        0.1,
        "Assumed: Khan et al., RAPL in Action (2018), find it closely correlated with the power at "
        "the plug and state no general error. Memory is further off when it idles (Desrochers et "
        "al., A Validation of DRAM RAPL Power Measurements, 2016).",
    )

    def __init__(
        self, powercap: Path = POWERCAP, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        folders = dict(_zones(powercap))
        if not folders:
            raise MeterError("This machine shows no RAPL counter (usual in virtual machines).")
        self._zones = [
            _open(device, folder, MAX_ZONE_W, clock()) for device, folder in folders.items()
        ]

    def read(self) -> dict[str, Count]:
        return _read(self._zones, self._clock())

    def detail(self) -> str:
        return "RAPL counters of " + ", ".join(zone.device for zone in self._zones)


class RaplPsysMeter:
    """The machine as its board's own meter reads it, processor and memory included.

    Raises MeterError where there is none, or one that does not count: what is connected to it is
    the board's maker's affair.
    """

    source = "rapl-psys"
    basis: Basis = "measured"
    kind: Kind = "machine"
    settle_s = 0.5  # on servers since Sapphire Rapids it counts in whole joules
    floor_w: float | None = None
    accuracy = Accuracy(
        0.2,
        "Assumed: no publication found gives a figure, and what psys contains differs from board "
        "to board.",
    )

    def __init__(
        self, powercap: Path = POWERCAP, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        folders = [folder for folder in _folders(powercap) if _name(folder) == "psys"]
        if not folders:
            raise MeterError("This machine's board has no RAPL counter of the whole (psys).")
        self._zone = _open("psys", folders[0], MAX_PSYS_W, clock())
        if self._zone.last_uj == 0:
            raise MeterError("RAPL's counter of the whole machine (psys) is there but stands at 0.")

    def read(self) -> dict[str, Count]:
        return _read([self._zone], self._clock())

    def detail(self) -> str:
        return "RAPL counter psys: what the board's own meter reads of the whole machine"


def _folders(powercap: Path) -> list[Path]:
    # "intel-rapl:0" sorts after "intel-rapl-mmio:0": the twin is taken only where it is alone.
    return sorted(powercap.glob("intel-rapl*:*"), reverse=True)


def _zones(powercap: Path) -> Iterator[tuple[str, Path]]:
    """(device, folder) of each counter to add up, each device once."""
    seen = set()
    for folder in _folders(powercap):
        name = _name(folder)
        device = name
        if name == "dram":
            parent = folder.parent / folder.name.rpartition(":")[0]
            device = f"{_name(parent)}-dram"
        if (name == "dram" or name.startswith("package")) and device not in seen:
            seen.add(device)
            yield device, folder


def _open(device: str, folder: Path, max_w: float, now: float) -> Zone:
    energy = folder / "energy_uj"
    try:
        value = _number(energy)
    except PermissionError:
        # The shell's * takes colons too, so this opens subzones (intel-rapl:0:0) and psys as well.
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
    return Zone(device, energy, range_uj, max_w, value, now)


def _read(zones: list[Zone], now: float) -> dict[str, Count]:
    counts = {}
    for zone in zones:
        try:
            counts[zone.device] = zone.advance(now)
        except (OSError, ValueError):
            continue
    if not counts:
        raise MeterError("RAPL's counters do not answer any more.")
    return counts


def _name(folder: Path) -> str:
    try:
        return (folder / "name").read_text().strip()
    except OSError:
        return ""


def _number(file: Path) -> int:
    return int(file.read_text())
