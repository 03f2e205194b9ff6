"""The meters that work on this machine, and why the others do not."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from engine.energy.estimate import EstimateMeter
from engine.energy.meters import Basis, Meter, MeterError
from engine.energy.nvml import NvmlMeter
from engine.energy.rapl import RaplMeter


@dataclass(frozen=True, slots=True)
class Sensor:
    """What one meter said when it was tried."""

    name: str
    state: Literal["used", "unavailable"]
    basis: Basis
    message: str


@dataclass(frozen=True, slots=True)
class MeterSet:
    """Meters of different devices, whose joules add up."""

    meters: tuple[Meter, ...]
    sensors: tuple[Sensor, ...] = ()

    @property
    def source(self) -> str:
        return "+".join(meter.source for meter in self.meters)

    @property
    def basis(self) -> Basis:
        """A sum is measured only where all of it is."""
        measured = all(meter.basis == "measured" for meter in self.meters)
        return "measured" if measured else "estimated"

    def describe(self) -> list[dict[str, str]]:
        """Every meter that was tried: name, state, basis and message of each."""
        return [asdict(sensor) for sensor in self.sensors]


def detect(cpu_tdp_w: float | None = None) -> MeterSet:
    """The processor by RAPL or, failing that, by estimate, and every NVIDIA board.

    `cpu_tdp_w`: the processor's thermal design power in watts for the estimate; None: looked up.
    """
    tried = [_try("rapl", RaplMeter), _try("nvml", NvmlMeter)]
    if tried[0][0] is None:
        tried.append(_try("cpu-estimate", lambda: EstimateMeter(cpu_tdp_w)))
    meters = tuple(meter for meter, _ in tried if meter is not None)
    return MeterSet(meters, tuple(sensor for _, sensor in tried))


def _try(name: str, open_meter: Callable[[], Meter]) -> tuple[Meter | None, Sensor]:
    try:
        meter = open_meter()
    except MeterError as error:
        return None, Sensor(name, "unavailable", "measured", str(error))
    return meter, Sensor(name, "used", meter.basis, meter.detail())
