"""What a meter on the network counted at a moment that has passed."""

from collections import deque
from itertools import pairwise

from engine.energy.meters import Count, MeterError
from engine.energy.remote.meter import RemoteMeter


class Recorded:
    """A meter that is read as of `moment`, so that meters that tell more and less often are read as
    of the same one: between two of its readings a count rises steadily.

    A device is left out unless its count is known at `since`, too: where a window begins before a
    meter was heard, nothing of the window is known.
    """

    settle_s = 0.0  # a window ends with a reading, so there is nothing to settle
    floor_w: float | None = None

    def __init__(self, meter: RemoteMeter) -> None:
        self.meter = meter
        self.since = self.moment = 0.0
        self._steps: dict[str, deque[tuple[float, Count]]] = {}
        self._silent: set[str] = set()
        self._describe()

    def _describe(self) -> None:
        self.source, self.basis = self.meter.source, self.meter.basis
        self.kind, self.accuracy = self.meter.kind, self.meter.accuracy

    def note(self, needed_from: float) -> float | None:
        """Record what it read, and forget what nobody asks for any more; the moment up to which it
        is known, None where it is silent."""
        self._describe()
        latest = self.meter.last_steps()
        for name, step in latest.items():
            if name in self._silent:
                self._steps.pop(name, None)  # what it drew meanwhile was drawn nobody knows when
            steps = self._steps.setdefault(name, deque())
            if not steps or step[0] > steps[-1][0]:
                steps.append(step)
            while len(steps) > 2 and steps[1][0] <= needed_from:
                steps.popleft()
        self._silent = self._steps.keys() - latest.keys()
        return min((moment for moment, _ in latest.values()), default=None)

    def read(self) -> dict[str, Count]:
        before, then = self._at(self.since), self._at(self.moment)
        found = {name: count for name, count in then.items() if name in before}
        if not found:
            raise MeterError(self.meter.problem or "It told nothing of that moment.")
        return found

    def detail(self) -> str:
        return self.meter.detail()

    def _at(self, moment: float) -> dict[str, Count]:
        found = {name: _count_at(moment, steps) for name, steps in self._steps.items()}
        return {name: count for name, count in found.items() if count is not None}


def _count_at(moment: float, steps: deque[tuple[float, Count]]) -> Count | None:
    for (earlier, before), (later, after) in pairwise(steps):
        if earlier <= moment <= later and before.epoch == after.epoch:
            part = (moment - earlier) / (later - earlier)
            return Count(before.joules + (after.joules - before.joules) * part, after.epoch)
    return None
