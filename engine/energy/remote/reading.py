"""What a meter's page says at one moment, whatever its format."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.energy.meters import Kind, MeterError

WH_J = 3600.0
_JITTER = 1.0  # a channel on which nothing hangs reads some tenths of a watt about zero
KWH_J = 3.6e6


@dataclass(frozen=True, slots=True)
class Reading:
    """A device's energy since some start, its power, or both.

    `device` is empty where the page speaks of one thing only. `aliases` are the other names under
    which a user may choose it. `coarse`: the counter moves in steps of a second's energy or more,
    or nobody says how often it is refreshed. `estimated`: a model's figure, not a sensor's.
    """

    device: str
    kind: Kind
    joules_total: float | None = None
    watts: float | None = None
    coarse: bool = False
    estimated: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def counter(self) -> float | None:
        """The joules to subtract from the next; None: the power is to be integrated.

        A step of 1 Wh is 3600 J: at 100 W nothing for 36 s and then all at once. Power read every
        second follows the load but misses what happens between two readings, so the counter is
        taken wherever it is fine.
        """
        return None if self.coarse and self.watts is not None else self.joules_total


def parse_json(text: str) -> dict[str, Any]:
    """MeterError where the text is no JSON object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MeterError(f"The answer is no valid JSON ({error}).") from None
    if not isinstance(found, dict):
        raise MeterError("The answer is JSON, but no object.")
    return found


def number(table: Mapping[str, Any], key: str) -> float | None:
    """A figure that may stand there; None where it does not. MeterError where it cannot be one."""
    return figure(key, table.get(key))


def figure(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MeterError(f"{name} is {value!r}, which is no number.")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise MeterError(f"{name} is not finite.")
    if -_JITTER <= found < 0:
        return 0.0
    if found < 0:
        raise MeterError(
            f"{name} is {found:g}: a meter of consumption does not go below 0. "
            "A current clamp may be the wrong way round."
        )
    return found


def joules(value: float | None, unit_j: float) -> float | None:
    return None if value is None else value * unit_j
