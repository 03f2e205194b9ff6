"""How far a simulation is, for whoever waits for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count

from dashboard.costs.ownership.terms import Figures
from dashboard.costs.queueing.limits import Watch


class Progress(Figures):
    """A run begins, of a team of `developers`; `done` have ended or turned out not to be needed.
    `of` is how many there are at most: a search may end early."""

    phase: str
    developers: int
    done: int
    of: int


Tell = Callable[[Progress], None]


def nobody(_progress: Progress) -> None:
    """Nobody waits."""


@dataclass(frozen=True, slots=True)
class Course:
    """Phases in their order, each with the most runs that it takes."""

    tell: Tell
    phases: Mapping[str, int]

    def of(self, phase: str) -> Watch:
        """Tells of each run of this phase."""
        names = list(self.phases)
        before = sum(self.phases[name] for name in names[: names.index(phase)])
        whole = sum(self.phases.values())
        done = count(before)

        def watch(developers: int) -> None:
            progress = Progress(phase=phase, developers=developers, done=next(done), of=whole)
            self.tell(progress)

        return watch
