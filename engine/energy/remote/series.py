"""One device's readings over time, as a count that rises steadily between them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.energy.meters import Count, Kind
from engine.energy.remote.reading import Reading

MAX_W: Mapping[Kind, float] = {"processor": 1e5, "accelerator": 1e5, "machine": 1e6}
"""No device draws this much: greater power is none, a greater difference another counter's."""
STALE_POLLS, STALE_S = 3, 5.0
MAX_REFRESH_S = 60.0  # a counter that stands still for longer measures nothing drawn


@dataclass(frozen=True, slots=True)
class _Line:
    started_at: float
    started_j: float
    lasts_s: float


class Series:
    """Plays a counter back as a straight line from one reading to the next.

    An exporter may refresh its figures every 30 s. Told as they come, their joules would all fall
    on whoever computes at that moment, and idle power would look like none. So each difference is
    spread over as much time as it took to gather: the power is the true one of the interval
    before, one refresh late, and the sum is the counter's. Nothing is told that was not read.

    A count needs an interval whose two ends are known. A first step began before anyone looked,
    so a counter is told from its second step, and power from its second reading.
    """

    def __init__(self, now: float, reading: Reading, every_s: float) -> None:
        """`every_s`: how often it is read."""
        self._every_s = every_s
        self._stale_s = max(STALE_POLLS * every_s, STALE_S)
        self._joules = 0.0
        self._epoch = 0
        self._restart(now, reading)
        self._lost = not _is_sane(reading)

    def _restart(self, now: float, reading: Reading) -> None:
        self._last = reading
        self._heard_at = self._moved_at = now
        self._moves = 0
        self._line: _Line | None = None
        self._lost = False

    def note(self, now: float, reading: Reading) -> None:
        if not _is_sane(reading):
            self._lose()
        elif self._lost:
            self._restart(now, reading)
        else:
            self._follow(now, reading)

    def _lose(self) -> None:
        """What is drawn until the next sane reading cannot be known."""
        if not self._lost:
            self._epoch += 1
        self._lost, self._line = True, None

    def _follow(self, now: float, reading: Reading) -> None:
        late = self.is_stale(now)
        step = self._step(now, reading)
        if step is None:  # what passed meanwhile is unknown
            self._epoch += 1
            self._restart(now, reading)
        elif late:
            # A counter knows what the gap took: within the epoch, but not to be spread over those
            # who come after it.
            self._joules += step
            self._restart(now, reading)
        else:
            self._advance(now, reading, step)

    def _step(self, now: float, reading: Reading) -> float | None:
        before, after = self._last.counter, reading.counter
        if before is not None and after is not None:
            step = after - before
            most = MAX_W[reading.kind] * max(now - self._moved_at, 0.001)
            return step if 0 <= step <= most else None
        if before is None and after is None and not self.is_stale(now):
            power = (self._last.watts or 0.0) + (reading.watts or 0.0)
            return power / 2 * (now - self._heard_at)
        return None

    def _advance(self, now: float, reading: Reading, step: float) -> None:
        counts = reading.counter is not None
        since, overdue = now - self._moved_at, self._is_overdue(now)
        self._last, self._heard_at = reading, now
        if counts and step == 0 and since < MAX_REFRESH_S:
            return
        shown = self._shown(now)
        self._joules += step
        self._moves += 1
        self._moved_at = now
        if overdue and step > 0:
            # As after a longer gap: what it took is for nobody who comes after it.
            self._line, self._moves = None, 1
        elif self._moves > 1 or not counts:
            start = self._joules - step if self._line is None else shown
            self._line = _Line(now, start, min(since, MAX_REFRESH_S))

    def is_stale(self, now: float) -> bool:
        return now - self._heard_at > self._stale_s

    @property
    def integrates(self) -> bool:
        return self._last.counter is None

    @property
    def interval_s(self) -> float:
        """How long the last interval was: by so much the count is late."""
        return self._line.lasts_s if self._line else 0.0

    def count(self, now: float) -> Count | None:
        """None: not heard of lately, or not yet for long enough."""
        if self._line is None or self.is_stale(now) or self._is_overdue(now):
            return None
        return Count(self._shown(now), self._epoch)

    def _is_overdue(self, now: float) -> bool:
        """All that was read has been played back, and what should have followed has not come:
        nothing is known of now, which is not the same as nothing drawn.

        Another whole interval is waited for: polls are late by a third at times, and after one
        that was late the next interval is short, so it is a poll's time at least. A counter that
        was heard to stand still has a poll more: refreshed every 1.5 s and read every second, it
        moves after one poll and after two by turns.
        """
        line = self._line
        if line is None:
            return False
        waits_s = max(line.lasts_s, self._every_s)
        if self._heard_at > line.started_at:
            waits_s += self._every_s
        return now - line.started_at > line.lasts_s + waits_s

    def last_step(self, now: float) -> tuple[float, Count] | None:
        """When it was last read to have moved, and what it had counted by then: known at once, for
        those who look back. None: not heard of lately, or not seen to move yet."""
        if self._lost or self.is_stale(now) or (self._moves == 0 and not self.integrates):
            return None
        return self._moved_at, Count(self._joules, self._epoch)

    def _shown(self, now: float) -> float:
        line = self._line
        if line is None or line.lasts_s <= 0:
            return self._joules
        part = min(1.0, (now - line.started_at) / line.lasts_s)
        return line.started_j + (self._joules - line.started_j) * part


def _is_sane(reading: Reading) -> bool:
    """Whether a device may tell this. Errors look like figures: 0xFFFFFFFF milliwatts, NaN."""
    if reading.counter is not None:
        return math.isfinite(reading.counter) and reading.counter >= 0
    return reading.watts is not None and 0 <= reading.watts <= MAX_W[reading.kind]
