"""One device's counter over time, told in windows that may be shorter than the counter's step."""

from collections import deque

from engine.energy.meters import Count

_KEPT = 64  # samples: some seconds at 10 Hz


class Timeline:
    """Turns counts into the joules of consecutive windows.

    A counter refreshed every 0.1 s says nothing of a window of 0.02 s. So a window shorter than
    `settle_s` is told mostly what the power of the last `settle_s` comes to, and what the counter
    says otherwise is carried into the windows after it. The sum over windows stays the counter's.
    """

    def __init__(self, settle_s: float, now: float, count: Count | None) -> None:
        self._settle_s = settle_s
        self._opened_at = now
        self._opened = count
        self._told_j = count.joules if count else 0.0
        self._samples: deque[tuple[float, Count]] = deque(maxlen=_KEPT)
        self._latest: Count | None = None
        self.sample(now, count)

    def sample(self, now: float, count: Count | None) -> None:
        """Notes a reading; None: the device did not answer."""
        if count is not None:
            if self._samples and self._samples[-1][1].epoch != count.epoch:
                self._samples.clear()
            self._samples.append((now, count))
        self._latest = count

    def forget(self) -> None:
        """What passed since the window opened cannot be known (the machine slept)."""
        self._samples.clear()
        self._opened = None

    def close(self, now: float) -> tuple[float, float] | None:
        """(joules told, joules counted) of the window that ends at the last sample, taken `now`.

        None: unknown, for want of a reading at the window's start or end.
        """
        opened, latest, elapsed = self._opened, self._latest, now - self._opened_at
        self._opened, self._opened_at = latest, now
        if opened is None or latest is None or opened.epoch != latest.epoch:
            # What the counter gathered meanwhile is nobody's; the next window starts afresh.
            self._told_j = latest.joules if latest else 0.0
            return None
        waiting = latest.joules - self._told_j
        settled = elapsed / self._settle_s if elapsed < self._settle_s else 1.0
        usual = self._recent_power(now, latest) * elapsed
        told = max(0.0, usual + (waiting - usual) * settled)
        self._told_j += told
        return told, latest.joules - opened.joules

    def _recent_power(self, now: float, latest: Count) -> float:
        """Watts over the last `settle_s`, or as far back as the samples go."""
        at, count = self._samples[0]
        for sampled_at, sampled in self._samples:
            if sampled_at > now - self._settle_s:
                break
            at, count = sampled_at, sampled
        return (latest.joules - count.joules) / (now - at) if now > at else 0.0
