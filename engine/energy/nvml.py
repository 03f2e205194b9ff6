"""NVIDIA graphics processors through NVML, by NVIDIA's own `nvidia-ml-py`.

Volta and later count millijoules since the driver was loaded. Older ones tell power only, which is
integrated here. Either way the whole board counts, whoever uses it: NVML has no energy of a slice
of a board that is divided (MIG).
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pynvml

from engine.energy.gauges import Device, EnergyGauge, PowerGauge, describe
from engine.energy.meters import Accuracy, Basis, Count, Kind, MeterError


class NvmlMeter:
    """All NVIDIA boards of this machine. Raises MeterError where there is none."""

    source = "nvml"
    basis: Basis = "measured"
    kind: Kind = "accelerator"
    settle_s = 0.5  # counter and power are refreshed about every 0.1 s
    floor_w: float | None = None
    accuracy = Accuracy(
        0.05,
        "NVML's documentation of nvmlDeviceGetPowerUsage: ±5% of the power (said of Fermi and "
        "Kepler, assumed of later boards). A100 and H100 look at a quarter of the time only (arXiv "
        "2312.02741), so bursts of less than a second may be further off.",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        try:
            pynvml.nvmlInit()
            count = pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError_LibraryNotFound:
            raise MeterError("There is no NVIDIA driver here.") from None
        except pynvml.NVMLError as error:
            raise MeterError(f"NVIDIA's driver does not answer: {error}.") from None
        self._boards: list[Device] = []
        self._divided: list[str] = []
        for index in range(count):
            self._open(index)
        if not self._boards:
            raise MeterError(
                "There is no NVIDIA board here that tells energy or power. Where this program was "
                "given a part of one (MIG, a virtual GPU), only the host can read the whole."
            )

    def _open(self, index: int) -> None:
        """Takes the board in if it tells anything."""
        name = f"gpu-{index}"
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            self._boards.append(_device(name, handle, self._clock()))
        except pynvml.NVMLError:
            return
        if _is_divided(handle):
            self._divided.append(name)

    def read(self) -> dict[str, Count]:
        counts = {}
        for board in self._boards:
            try:
                counts[board.name] = board.advance(self._clock())
            except pynvml.NVMLError:
                continue
        if not counts:
            raise MeterError("No NVIDIA board answers any more.")
        return counts

    def detail(self) -> str:
        text = f"NVML: {describe(self._boards)}"
        if self._divided:
            text += (
                f"; {', '.join(self._divided)}: divided into MIG instances, and what the others "
                "draw is counted too, for only whole boards have a meter"
            )
        return text


def _device(name: str, handle: Any, now: float) -> Device:
    """Raises NVMLError where the board tells neither energy nor power."""
    energy, power = partial(_energy_j, handle), partial(_power_w, handle)
    try:
        return Device(name, energy, EnergyGauge(energy(), now))
    except pynvml.NVMLError:
        return Device(name, power, PowerGauge(power(), now))


def _energy_j(handle: Any) -> float:
    return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1e3


def _power_w(handle: Any) -> float:
    return float(pynvml.nvmlDeviceGetPowerUsage(handle)) / 1e3


def _is_divided(handle: Any) -> bool:
    try:
        current, _ = pynvml.nvmlDeviceGetMigMode(handle)
    except pynvml.NVMLError:
        return False  # older than Ampere
    return bool(current == pynvml.NVML_DEVICE_MIG_ENABLE)
