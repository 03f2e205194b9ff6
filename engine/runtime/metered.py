"""An engine's step with its energy noted."""

import time

from engine.energy.attribution import Attributor
from engine.runtime.engine import Engine, StepResult
from engine.runtime.work import work_done


def metered_step(engine: Engine, attributor: Attributor) -> StepResult:
    """Runs a step and tells the attributor when, with how much processor time, and for whom."""
    started, processor_s = time.monotonic(), time.process_time()
    result = engine.step()
    if result.processed:
        ended, processor_s = time.monotonic(), time.process_time() - processor_s
        attributor.step(started, ended, work_done(engine.model, result.processed), processor_s)
    return result
