"""Memory while loading, and with too little of it: `python -m tests.benchmarks.memory`.

A random mixture of 1.6 GB in bfloat16 is loaded by processes of their own. The kernel tells their
peak; of that is taken off what the program takes without a model. The second half puts the process
into a control group (version 1, needs root) whose limit is the folder's size divided by 1.5, page
cache included, and lets it answer with its experts on disk.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

from platformdirs import user_cache_path

from engine.model.precision import Precision
from tests.benchmarks.random_model import write

LAYERS, EXPERTS = 4, 80
GROUP = Path("/sys/fs/cgroup/memory/breakeven-benchmark")
TOKENS = 16


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory")
    parser.add_argument("--child", nargs=3, metavar=("FOLDER", "PRECISION", "EXPERTS"))
    if given := parser.parse_args().child:
        child(Path(given[0]), cast(Precision, given[1]), given[2] == "offload")
        return
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), LAYERS, EXPERTS, per_token=2)
        size = sum(file.stat().st_size for file in Path(folder).glob("*.safetensors"))
        print(f"folder: {size / 1e6:.0f} MB")
        for precision in ("bfloat16", "int8", "int4"):
            _child(folder, precision, "held")
        _limited(folder, size, int(size / 1.5))


def child(folder: Path, precision: Precision, offload: bool) -> None:
    """Loads, and tells its own peak of memory; then answers."""
    import torch

    from engine.model.load import load

    torch.set_num_threads(2)
    before = _status("VmRSS")
    kernels = user_cache_path("breakeven-tests", appauthor=False) / "kernels"
    started = time.perf_counter()
    model = load(folder, None, precision, None, 2, kernels, offload)
    loaded, peak = time.perf_counter() - started, _status("VmHWM") - before
    started = time.perf_counter()
    tokens = list(model.generate([1, 2, 3], TOKENS))
    answered = time.perf_counter() - started
    held = model.weight_bytes
    print(
        f"{precision}, experts {'on disk' if offload else 'held'}: weights {held / 1e6:.0f} MB, "
        f"peak while loading {peak / 1e6:.0f} MB = {peak / held:.2f} ×, loaded in {loaded:.1f} s, "
        f"{len(tokens)} tokens in {answered:.2f} s, peak in all {_status('VmHWM') / 1e6:.0f} MB"
    )


def _status(key: str) -> int:
    """Bytes by /proc: VmRSS now, VmHWM at the most. (getrusage counts the parent's in.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def _child(folder: str, precision: str, experts: str, group: Path | None = None) -> None:
    def enter() -> None:
        if group:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.memory",
        "--child",
        folder,
        precision,
        experts,
    ]
    subprocess.run(command, check=True, preexec_fn=enter)


def _limited(folder: str, size: int, limit: int) -> None:
    try:
        GROUP.mkdir(exist_ok=True)
        (GROUP / "memory.limit_in_bytes").write_text(str(limit))
    except OSError as error:
        print(f"no control group could be made ({error}): the limit is not tested")
        return
    try:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")  # so that the group pays for every page
        print(f"limit {limit / 1e6:.0f} MB, the folder is {size / limit:.2f} × that")
        _child(folder, "bfloat16", "offload", GROUP)
        peak = int((GROUP / "memory.max_usage_in_bytes").read_text())
        print(f"most that the group used, page cache included: {peak / 1e6:.0f} MB")
    finally:
        GROUP.rmdir()


if __name__ == "__main__":
    main()
