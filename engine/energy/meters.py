"""What every energy meter has in common. One file beside this one holds each meter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Basis = Literal["measured", "estimated"]
Kind = Literal["processor", "accelerator", "machine"]

UNRECOGNISED = "remote"
"""Source of a meter by URL of which nothing is known until it answers."""


class MeterError(Exception):
    """A meter gives nothing now; the message is one clear line that says what to do about it."""


@dataclass(frozen=True, slots=True)
class Count:
    """A device's joules since its meter was opened.

    Two counts may be subtracted only within one epoch: a meter starts a new one when it cannot
    tell what passed since its last reading (a counter was reset, a power reading was missed).
    """

    joules: float
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How far a meter's figure may be from the truth: ± `relative` of it, and who says so."""

    relative: float
    source: str


class Meter(Protocol):
    """Something that counts joules, of one device or of several."""

    source: str
    """Name in the ledger: rapl, nvml, cpu-estimate."""
    basis: Basis
    kind: Kind
    """A processor is shared with other programs, by processor time; an accelerator is not. A
    machine is a whole that contains the other devices, such as what a wall meter reads."""
    settle_s: float
    """Below this many seconds a difference of two counts is too coarse to be taken as it is."""
    floor_w: float | None
    """Power of each device doing nothing, where an estimate assumes it; None: to be measured."""
    accuracy: Accuracy

    def read(self) -> Mapping[str, Count]:
        """Counts now, by device. A device that fails is left out; MeterError when all fail."""

    def detail(self) -> str:
        """One line for people: what is read and how it was found."""
