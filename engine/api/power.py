"""What each device draws right now."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class DevicePower:
    """One device's power. `watts` None: unknown now, `silent_s` long if it was known before."""

    machine: str
    meter: str
    device: str
    kind: Literal["processor", "accelerator", "machine"]
    basis: Literal["measured", "estimated"]
    accuracy: float
    watts: float | None
    idle_w: float | None
    silent_s: float | None


class PowerNow:
    def now(self) -> list[DevicePower]:
        return []
