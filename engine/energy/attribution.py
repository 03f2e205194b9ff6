"""Whose joules: splits what the meters read over the requests that were computed.

Time is cut into windows. In each, for every device:

    read = idle power × duration + the rest

Idle power is measured: what was drawn in windows in which no step ran. A processor's rest is split
by processor time, as Kepler does: this process's steps, its own and the gateway's other work
(overhead), other programs. An accelerator's rest is the steps' alone. What steps took is divided
over them by processor time or by duration, and within a step over its requests (`work.py`).
Whatever is left is idle, so that all parts add up to the total in every window.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from engine.energy.devices import DeviceName, Devices, slept_s
from engine.energy.meter_set import MeterSet
from engine.energy.processor import ProcessorTime, processor_time
from engine.energy.whole import Counted, Whole
from engine.energy.window import DeviceEnergy, EnergyWindow
from engine.energy.work import Part, StepCosts, Work, parts_of

log = logging.getLogger(__name__)

SAMPLE_EVERY_S = 0.1
UNCALIBRATED = StepCosts()

_CONTIGUOUS_MS = 50


@dataclass(slots=True)
class _Step:
    """`parts` by request; empty where it was for no request, or `loading` the model."""

    duration_s: float
    processor_s: float
    parts: Mapping[int, Part]
    loading: bool = False


@dataclass(slots=True)
class _Uses:
    """Joules by what they were for; all that is in none of these is idle."""

    steps_by_time: float = 0.0  # of accelerators, to be divided over steps by duration
    steps_by_processor: float = 0.0
    overhead: float = 0.0
    loading: float = 0.0
    other: float = 0.0


class Attributor:
    """Reads the meters ten times a second, in a thread between `start` and `stop`, and splits.

    Close windows between steps: a step belongs to the window in which it ended. Every method may be
    called from any thread.
    """

    def __init__(
        self,
        meters: MeterSet,
        costs: StepCosts = UNCALIBRATED,
        idle_w: Mapping[DeviceName, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        slept: Callable[[], float] = slept_s,
        processor: Callable[[], ProcessorTime] = processor_time,
    ) -> None:
        self.costs = costs
        self._wall, self._processor = wall, processor
        self._devices = Devices(meters, clock, slept, idle_w or {})
        self._whole = Whole()
        # A meter may take its time to answer: steps are noted meanwhile.
        self._reading, self._noting = threading.Lock(), threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._steps: list[_Step] = []
        self._processor_time = processor()
        self._opened_ms = int(wall() * 1000)
        self._opened_at = self._devices.sample()

    def start(self) -> Self:
        """Starts sampling between windows; without it meters are read at each window's end only."""
        self._thread = threading.Thread(target=self._run, name="energy", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def step(
        self,
        started: float,
        ended: float,
        work: Mapping[int, Work],
        processor_s: float | None = None,
        *,
        loading: bool = False,
    ) -> None:
        """Notes an engine step: its start and end by the clock, the processor time that it took
        (None: its duration), and what it did for whom; or that the model was being loaded."""
        parts = parts_of(work, self.costs)
        with self._noting:
            duration = max(0.0, ended - max(started, self._opened_at))
            took = duration if processor_s is None else processor_s
            self._steps.append(_Step(duration, took, parts, loading))

    def close_window(self) -> EnergyWindow:
        """Reads the meters and splits what passed since the last call (or the start)."""
        with self._reading:
            now, processor = self._devices.sample(), self._processor()
            duration = now - self._opened_at
            with self._noting:
                steps, self._steps = self._steps, []
            drawn = self._devices.close(now, duration, quiet=not steps)
            counted = self._whole.count(drawn, duration, quiet=not steps)
            busy = processor - self._processor_time
            started_ms, ended_ms = self._wall_times(duration)
            self._opened_at, self._opened_ms = now, ended_ms
            self._processor_time = processor
        devices = [one.energy for one in drawn]
        return _window(counted, steps, busy, duration, (started_ms, ended_ms), devices)

    def _run(self) -> None:
        while not self._stopping.wait(SAMPLE_EVERY_S):
            try:
                with self._reading:
                    self._devices.sample()
            except Exception:  # a meter's fault must not end the others' sampling
                log.exception("The energy meters could not be read.")

    def _wall_times(self, duration: float) -> tuple[int, int]:
        """UTC milliseconds of the window's ends; windows touch unless the clock was set."""
        ended = int(self._wall() * 1000)
        started = ended - round(duration * 1000)
        if abs(started - self._opened_ms) <= _CONTIGUOUS_MS:
            started = self._opened_ms
        return started, ended


def _window(
    counted: Counted,
    steps: list[_Step],
    busy: ProcessorTime,
    duration_s: float,
    times_ms: tuple[int, int],
    devices: list[DeviceEnergy],
) -> EnergyWindow:
    shares: dict[int, float | None] = {}
    prefill: dict[int, float] = {}
    uses, idle = _Uses(), None
    if counted.total_j is None:
        shares = {request: None for step in steps for request in step.parts}
    else:
        uses = _uses(counted, steps, busy, duration_s)
        shares, prefill = _divide(uses, steps)
        known = [share for share in shares.values() if share is not None]
        used = [*known, uses.overhead, uses.loading, uses.other]
        idle = max(0.0, math.fsum([counted.total_j, *(-part for part in used)]))
    return EnergyWindow(
        started_at_ms=times_ms[0],
        ended_at_ms=times_ms[1],
        duration_s=duration_s,
        total_j=counted.total_j,
        idle_j=idle,
        shares=shares,
        basis=counted.basis,
        source=counted.source,
        overhead_j=uses.overhead,
        loading_j=uses.loading,
        other_j=uses.other,
        prefill=prefill,
        uncertainty_j=counted.uncertainty_j,
        devices=devices,
    )


def _uses(counted: Counted, steps: list[_Step], busy: ProcessorTime, duration_s: float) -> _Uses:
    """What the devices' joules beyond idling were for."""
    uses = _Uses(overhead=counted.overhead_j)
    in_steps = math.fsum(step.duration_s for step in steps)
    own = math.fsum(step.processor_s for step in steps)
    everybody = max(busy.everybody_s, own + busy.gateway_s)
    ours = max(busy.own_s, own) + busy.gateway_s
    for part in counted.parts:
        if part.idle_w is None:
            # Before idling was ever seen, the time without steps stands for it.
            idle = part.joules * max(0.0, 1 - in_steps / duration_s) if duration_s > 0 else 0.0
        else:
            idle = min(part.joules, part.idle_w * duration_s)
        rest = part.joules - idle
        if part.is_processor and everybody > 0:
            uses.steps_by_processor += rest * min(1.0, own / everybody)
            uses.overhead += rest * max(0.0, min(ours, everybody) - own) / everybody
            uses.other += rest * max(0.0, everybody - ours) / everybody
        elif part.is_processor and steps:
            uses.steps_by_processor += rest
        elif steps:
            uses.steps_by_time += rest
        elif part.idle_w is not None:
            uses.other += rest  # nothing of ours ran on it
    return uses


def _divide(uses: _Uses, steps: list[_Step]) -> tuple[dict[int, float | None], dict[int, float]]:
    """Joules over the steps' requests, and over their prompts; those of steps without requests go
    to `uses`."""
    shares: dict[int, list[float]] = {request: [] for step in steps for request in step.parts}
    prefill: dict[int, list[float]] = {}
    seconds = math.fsum(step.duration_s for step in steps)
    processor_s = math.fsum(step.processor_s for step in steps)
    for step in steps:
        by_time = step.duration_s / seconds if seconds > 0 else 1 / len(steps)
        by_processor = step.processor_s / processor_s if processor_s > 0 else by_time
        joules = uses.steps_by_time * by_time + uses.steps_by_processor * by_processor
        if step.loading:
            uses.loading += joules
        elif not step.parts:
            uses.overhead += joules
        for request, part in step.parts.items():
            shares[request].append(joules * part.whole)
            if part.prefill:
                prefill.setdefault(request, []).append(joules * part.prefill)
    told: dict[int, float | None] = {key: math.fsum(parts) for key, parts in shares.items()}
    return told, {key: math.fsum(parts) for key, parts in prefill.items()}
