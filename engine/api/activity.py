"""What the engine and the upstreams did in the last half hour, for the Engine page.

Kept in memory: a few numbers a second, how often each expert was chosen by the minute, how requests
ended, and a log of what happened. Nothing of it is a prompt or an answer.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from db.ids import now_ms
from engine.api.events import (
    EnergyMeasured,
    EngineState,
    Event,
    LoadTold,
    RequestBegun,
    RequestFinished,
    RequestRefused,
    RequestStarted,
    UpstreamChanged,
)
from engine.api.upstreams.flow import UpstreamLoad
from engine.runtime.protocol import Load

KEPT_MS = 30 * 60_000
MINUTE_MS = 60_000
MOST_SAMPLES = 2_000  # one a second and some more
MOST_ENDED = 20_000
MOST_LOGGED = 300
MOST_REFUSED = 50  # apart from those, so that strangers push nothing else out of the log

Logged = (
    EngineState | RequestStarted | RequestBegun | RequestFinished | RequestRefused | UpstreamChanged
)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """`number` counts up from the process's start (UTC epoch milliseconds), so that an open page
    takes no entry of one process for another's; `times`: so often the like was refused in a row."""

    number: int
    at_ms: int
    event: Logged
    times: int = 1


@dataclass(frozen=True, slots=True)
class ExpertUse:
    """`counts[layer][expert]`: how often `tokens` tokens chose each, from `since_ms` on."""

    counts: NDArray[np.int64]
    tokens: int
    since_ms: int


@dataclass(frozen=True, slots=True)
class Recent:
    """What happened from a moment on, oldest first; of the log, the newest entries of all. Loads
    and endings come with the time at which they were told (UTC epoch milliseconds)."""

    loads: list[tuple[int, Load]]
    flows: list[tuple[int, UpstreamLoad]]
    ended: list[tuple[int, RequestFinished]]
    experts: ExpertUse | None
    log: list[LogEntry]


@dataclass(slots=True)
class _Minute:
    start_ms: int
    tokens: int
    counts: NDArray[np.int64]


@dataclass(slots=True)
class Activity:
    """Any thread may ask; what happens is told from one."""

    clock_ms: Callable[[], int] = now_ms
    _loads: deque[tuple[int, Load]] = field(default_factory=lambda: deque(maxlen=MOST_SAMPLES))
    _flows: deque[tuple[int, UpstreamLoad]] = field(
        default_factory=lambda: deque(maxlen=MOST_SAMPLES)
    )
    _ended: deque[tuple[int, RequestFinished]] = field(
        default_factory=lambda: deque(maxlen=MOST_ENDED)
    )
    _minutes: deque[_Minute] = field(default_factory=deque)
    _per_token: int = 0
    _log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=MOST_LOGGED))
    _refused: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=MOST_REFUSED))
    _newest: LogEntry | None = None
    _started_ms: int = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._started_ms = self.clock_ms()

    def note(self, event: Event) -> None:
        """Something happened that belongs into the log."""
        if isinstance(event, LoadTold | EnergyMeasured):
            return
        now = self.clock_ms()
        with self._lock:
            self._append(now, event)
            if isinstance(event, RequestFinished):
                self._ended.append((now, event))

    def note_load(self, load: Load) -> None:
        """What the engine on this machine did."""
        now = self.clock_ms()
        with self._lock:
            self._loads.append((now, replace(load, experts=None)))
            if load.experts is not None:
                counts = np.array(load.experts, np.int64)
                self._count_experts(now, counts, load.experts_tokens, load.experts_per_token)

    def note_flow(self, flow: UpstreamLoad) -> None:
        """What the upstreams did."""
        now = self.clock_ms()
        with self._lock:
            self._flows.append((now, flow))

    def recent(self, since_ms: int) -> Recent:
        """From `since_ms` on, at most half an hour. Expert use is by whole minutes."""
        with self._lock:
            return Recent(
                [told for told in self._loads if told[0] >= since_ms],
                [told for told in self._flows if told[0] >= since_ms],
                [told for told in self._ended if told[0] >= since_ms],
                self._experts(since_ms),
                sorted([*self._log, *self._refused], key=lambda entry: entry.number),
            )

    def _append(self, now: int, event: Logged) -> None:
        last = self._newest
        entry = LogEntry(last.number + 1 if last else self._started_ms, now, event)
        kept = self._refused if isinstance(event, RequestRefused) else self._log
        if last is not None and (alike := _refused_alike(last.event, event)):
            kept.pop()
            entry = replace(entry, event=alike, times=last.times + 1)
        elif last is not None and _is_progress(last.event, event):
            kept.pop()
        kept.append(entry)
        self._newest = entry

    def _count_experts(
        self, now: int, counts: NDArray[np.int64], tokens: int, per_token: int
    ) -> None:
        """What was counted of another model, or with other experts a token, is not comparable."""
        minutes = self._minutes
        if minutes and (minutes[-1].counts.shape != counts.shape or per_token != self._per_token):
            minutes.clear()
        self._per_token = per_token
        while minutes and minutes[0].start_ms < now - KEPT_MS - MINUTE_MS:
            minutes.popleft()
        start = now - now % MINUTE_MS
        if minutes and minutes[-1].start_ms == start:
            minutes[-1].counts += counts
            minutes[-1].tokens += tokens
        else:
            minutes.append(_Minute(start, tokens, counts))

    def _experts(self, since_ms: int) -> ExpertUse | None:
        wanted = [one for one in self._minutes if one.start_ms + MINUTE_MS > since_ms]
        if not wanted:
            return None
        return ExpertUse(
            np.sum([one.counts for one in wanted], axis=0),
            sum(one.tokens for one in wanted),
            wanted[0].start_ms,
        )


def _refused_alike(before: Logged, now: Logged) -> RequestRefused | None:
    """Both in one, where they differ in the client at most, which a caller names as they like."""
    if not (isinstance(before, RequestRefused) and isinstance(now, RequestRefused)):
        return None
    if replace(before, client=now.client) != now:
        return None
    return now if before.client == now.client else replace(now, client=None)


def _is_progress(before: Logged, now: Logged) -> bool:
    """Whether an entry only goes on with the one before it, such as more bytes of the weights."""
    if not (isinstance(before, EngineState) and isinstance(now, EngineState)):
        return False
    return before.name == now.name == "fetching"
