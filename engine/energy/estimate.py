"""The estimate for machines without a meter: processor time × thermal design power.

    power = 10% of TDP + 90% of TDP × share of the processors that are busy + memory

A straight line, so that joules follow from two counters alone and no reading can be missed. The
10% floor is what CodeCarbon assumes.

In a container all of this is the host's: the kernel counts everybody's processor time in
/proc/stat and tells every processor, whatever the container may use. So the whole host is
estimated, and requests get their part of it by processor time. A virtual machine sees its own
processors only.
"""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from engine.energy import tdp
from engine.energy.meters import Accuracy, Basis, Count, Kind
from engine.energy.processor import ProcessorTime, model_name, processor_time

FLOOR = 0.1
MEMORY_W_PER_GIB = 0.375  # 3 W for 8 GiB, CodeCarbon's figure before it counted modules
MODEL_ERROR = Accuracy(
    0.4,
    "Fischer, Ground-Truthing AI Energy Consumption (arXiv 2509.22092): estimates of this kind are "
    "up to 40% off what a wall meter reads.",
)
UNLISTED_ERROR = Accuracy(
    round(math.hypot(MODEL_ERROR.relative, tdp.DEFAULT_ERROR), 1),
    f"{MODEL_ERROR.source} And the processor is none of the table's: nine in ten of its server "
    f"chips lie within {tdp.DEFAULT_ERROR:.0%} of the watts a core that were assumed.",
)
CGROUP = Path("/sys/fs/cgroup")


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
        model: str | None = None,
        cgroup: Path = CGROUP,
    ) -> None:
        """`model`: the processor as the operating system names it; None: it is asked."""
        self._clock, self._processor, self._cgroup = clock, processor, cgroup
        self._logical = psutil.cpu_count() or 1
        self.accuracy = MODEL_ERROR
        if tdp_w:
            self.tdp_w, self._why = tdp_w, "as set"
        else:
            self._look_up(model_name() if model is None else model)
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
        text = (
            f"estimated from processor time × {self.tdp_w:.0f} W ({self._why}) "
            f"and {self.memory_w:.1f} W of memory; may be {self.accuracy.relative:.0%} off"
        )
        allowed = _allowed_processors(self._cgroup)
        if allowed is not None and allowed < self._logical:
            text += (
                f"; this is the whole host with its {self._logical} logical processors, of which "
                f"this program may use {allowed:g}"
            )
        return text

    def _look_up(self, model: str) -> None:
        cores = psutil.cpu_count(logical=False) or self._logical
        found = tdp.find(model)
        if found is None:
            self.accuracy = UNLISTED_ERROR
            self.tdp_w = cores * tdp.DEFAULT_W_PER_CORE
            self._why = (
                f"{cores} cores of an unlisted processor, “{model or 'without a name'}”, at "
                f"{tdp.DEFAULT_W_PER_CORE:.0f} W each; BREAKEVEN_CPU_TDP_W sets it"
            )
        else:
            name, chip = found
            self.tdp_w = cores * chip.tdp_w / chip.cores
            self._why = f"{cores} cores of an {name}, {chip.tdp_w:.0f} W for {chip.cores}"


def _allowed_processors(cgroup: Path) -> float | None:
    """How many logical processors this program may keep busy, where the kernel tells."""
    limits: list[float] = []
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    try:
        # "200000 100000": microseconds of processor time in each period of microseconds.
        quota, period = (cgroup / "cpu.max").read_text().split()
        limits.append(int(quota) / int(period))
    except (OSError, ValueError):
        pass  # an older kernel, or "max"
    return min(limits, default=None)
