"""NVIDIA graphics processors through NVML, by NVIDIA's own `nvidia-ml-py`.

Volta and later count millijoules since the driver was loaded. Older ones tell power only, which is
integrated here. Either way the whole board counts, whoever uses it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pynvml

from engine.energy.meters import Basis, Count, Kind, MeterError

MAX_STEP_S = 2.0  # power readings further apart say nothing of what was between


@dataclass(slots=True)
class Board:
    device: str
    handle: Any
    counts_energy: bool
    last: float  # millijoules, or watts of a board that tells power only
    last_at: float
    joules: float = 0.0
    epoch: int = 0

    def advance(self, now: float) -> Count:
        """Raises NVMLError when the board does not answer."""
        value = _read(self.handle, self.counts_energy)
        elapsed = now - self.last_at
        if self.counts_energy and value >= self.last:
            self.joules += (value - self.last) / 1e3
        elif not self.counts_energy and elapsed <= MAX_STEP_S:
            self.joules += (value + self.last) / 2 * elapsed
        else:
            self.epoch += 1
        self.last, self.last_at = value, now
        return Count(self.joules, self.epoch)


class NvmlMeter:
    """All NVIDIA boards of this machine. Raises MeterError where there is none."""

    source = "nvml"
    basis: Basis = "measured"
    kind: Kind = "accelerator"
    settle_s = 0.5  # counter and power are refreshed about every 0.1 s
    floor_w: float | None = None

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        try:
            pynvml.nvmlInit()
            count = pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError_LibraryNotFound:
            raise MeterError("There is no NVIDIA driver here.") from None
        except pynvml.NVMLError as error:
            raise MeterError(f"NVIDIA's driver does not answer: {error}.") from None
        boards = [self._open(index) for index in range(count)]
        self._boards = [board for board in boards if board is not None]
        if not self._boards:
            raise MeterError("There is no NVIDIA board here that tells energy or power.")

    def _open(self, index: int) -> Board | None:
        for counts_energy in (True, False):
            try:
                handle = pynvml.nvmlDeviceGetHandleByIndex(index)
                value = _read(handle, counts_energy)
            except pynvml.NVMLError:
                continue
            return Board(f"gpu-{index}", handle, counts_energy, value, self._clock())
        return None

    def read(self) -> dict[str, Count]:
        counts = {}
        for board in self._boards:
            try:
                counts[board.device] = board.advance(self._clock())
            except pynvml.NVMLError:
                continue
        if not counts:
            raise MeterError("No NVIDIA board answers any more.")
        return counts

    def detail(self) -> str:
        how = {True: "energy counter", False: "power, integrated"}
        return "NVML: " + ", ".join(f"{b.device} ({how[b.counts_energy]})" for b in self._boards)


def _read(handle: Any, counts_energy: bool) -> float:
    if counts_energy:
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    return float(pynvml.nvmlDeviceGetPowerUsage(handle)) / 1e3
