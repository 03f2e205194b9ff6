"""The meters that work on this machine, and why the others do not."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from engine.energy.amd_smi import AmdSmiMeter
from engine.energy.amdgpu import AmdgpuMeter
from engine.energy.apple import AppleMeter
from engine.energy.battery import BatteryMeter
from engine.energy.estimate import EstimateMeter
from engine.energy.meters import Basis, Kind, Meter, MeterError
from engine.energy.nvml import NvmlMeter
from engine.energy.rapl import RaplMeter, RaplPsysMeter

SYS_CLASS = Path("/sys/class")
_HOW_TO_MEASURE = (
    "To measure it, name a wall meter or an exporter by its URL in BREAKEVEN_METERS; a container "
    "on a machine that has RAPL may be given /sys/class/powercap (Docker: -v /sys/class/powercap:"
    "/sys/class/powercap:ro --security-opt systempaths=unconfined)."
)
_IN_WORDS = {
    RaplMeter.source: "by RAPL",
    AppleMeter.source: "by macOS",
    EstimateMeter.source: "from its load",
    NvmlMeter.source: "by NVML",
    AmdSmiMeter.source: "by AMD SMI",
    AmdgpuMeter.source: "by AMD's driver",
    BatteryMeter.source: "by the battery while unplugged",
    RaplPsysMeter.source: "by the board's own meter (psys)",
}


@dataclass(frozen=True, slots=True)
class Sensor:
    """What one meter said when it was tried. Accuracy: ± that part of its figure."""

    name: str
    state: Literal["used", "unavailable"]
    basis: Basis
    message: str
    kind: Kind = "processor"
    accuracy: float | None = None
    accuracy_source: str = ""


@dataclass(frozen=True, slots=True)
class MeterSet:
    """Meters of different devices, whose joules add up, and wholes that contain them.

    At most one whole counts at a time: the first that gives a reading.
    """

    meters: tuple[Meter, ...]
    sensors: tuple[Sensor, ...] = ()

    @property
    def parts(self) -> tuple[Meter, ...]:
        return tuple(meter for meter in self.meters if meter.kind != "machine")

    @property
    def wholes(self) -> tuple[Meter, ...]:
        """Best first."""
        return tuple(meter for meter in self.meters if meter.kind == "machine")

    @property
    def source(self) -> str:
        """Of the parts; where there are only wholes, of the best."""
        return "+".join(meter.source for meter in self.parts or self.wholes[:1])

    @property
    def basis(self) -> Basis:
        """A sum is measured only where all of it is."""
        added = self.parts or self.wholes[:1]
        measured = all(meter.basis == "measured" for meter in added)
        return "measured" if measured else "estimated"

    def describe(self) -> list[dict[str, Any]]:
        """Every meter that was tried, as its Sensor's fields."""
        return [asdict(sensor) for sensor in self.sensors]

    def summary(self) -> str:
        """For people: what is measured, what is estimated, and what to do about that."""
        parts = [_phrase(meter) for meter in self.parts]
        if self.wholes:
            parts.append("the whole machine " + ", else ".join(map(_phrase, self.wholes)))
        text = f"Energy: {'; '.join(parts)}."
        if any(meter.source == EstimateMeter.source for meter in self.parts):
            text += f" {self._why_estimated()}"
        return text

    def _why_estimated(self) -> str:
        """What the machine's own meter of the processor said, and what helps."""
        said = [s.message for s in self.sensors if s.kind == "processor" and s.state != "used"]
        commands = [message for message in said if "sudo" in message]
        if commands:  # one line to type is all that is missing
            return commands[0]
        return " ".join([*said[-1:], *([] if self.wholes else [_HOW_TO_MEASURE])])


def detect(
    cpu_tdp_w: float | None = None,
    remote: Sequence[Meter] = (),
    *,
    sys_class: Path = SYS_CLASS,
) -> MeterSet:
    """Tries every meter and takes what is best for each part of the machine.

    The processor: RAPL, else Apple's, else a remote one, else the estimate. Accelerators: NVIDIA's
    and AMD's, else remote ones. The whole machine: remote ones (a wall meter), the battery, psys.

    `cpu_tdp_w`: the processor's thermal design power in watts for the estimate; None: looked up.
    `remote`: meters beyond this machine's own, already open. `sys_class`: Linux's sysfs classes.
    """
    tries = _Tries()
    processor = tries.first(
        (RaplMeter, lambda: RaplMeter(sys_class / "powercap")),
        *([(AppleMeter, AppleMeter)] if sys.platform == "darwin" else []),
    )
    processor = processor or tries.take(remote, "processor")
    processor = processor or tries.first((EstimateMeter, lambda: EstimateMeter(cpu_tdp_w)))
    accelerators = [
        *tries.first((NvmlMeter, NvmlMeter)),
        *tries.first(
            (AmdSmiMeter, AmdSmiMeter), (AmdgpuMeter, lambda: AmdgpuMeter(sys_class / "drm"))
        ),
    ]
    accelerators = accelerators or tries.take(remote, "accelerator")
    wholes = [
        *tries.take(remote, "machine"),
        *tries.first((BatteryMeter, lambda: BatteryMeter(sys_class / "power_supply"))),
        *tries.psys(sys_class / "powercap", beside_accelerators=bool(accelerators)),
    ]
    tries.leave(remote)
    return MeterSet((*processor, *accelerators, *wholes), tuple(tries.sensors))


class _Tries:
    """Notes what every meter said."""

    def __init__(self) -> None:
        self.sensors: list[Sensor] = []
        self._taken: list[Meter] = []

    def first(self, *candidates: tuple[type[Meter], Callable[[], Meter]]) -> list[Meter]:
        """The first that opens, alone; none if none does."""
        for kind_of, open_meter in candidates:
            try:
                meter = open_meter()
            except MeterError as error:
                self._refuse(kind_of.source, kind_of.basis, kind_of.kind, str(error))
                continue
            self._use(meter)
            return [meter]
        return []

    def take(self, meters: Sequence[Meter], kind: Kind) -> list[Meter]:
        taken = [meter for meter in meters if meter.kind == kind]
        for meter in taken:
            self._use(meter)
        return taken

    def leave(self, meters: Sequence[Meter]) -> None:
        for meter in meters:
            if meter not in self._taken:
                why = f"not added: this machine's own meter counts the same. {meter.detail()}"
                self._refuse(meter.source, meter.basis, meter.kind, why)

    def psys(self, powercap: Path, *, beside_accelerators: bool) -> list[Meter]:
        if beside_accelerators:
            # Boards differ in whether their slots are behind that meter.
            why = "RAPL's psys is not tried: it may leave out this machine's accelerators."
            meter = RaplPsysMeter
            self._refuse(meter.source, meter.basis, meter.kind, why)
            return []
        return self.first((RaplPsysMeter, lambda: RaplPsysMeter(powercap)))

    def _use(self, meter: Meter) -> None:
        self._taken.append(meter)
        self.sensors.append(
            Sensor(
                meter.source,
                "used",
                meter.basis,
                meter.detail(),
                meter.kind,
                meter.accuracy.relative,
                meter.accuracy.source,
            )
        )

    def _refuse(self, source: str, basis: Basis, kind: Kind, why: str) -> None:
        self.sensors.append(Sensor(source, "unavailable", basis, why, kind))


def _phrase(meter: Meter) -> str:
    """“processor measured by RAPL (±10%)”."""
    what = {"processor": "processor ", "accelerator": "graphics boards ", "machine": ""}[meter.kind]
    how = _IN_WORDS.get(meter.source, f"by {meter.source}")
    return f"{what}{meter.basis} {how} (±{meter.accuracy.relative:.0%})"
