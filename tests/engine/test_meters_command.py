"""`python -m engine meters`, as people run it."""

import os
import re
import subprocess
import sys
from pathlib import Path


def test_it_lists_every_meter_and_the_watts_of_those_used(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "BREAKEVEN_HOME": str(tmp_path),
        "BREAKEVEN_CPU_TDP_W": "65",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "engine", "meters"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    table, watts, summary = done.stdout.split("\n\n")
    assert {"rapl", "nvml", "amd-smi", "battery"} <= {line.split()[0] for line in table.split("\n")}
    used = set(re.findall(r"^(\S+) +used +±\d+%", table, re.MULTILINE))
    assert used
    told = watts.split("\n")[1:]
    assert {line.split()[0] for line in told} == used
    assert all(re.search(r"\d W$|unknown$|[.]$", line) for line in told)
    assert summary.startswith("Energy: ")
