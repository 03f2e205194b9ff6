"""AMD graphics processors through AMD's own `amdsmi`, which ROCm brings along.

It is no requirement of the product: without ROCm even its import fails, each version with another
exception. The firmware counts energy since the driver was loaded, for the whole board: of a board
with two dies (MI250) the first tells both and the second 0 for ever.
"""

import contextlib
import io
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from engine.energy.gauges import Device, EnergyGauge, describe
from engine.energy.meters import Accuracy, Basis, Count, Kind, MeterError


class AmdSmiMeter:
    """All AMD boards of this machine. Raises MeterError where there is none."""

    source = "amd-smi"
    basis: Basis = "measured"
    kind: Kind = "accelerator"
    settle_s = 0.5
    floor_w: float | None = None
    accuracy = Accuracy(
        0.1,
        "Assumed: AMD states none. The counters of MI250X and MI300A agree with the meters of the "
        "node around them (McDaniel et al., arXiv 2604.06056).",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        try:
            # It prints why it cannot be loaded.
            with contextlib.redirect_stdout(io.StringIO()):
                import amdsmi
            amdsmi.amdsmi_init()
            handles = amdsmi.amdsmi_get_processor_handles()
        except Exception:
            raise MeterError("There is no AMD driver (ROCm) here.") from None
        self._boards = [
            device
            for index, handle in enumerate(handles)
            if (device := _open(amdsmi, index, handle, clock())) is not None
        ]
        if not self._boards:
            raise MeterError("There is no AMD board here that counts its energy.")

    def read(self) -> dict[str, Count]:
        counts = {}
        for board in self._boards:
            # A board that is lost says so with an exception of the library's many.
            with contextlib.suppress(Exception):
                counts[board.name] = board.advance(self._clock())
        if not counts:
            raise MeterError("No AMD board answers any more.")
        return counts

    def detail(self) -> str:
        return f"AMD SMI: {describe(self._boards)}"


def _open(amdsmi: Any, index: int, handle: Any, now: float) -> Device | None:
    ask = partial(_energy_j, amdsmi, handle)
    try:
        joules = ask()
    except Exception:
        return None
    if joules == 0:
        return None
    return Device(f"gpu-{index}", ask, EnergyGauge(joules, now))


def _energy_j(amdsmi: Any, handle: Any) -> float:
    told = amdsmi.amdsmi_get_energy_count(handle)
    return float(told["energy_accumulator"]) * float(told["counter_resolution"]) / 1e6
