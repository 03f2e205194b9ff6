"""The product under load for minutes: `python -m tests.benchmarks.soak`.

Clients of both dialects keep 64 requests open, one in ten of them leaves, some developers meet
their limits. Then rows, tokens, budgets, joules, memory and open files are counted; the table says
what holds, and the exit status is 1 where something does not.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from platformdirs import user_cache_path

from engine.weights import ensure_default_weights
from tests.conftest import make_home
from tests.soak.checks import lines
from tests.soak.soak import soak

VERDICTS = {True: "holds", False: "DOES NOT HOLD", None: ""}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--streams", type=int, default=64)
    asked = parser.parse_args()
    weights = user_cache_path("breakeven-tests", appauthor=False) / "weights"
    ensure_default_weights(weights)
    with tempfile.TemporaryDirectory(prefix="breakeven-soak-") as folder:
        began = time.monotonic()
        soaked = soak(make_home(Path(folder) / "home", weights), asked.minutes, asked.streams)
        took_s = time.monotonic() - began
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{asked.streams} streams for {asked.minutes:g} minutes, {took_s:.0f} s in all")
    print(f"{os.cpu_count()} processors, load average {load}\n")
    found = lines(soaked)
    for line in found:
        print(f"{line.name:<52}{line.value:<56}{VERDICTS[line.holds]}".rstrip())
    sys.exit(any(line.holds is False for line in found))


if __name__ == "__main__":
    main()
