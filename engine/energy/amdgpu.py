"""AMD graphics processors through the Linux driver's own sensor files (hwmon).

Present wherever the driver `amdgpu` is, ROCm or not. Microjoules where a board counts them, else
microwatts, which are integrated here (docs.kernel.org, GPU Power/Thermal Controls and Monitoring).
"""

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.energy.gauges import Device, EnergyGauge, PowerGauge, describe
from engine.energy.meters import Accuracy, Basis, Count, Kind, MeterError

DRM = Path("/sys/class/drm")


class AmdgpuMeter:
    """All AMD boards of this machine. Raises MeterError where there is none.

    Graphics inside a processor (an APU) are left out: their figure contains the processor, which
    RAPL counts.
    """

    source = "amdgpu"
    basis: Basis = "measured"
    kind: Kind = "accelerator"
    settle_s = 0.5
    floor_w: float | None = None
    accuracy = Accuracy(
        0.1, "Assumed: neither AMD nor the driver's documentation states how exact its sensors are."
    )

    def __init__(self, drm: Path = DRM, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._boards = [
            device
            for index, folder in enumerate(_boards(drm))
            if (device := _open(index, folder, clock())) is not None
        ]
        if not self._boards:
            raise MeterError("There is no AMD board here that tells energy or power.")

    def read(self) -> dict[str, Count]:
        counts = {}
        for board in self._boards:
            try:
                counts[board.name] = board.advance(self._clock())
            except (OSError, ValueError):
                continue
        if not counts:
            raise MeterError("No AMD board answers any more.")
        return counts

    def detail(self) -> str:
        return f"AMD's driver: {describe(self._boards)}"


def _boards(drm: Path) -> list[Path]:
    """Sensor folders of the boards, in the order of their cards."""
    cards = [card for card in drm.glob("card*") if re.fullmatch(r"card\d+", card.name)]
    return [
        folder
        for card in sorted(cards, key=lambda card: int(card.name[4:]))
        for folder in sorted(card.glob("device/hwmon/hwmon*"))
        if _is_board(folder)
    ]


def _is_board(folder: Path) -> bool:
    try:
        driver = (folder / "name").read_text().strip()
    except OSError:
        return False
    # in1 is the northbridge's voltage, which the driver shows of APUs only.
    return driver == "amdgpu" and not (folder / "in1_input").exists()


def _open(index: int, folder: Path, now: float) -> Device | None:
    name = f"gpu-{index}"
    for file in ("energy1_input", "power1_average", "power1_input"):
        ask = partial(_millionths, folder / file)
        try:
            value = ask()
        except (OSError, ValueError):
            continue
        gauge = EnergyGauge(value, now) if file == "energy1_input" else PowerGauge(value, now)
        return Device(name, ask, gauge)
    return None


def _millionths(file: Path) -> float:
    return int(file.read_text()) / 1e6
