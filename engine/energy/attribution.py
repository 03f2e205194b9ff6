"""Whose joules: splits what the meters read over the requests that were computed.

Time is cut into windows. In each, per device:

    total = idle power × duration + the rest
    rest  = active joules of our steps + (processors only) what other programs used

Idle power is measured: the lowest power of the last windows in which no step ran. A processor's
rest is split between this process and the others by processor time, as Kepler does. Active joules
go to the window's steps by duration, and within a step to its requests by work done. Whatever is
not a request's is booked as idle, so that shares + idle = total in every window.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from engine.energy.meter_set import MeterSet
from engine.energy.meters import Count, Meter, MeterError
from engine.energy.processor import ProcessorTime, processor_time
from engine.energy.timeline import Timeline

SAMPLE_EVERY_S = 0.1
BYTE_IN_FLOPS = 8.0
"""Work of moving a byte, in floating-point operations: about where common processors' arithmetic
and memory take equally long. Only how a step divides over its requests depends on it."""

_QUIET_WINDOW_S = 0.5  # shorter ones say too little of idle power
_QUIET_WINDOWS = 60
_CONTIGUOUS_MS = 50
_SLEPT_S = 0.5


@dataclass(frozen=True, slots=True)
class Work:
    """What a step computed for one request.

    `flops` are those of its own tokens with the experts that they chose; `bytes_moved` its own
    cache plus its part of the weights read (bytes read once for several requests are divided among
    them).
    """

    prefill_tokens: int
    decode_tokens: int
    flops: float
    bytes_moved: float

    @property
    def weight(self) -> float:
        return self.flops + BYTE_IN_FLOPS * self.bytes_moved

    def __add__(self, other: "Work") -> "Work":
        return Work(
            self.prefill_tokens + other.prefill_tokens,
            self.decode_tokens + other.decode_tokens,
            self.flops + other.flops,
            self.bytes_moved + other.bytes_moved,
        )


@dataclass(frozen=True, slots=True)
class EnergyWindow:
    """The joules between two moments: Σ `shares` + `idle_j` = `total_j`.

    With `total_j` None (a meter failed) `idle_j` and all shares are None and the basis is unknown.
    Times are UTC epoch milliseconds; `duration_s` is by the monotonic clock.
    """

    started_at_ms: int
    ended_at_ms: int
    duration_s: float
    total_j: float | None
    idle_j: float | None
    shares: dict[int, float | None]
    basis: Literal["measured", "estimated", "unknown"]
    source: str


@dataclass(slots=True)
class _Device:
    meter: Meter
    timeline: Timeline
    quiet_w: deque[float] = field(default_factory=lambda: deque(maxlen=_QUIET_WINDOWS))

    @property
    def idle_w(self) -> float | None:
        if self.meter.floor_w is not None:
            return self.meter.floor_w
        return min(self.quiet_w, default=None)


@dataclass(frozen=True, slots=True)
class _Step:
    duration_s: float
    weights: dict[int, float]  # request → its part of the step; they add up to 1


def slept_s() -> float:
    """Seconds that this machine was suspended since it started."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Attributor:
    """Reads the meters ten times a second, in a thread between `start` and `stop`, and splits.

    Open it once the model is loaded, or loading counts as idling. Close windows between steps: a
    step belongs to the window in which it ended. Every method may be called from any thread.
    """

    def __init__(
        self,
        meters: MeterSet,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        slept: Callable[[], float] = slept_s,
        processor: Callable[[], ProcessorTime] = processor_time,
    ) -> None:
        self._meters = meters
        self._clock, self._wall, self._slept, self._processor = clock, wall, slept, processor
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._devices: dict[tuple[str, str], _Device] = {}
        self._steps: list[_Step] = []
        self._slept_s = slept()
        self._processor_time = processor()
        self._opened_ms = int(wall() * 1000)
        self._opened_at = self._sample()

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

    def step(self, started: float, ended: float, work: Mapping[int, Work]) -> None:
        """Notes an engine step: its start and end by the clock, and what it did for whom."""
        with self._lock:
            duration = ended - max(started, self._opened_at)
            self._steps.append(_Step(max(0.0, duration), _weights(work)))

    def close_window(self) -> EnergyWindow:
        """Reads the meters and splits what passed since the last call (or the start)."""
        with self._lock:
            now, processor = self._sample(), self._processor()
            duration = now - self._opened_at
            steps, self._steps = self._steps, []
            own = _own_share(self._processor_time, processor)
            total, active = self._close_devices(now, duration, steps, own)
            started_ms, ended_ms = self._wall_times(duration)
            self._opened_at, self._opened_ms = now, ended_ms
            self._processor_time = processor
        shares = _split(active, steps)
        given = [-share for share in shares.values() if share is not None]
        return EnergyWindow(
            started_at_ms=started_ms,
            ended_at_ms=ended_ms,
            duration_s=duration,
            total_j=total,
            idle_j=None if total is None else max(0.0, math.fsum([total, *given])),
            shares=shares,
            basis="unknown" if total is None else self._meters.basis,
            source=self._meters.source,
        )

    def _run(self) -> None:
        while not self._stopping.wait(SAMPLE_EVERY_S):
            with self._lock:
                self._sample()

    def _sample(self) -> float:
        """Reads every meter; returns when."""
        slept = self._slept()
        if slept - self._slept_s > _SLEPT_S:
            for device in self._devices.values():
                device.timeline.forget()
        self._slept_s = slept
        now = self._clock()
        for meter in self._meters.meters:
            try:
                counts: Mapping[str, Count] = meter.read()
            except MeterError:
                counts = {}
            for name, count in counts.items():
                if (meter.source, name) not in self._devices:
                    timeline = Timeline(meter.settle_s, now, count)
                    self._devices[meter.source, name] = _Device(meter, timeline)
            for (source, name), device in self._devices.items():
                if source == meter.source:
                    device.timeline.sample(now, counts.get(name))
        return now

    def _close_devices(
        self, now: float, duration: float, steps: list[_Step], own: float
    ) -> tuple[float | None, float | None]:
        """(total, active) joules over all devices; unknown if one of them is."""
        windows = [(device, device.timeline.close(now)) for device in self._devices.values()]
        if not windows or any(window is None for _, window in windows):
            return None, None
        busy = math.fsum(step.duration_s for step in steps) / duration if duration > 0 else 1.0
        totals, actives = [], []
        for device, window in windows:
            told, counted = window or (0.0, 0.0)
            totals.append(told)
            if steps:
                idle_w = device.idle_w
                # Before idling was ever seen, the time without steps stands for it.
                idle = told * max(0.0, 1 - busy) if idle_w is None else idle_w * duration
                rest = max(0.0, told - idle)
                actives.append(rest * own if device.meter.kind == "processor" else rest)
            elif duration >= _QUIET_WINDOW_S:
                device.quiet_w.append(counted / duration)
        return math.fsum(totals), math.fsum(actives)

    def _wall_times(self, duration: float) -> tuple[int, int]:
        """UTC milliseconds of the window's ends; windows touch unless the clock was set."""
        ended = int(self._wall() * 1000)
        started = ended - round(duration * 1000)
        if abs(started - self._opened_ms) <= _CONTIGUOUS_MS:
            started = self._opened_ms
        return started, ended


def _weights(work: Mapping[int, Work]) -> dict[int, float]:
    """Each request's part of a step. Where no work is told: by tokens, else evenly."""
    measures: tuple[Callable[[Work], float], ...] = (
        lambda done: done.weight,
        lambda done: done.prefill_tokens + done.decode_tokens,
        lambda done: 1.0,
    )
    for measure in measures:
        weights = {request: measure(done) for request, done in work.items()}
        total = math.fsum(weights.values())
        if total > 0:
            return {request: weight / total for request, weight in weights.items()}
    return {}


def _split(active: float | None, steps: list[_Step]) -> dict[int, float | None]:
    """Active joules over the requests of the steps; None for each where they are unknown."""
    parts: dict[int, list[float]] = {request: [] for step in steps for request in step.weights}
    if active is None:
        return dict.fromkeys(parts)
    seconds = math.fsum(step.duration_s for step in steps)
    for step in steps:
        part = step.duration_s / seconds if seconds > 0 else 1 / len(steps)
        for request, weight in step.weights.items():
            parts[request].append(active * part * weight)
    return {request: math.fsum(values) for request, values in parts.items()}


def _own_share(before: ProcessorTime, after: ProcessorTime) -> float:
    """This process's part of the time that the processors were busy."""
    own, everybody = after.own_s - before.own_s, after.everybody_s - before.everybody_s
    return 1.0 if everybody <= own else own / everybody
