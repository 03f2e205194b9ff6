"""What `python -m engine calibrate` measured of this machine, kept in the home folder."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.energy.devices import DeviceName
from engine.energy.work import StepCosts

FILE = "calibration.json"


@dataclass(frozen=True, slots=True)
class Setup:
    """What the costs of a step depend on; measured with one, they say nothing of another."""

    model: str
    precision: str
    kernel: str
    threads: int
    offload: bool
    meters: str  # their sources


@dataclass(frozen=True, slots=True)
class Calibration:
    """`costs` are in joules. `error`: how far, as a part of it, a step's energy was from what the
    costs say (the median over the steps that were measured). `idle_w` by source and device, with
    the model loaded. `at`: when, as an ISO time in UTC."""

    at: str
    setup: Setup
    costs: StepCosts
    error: float
    source: str
    idle_w: Mapping[DeviceName, float] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """What people are told of it."""
        return {"at": self.at, "error": self.error, "source": self.source}

    def save(self, home: Path) -> None:
        """Takes the earlier one's place, or leaves it as it is."""
        idle = [[source, device, watts] for (source, device), watts in self.idle_w.items()]
        text = json.dumps({**_without_idle(self), "idle_w": idle}, indent=1)
        home.mkdir(parents=True, exist_ok=True)
        new = home / f"{FILE}.{os.getpid()}.new"
        new.write_text(text + "\n")
        new.replace(home / FILE)


def _without_idle(calibration: Calibration) -> dict[str, Any]:
    return {
        "at": calibration.at,
        "setup": asdict(calibration.setup),
        "costs": asdict(calibration.costs),
        "error": calibration.error,
        "source": calibration.source,
    }


def read(home: Path) -> Calibration | None:
    """None where nothing was calibrated, or by another version."""
    try:
        kept = json.loads((home / FILE).read_text())
        return Calibration(
            at=str(kept["at"]),
            setup=Setup(**kept["setup"]),
            costs=StepCosts(**kept["costs"]),
            error=float(kept["error"]),
            source=str(kept["source"]),
            idle_w={(source, device): float(w) for source, device, w in kept["idle_w"]},
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
