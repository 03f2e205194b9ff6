"""The processor's time: this process's own, the gateway's, and everybody's."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import psutil


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
    times = psutil.cpu_times()
    waiting = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
    # A guest's time is in `user` already.
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return ProcessorTime(time.process_time(), sum(times) - waiting - guests)


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
