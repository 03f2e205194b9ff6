"""The estimate for machines without a meter: processor time × thermal design power.

    power = 10% of TDP + 90% of TDP × share of the processors that are busy + memory

A straight line, so that joules follow from two counters alone and no reading can be missed. The
10% floor is what CodeCarbon assumes; published comparisons with wall meters put the error of such
models at up to 40% (arXiv 2509.22092).
"""

import time
from collections.abc import Callable

import psutil

from engine.energy import tdp
from engine.energy.meters import Basis, Count, Kind
from engine.energy.processor import ProcessorTime, model_name, processor_time

FLOOR = 0.1
MEMORY_W_PER_GIB = 0.375  # 3 W for 8 GiB, CodeCarbon's figure before it counted modules
ERROR = 0.4


class EstimateMeter:
    """Always works. `tdp_w` is the whole processor's as this machine sees it; None: looked up."""

    source = "cpu-estimate"
    basis: Basis = "estimated"
    kind: Kind = "processor"
    settle_s = 0.2  # processor time is counted in ticks of 0.01 s

    def __init__(
        self,
        tdp_w: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], ProcessorTime] = processor_time,
    ) -> None:
        self._clock, self._processor = clock, processor
        self._logical = psutil.cpu_count() or 1
        cores = psutil.cpu_count(logical=False) or self._logical
        self.tdp_w, self._why = (tdp_w, "as set") if tdp_w else _look_up(cores)
        self.memory_w = psutil.virtual_memory().total / 2**30 * MEMORY_W_PER_GIB
        self.floor_w: float | None = FLOOR * self.tdp_w + self.memory_w
        self._started, self._busy_at_start = clock(), processor().everybody_s
        self._busy_s = 0.0

    def read(self) -> dict[str, Count]:
        # The kernel's busy time may go back by a tick.
        self._busy_s = max(self._busy_s, self._processor().everybody_s - self._busy_at_start)
        floor_w = FLOOR * self.tdp_w + self.memory_w
        per_busy_second = (1 - FLOOR) * self.tdp_w / self._logical
        joules = floor_w * (self._clock() - self._started) + per_busy_second * self._busy_s
        return {"processor": Count(joules)}

    def detail(self) -> str:
        return (
            f"estimated from processor time × {self.tdp_w:.0f} W ({self._why}) "
            f"and {self.memory_w:.1f} W of memory; may be {ERROR:.0%} off"
        )


def _look_up(cores: int) -> tuple[float, str]:
    found = tdp.find(model_name())
    if found is None:
        return cores * tdp.DEFAULT_W_PER_CORE, (
            f"{cores} cores of an unlisted processor at {tdp.DEFAULT_W_PER_CORE:.0f} W each"
        )
    name, chip = found
    return cores * chip.tdp_w / chip.cores, (
        f"{cores} cores of an {name}, {chip.tdp_w:.0f} W for {chip.cores}"
    )
