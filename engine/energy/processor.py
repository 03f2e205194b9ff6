"""The processor's time: this process's own, and everybody's."""

import platform
import time
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """Seconds of one logical processor, summed over all of them, since some start."""

    own_s: float
    everybody_s: float


def processor_time() -> ProcessorTime:
    times = psutil.cpu_times()
    waiting = times.idle + getattr(times, "iowait", 0.0) + getattr(times, "steal", 0.0)
    # A guest's time is in `user` already.
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return ProcessorTime(time.process_time(), sum(times) - waiting - guests)


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
