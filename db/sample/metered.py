"""A day's joules of a large sample: each request's, and each machine's minutes and meters.

A machine's meters read nothing in some hours of the year (unknown), and on some days one device of
several is missing, so that what is known is a lower bound (partial).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.sample.organisation import Floats, Integers
from db.sample.small import ACCURACY, PREFILL_W
from db.sample.workday import MODELS, Workday, or_none

MINUTE_MS = 60_000

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Device:
    """`part` of what requests take is drawn by it, beside what it draws when idle."""

    meter: str
    name: str
    kind: str
    part: float
    idle_w: float


@dataclass(frozen=True, slots=True)
class Machine:
    """`missing` and `silent` are spans of the year, whose length is 1: in the first the last device
    gives nothing, in the second no meter does. `whole` is the meter of the whole machine, if any,
    which reads `overhead_w` beyond the devices."""

    name: str
    source: str
    devices: tuple[Device, ...]
    whole: Device | None
    overhead_w: float
    other_w: float
    missing: tuple[tuple[float, float], ...]
    silent: tuple[tuple[float, float], ...]


MACHINES = (
    Machine(
        "here",
        "rapl+redfish",
        (Device("rapl", "package-0", "processor", 1.0, 18.0),),
        Device("redfish", "bmc", "machine", 0.0, 0.0),
        overhead_w=31.0,
        other_w=3.0,
        missing=(),
        silent=((0.401, 0.4014), (0.9, 0.9002)),
    ),
    Machine(
        "gpu-server",
        "dcgm",
        (
            Device("dcgm", "gpu-0", "accelerator", 0.5, 70.0),
            Device("dcgm", "gpu-1", "accelerator", 0.5, 72.0),
        ),
        None,
        overhead_w=6.0,
        other_w=0.0,
        missing=((0.25, 0.256), (0.7, 0.701)),
        silent=((0.52, 0.5207), (0.81, 0.8101)),
    ),
)
LOADING_W, LOADING_MINUTES = 90.0, (120, 123)  # the model is loaded anew early each first of a week


@dataclass(frozen=True, slots=True)
class Minutes:
    """The minutes of a day on one machine: when each begins and ends, and for which part of what it
    draws there is a reading: 1, less where a device is missing, 0 where all are."""

    begins: Integers
    ends: Integers
    known: Floats

    @property
    def seconds(self) -> Floats:
        return (self.ends - self.begins) / 1000


def minutes_of(machine: Machine, start: int, end: int, year: tuple[int, int]) -> Minutes:
    """The minutes from `start` to `end`, a day of the `year` (UTC epoch milliseconds)."""
    begins = np.arange(start, end, MINUTE_MS, dtype=np.int64)
    passed = (begins - year[0]) / (year[1] - year[0])
    known = np.ones(len(begins))
    known[_within(passed, machine.missing)] = 1 - machine.devices[-1].part
    known[_within(passed, machine.silent)] = 0.0
    return Minutes(begins, np.minimum(begins + MINUTE_MS, end), known)


@dataclass(frozen=True, slots=True)
class Metered:
    """Each request's joules, of them the prompt's, and whether and how they are known; and the
    joules of requests in each machine's minutes."""

    joules: Floats
    prefill: Floats
    missing: NDArray[np.bool_]
    used: list[Floats]


def meter(day: Workday, minutes: list[Minutes]) -> Metered:
    """Follow each request through the minutes that it is computed in, on its machine."""
    size = len(day.id)
    machine_of = np.array([_machine(served.machine) for served in MODELS])[day.model]
    power = np.array([served.active_w for served in MODELS])[day.model]
    joules, prefill = np.zeros(size), np.zeros(size)
    missing = np.zeros(size, dtype=bool)
    used: list[Floats] = []
    first_token = np.where(day.first_token_at >= 0, day.first_token_at, day.finished_at)
    for number, its in enumerate(minutes):
        drawn = np.zeros(len(its.begins))
        which = np.flatnonzero(machine_of == number)
        at = day.computed_from[which].copy()
        while len(which):
            minute = (at - its.begins[0]) // MINUTE_MS
            until = np.minimum(day.finished_at[which], its.begins[0] + (minute + 1) * MINUTE_MS)
            first = first_token[which]
            prompt = PREFILL_W * np.maximum(np.minimum(until, first) - at, 0)
            answer = np.maximum(until - np.maximum(at, first), 0)
            read = its.known[minute] * power[which] / 1000
            prefill[which] += prompt * read
            joules[which] += (prompt + answer) * read
            missing[which] |= its.known[minute] < 1
            drawn += np.bincount(minute, (prompt + answer) * read, len(drawn))
            more = until < day.finished_at[which]
            which, at = which[more], until[more]
        used.append(drawn)
    return Metered(joules, prefill, missing, used)


def energy_columns(day: Workday, metered: Metered) -> Columns:
    """What `requests` says of energy."""
    known = (metered.joules > 0) | ~metered.missing
    basis = np.where(metered.missing, "partial", "measured").astype(object)
    basis[~known] = "unknown"
    sources = {machine.name: machine.source for machine in MACHINES}
    by_model = np.array([sources[served.machine] for served in MODELS], dtype=object)
    return {
        "energy_j": or_none(metered.joules, known),
        "prefill_energy_j": or_none(metered.prefill, known),
        "energy_uncertainty_j": or_none(metered.joules * ACCURACY, known),
        "energy_basis": basis.tolist(),
        "energy_source": by_model[day.model].tolist(),
    }


def interval_columns(machine: Machine, minutes: Minutes, used: Floats, monday: bool) -> Columns:
    """The day's rows of `energy_intervals` on a machine."""
    known = minutes.known > 0
    size = len(used)
    idle_w = sum(device.idle_w for device in machine.devices)
    idle_w_known = np.where(minutes.known < 1, idle_w - machine.devices[-1].idle_w, idle_w)
    overhead = machine.overhead_w * minutes.known * minutes.seconds
    idle = idle_w_known * minutes.seconds
    other = machine.other_w * minutes.seconds
    loading = np.zeros(size)
    if monday:
        loading[slice(*LOADING_MINUTES)] = LOADING_W * 60
    loading *= minutes.known
    total = used + idle + overhead + loading + other
    basis = np.where(minutes.known < 1, "partial", "measured").astype(object)
    basis[~known] = "unknown"
    return {
        "minute_at": (minutes.begins - minutes.begins % MINUTE_MS).tolist(),
        "machine": [machine.name] * size,
        "started_at": minutes.begins.tolist(),
        "ended_at": minutes.ends.tolist(),
        "duration_ms": (minutes.ends - minutes.begins).tolist(),
        "total_j": or_none(total, known),
        "attributed_j": or_none(used, known),
        "idle_j": or_none(idle, known),
        "overhead_j": or_none(overhead, known),
        "loading_j": or_none(loading, known),
        "other_j": or_none(other, known),
        "unclaimed_j": or_none(np.zeros(size), known),
        "uncertainty_j": or_none(total * ACCURACY, known),
        "basis": basis.tolist(),
        "source": [machine.source] * size,
    }


def reading_columns(machine: Machine, minutes: Minutes, intervals: Columns) -> list[Columns]:
    """What each of the machine's meters read: the devices' add up to the total, but for the
    overhead that only a meter of the whole machine sees."""
    total, overhead = _numbers(intervals["total_j"]), _numbers(intervals["overhead_j"])
    of_devices = total - overhead if machine.whole else total
    missing = minutes.known < 1
    rows: list[Columns] = []
    left = of_devices
    for device in machine.devices[:-1]:
        read = np.where(missing, of_devices, of_devices * device.part)
        rows.append(_readings(machine, device, minutes, read, minutes.known > 0))
        left = left - read
    rows.append(_readings(machine, machine.devices[-1], minutes, left, ~missing))
    if machine.whole:
        rows.append(_readings(machine, machine.whole, minutes, total, minutes.known > 0))
    return rows


def _readings(
    machine: Machine, device: Device, minutes: Minutes, read: Floats, known: NDArray[np.bool_]
) -> Columns:
    size = len(read)
    duration = minutes.ends - minutes.begins
    return {
        "minute_at": (minutes.begins - minutes.begins % MINUTE_MS).tolist(),
        "machine": [machine.name] * size,
        "meter": [device.meter] * size,
        "device": [device.name] * size,
        "kind": [device.kind] * size,
        "basis": ["measured"] * size,
        "accuracy": [ACCURACY] * size,
        "energy_j": np.where(known, read, 0.0).tolist(),
        "known_ms": np.where(known, duration, 0).tolist(),
        "unknown_ms": np.where(known, 0, duration).tolist(),
    }


def _numbers(column: list[Any]) -> Floats:
    return np.array([value or 0.0 for value in column])


def _machine(name: str) -> int:
    return next(place for place, machine in enumerate(MACHINES) if machine.name == name)


def _within(passed: Floats, spans: tuple[tuple[float, float], ...]) -> NDArray[np.bool_]:
    inside = np.zeros(len(passed), dtype=bool)
    for begins, ends in spans:
        inside |= (passed >= begins) & (passed < ends)
    return inside
