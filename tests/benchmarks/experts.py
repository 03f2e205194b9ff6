"""What experts cost that a token does not use: `python -m tests.benchmarks.experts`.

Random mixtures of equal active size: 4 layers, 2 experts a token of 2.4 million weights each, and 8
to 128 of them. A token's cost should follow the 2. Models take turns; figures are medians.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import cast

import torch
from platformdirs import user_cache_path

from engine.model.batch import Chunk
from engine.model.load import load
from engine.model.model import Model
from engine.model.precision import PRECISIONS, Precision
from tests.benchmarks.random_model import VOCABULARY, write

COUNTS = (8, 16, 32, 64, 128)
STEPS = 64  # a round


def decode(model: Model) -> list[float]:
    """Seconds a token. Tokens are drawn at random, so that experts are chosen evenly."""
    tokens = torch.randint(VOCABULARY, (STEPS,)).tolist()
    cache = model.new_cache(STEPS // 32)
    seconds = []
    for position, token in enumerate(tokens):
        started = time.perf_counter()
        model.forward([Chunk([token], position, range(STEPS // 32))], cache)
        seconds.append(time.perf_counter() - started)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.experts")
    parser.add_argument("--precision", choices=PRECISIONS, default="int4")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    kernels = user_cache_path("breakeven-tests", appauthor=False) / "kernels"
    precision = cast(Precision, arguments.precision)
    models = {}
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), layers=4, experts=count, per_token=2)
            models[count] = load(Path(folder), None, precision, None, arguments.threads, kernels)
    for model in models.values():
        decode(model)  # once for the caches
    seconds: dict[int, list[float]] = {count: [] for count in COUNTS}
    for _ in range(arguments.rounds):
        for count, model in models.items():
            seconds[count] += decode(model)
    base = statistics.median(seconds[COUNTS[0]])
    for count, found in seconds.items():
        median = statistics.median(found)
        size = models[count].weight_bytes / 1e6
        cost = f"{1000 * median:7.3f} ms a token {median / base:6.3f} ×"
        print(f"{count:4} experts {size:8.0f} MB {cost}")


if __name__ == "__main__":
    main()
