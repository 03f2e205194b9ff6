"""The processor's time: this process's own, the gateway's, and everybody's."""

import os
import platform
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Seconds of one logical processor, summed over all of them, since some start.

    `gateway_s` is that of the process that started this one.
    """

    own_s: float
    everybody_s: float
    gateway_s: float = 0.0

    def __sub__(self, before: "ProcessorTime") -> "ProcessorTime":
        """What passed since; no part of it is below 0, and everybody has at least these two."""
        own = max(0.0, self.own_s - before.own_s)
        gateway = max(0.0, self.gateway_s - before.gateway_s)
        everybody = max(own + gateway, self.everybody_s - before.everybody_s)
        return ProcessorTime(own, everybody, gateway)


def processor_time() -> ProcessorTime:
    return ProcessorTime(time.process_time(), _everybody_s())


def _everybody_s() -> float:
    file = _stat_file()
    if file is None:
        times = psutil.cpu_times()
        waiting = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
        # A guest's time is in `user` already.
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        return float(sum(times) - waiting - guests)
    # psutil says the same, but takes three times as long, ten times a second.
    user, nice, system, _idle, _iowait, irq, softirq = os.pread(file, 256, 0).split()[1:8]
    return (int(user) + int(nice) + int(system) + int(irq) + int(softirq)) / _TICKS_A_SECOND


@cache
def _stat_file() -> int | None:
    """Linux's first line of all processors' time: proc_stat(5)."""
    try:
        return os.open("/proc/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def with_gateway() -> ProcessorTime:
    """The same in a worker, whose parent is the gateway."""
    here = processor_time()
    try:
        parent = psutil.Process(os.getppid()).cpu_times()
    except psutil.Error:
        return here
    return ProcessorTime(here.own_s, here.everybody_s, parent.user + parent.system)


def model_name() -> str:
    """The processor as the operating system names it; empty where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
