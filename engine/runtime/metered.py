"""An engine whose steps' energy is noted."""

import time
from collections.abc import Sequence

from engine.energy.attribution import Attributor
from engine.energy.window import EnergyWindow
from engine.runtime.engine import Engine, Processed, StepResult
from engine.runtime.work import Sizes, work_done

# Just after a step the processor's caches are full of weights, and to note one takes four times as
# long as to note one after another.
_AT_ONCE = 16
_IN_A_ROW_S = 0.05


class MeteredEngine:
    """Tells the attributor of each step when it ran, with how much processor time, and for whom.

    What this process does between steps in a row (telling what came of the last one, taking in new
    requests, noting energy) is part of the next: it is done for who is computed.

    Windows are to be closed here, so that no step is left for the next one.
    """

    def __init__(self, engine: Engine, attributor: Attributor) -> None:
        self._engine, self._attributor = engine, attributor
        self._experts: int | None = None
        self._sizes = Sizes.of(engine.model)
        self._ended, self._ended_processor_s = 0.0, 0.0
        self._unnoted: list[tuple[float, float, float, Sizes, Sequence[Processed]]] = []

    def step(self) -> StepResult:
        experts = self._engine.model.experts_per_token
        if experts != self._experts:
            self._experts, self._sizes = experts, Sizes.of(self._engine.model)
        started = time.monotonic()
        in_a_row = started - self._ended < _IN_A_ROW_S
        processor_s = self._ended_processor_s if in_a_row else time.process_time()
        result = self._engine.step()
        if result.processed:
            self._ended, self._ended_processor_s = time.monotonic(), time.process_time()
            took_s = self._ended_processor_s - processor_s
            self._unnoted.append((started, self._ended, took_s, self._sizes, result.processed))
            if len(self._unnoted) >= _AT_ONCE:
                self._note()
        return result

    def close_window(self) -> EnergyWindow:
        self._note()
        return self._attributor.close_window()

    def _note(self) -> None:
        for started, ended, processor_s, sizes, processed in self._unnoted:
            self._attributor.step(started, ended, work_done(sizes, processed), processor_s)
        self._unnoted.clear()
