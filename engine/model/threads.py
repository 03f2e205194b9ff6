"""How many processor threads the model computes with."""

import psutil


def thread_count(wanted: int) -> int:
    """`wanted`; where that is 0, one for each physical core: a second one on a core only waits."""
    return wanted or psutil.cpu_count(logical=False) or 1
