"""What telling the load costs: `python -m tests.benchmarks.load_overhead`.

The engine decodes some streams. Of its steps ten are counted, the next ten not, and so on, so that
a busy neighbour meets both alike. Figures are medians over all steps of a kind: tokens a second,
the processor time of a step with all threads, and how long counting itself takes.
"""

import argparse
import statistics
import time
from dataclasses import dataclass, field

import torch
from platformdirs import user_cache_path

from engine.model.load import load, shipped_carving
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from engine.runtime.engine import Engine
from engine.runtime.load_meter import LoadMeter
from engine.runtime.protocol import SamplingParams, Submit, encode
from engine.weights import ensure_default_weights

IN_A_ROW = 10
PROMPT = "Explain how a sailing boat can move against the wind, in simple words."


@dataclass(slots=True)
class Taken:
    """Seconds of each step in which all streams decode, counting included."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    counting: list[float] = field(default_factory=list)


def decode(
    model: Model, tokenizer: Tokenizer, streams: int, tokens: int, taken: dict[bool, Taken]
) -> None:
    """Adds the steps of one run to `taken`, by whether they were counted."""
    engine = Engine(model, tokenizer, max_running=streams)
    prompt = tokenizer.encode_chat([{"role": "user", "content": PROMPT}])
    for request in range(streams):
        engine.submit(Submit(request, [prompt], SamplingParams(tokens, temperature=0.0)))
    meter = LoadMeter(engine)
    number = 0
    while engine.has_work:
        number += 1
        told = number % (2 * IN_A_ROW) < IN_A_ROW
        processor, started = time.process_time(), time.perf_counter()
        done = engine.step().processed
        stepped = time.perf_counter()
        if told:
            meter.note(stepped - started, done)
            if meter.left_s <= 0:
                encode(meter.take())
        ended = time.perf_counter()
        if len(done) == streams and not any(part.is_prefill for part in done):
            taken[told].wall.append(ended - started)
            taken[told].processor.append(time.process_time() - processor)
            taken[told].counting.append(ended - stepped)


def message(model: Model, tokenizer: Tokenizer) -> tuple[float, int]:
    """Seconds that making a message takes, and its bytes."""
    engine = Engine(model, tokenizer, max_running=1)
    engine.submit(Submit(0, [[1, 2, 3]], SamplingParams(1)))
    meter = LoadMeter(engine)
    taken, size = [], 0
    done = engine.step().processed
    for _ in range(200):
        meter.note(0.0, done)
        started = time.perf_counter()
        size = len(encode(meter.take()))
        taken.append(time.perf_counter() - started)
    return statistics.median(taken), size


def tell(streams: int, taken: dict[bool, Taken]) -> None:
    without, counted = taken[False], taken[True]
    rates = [streams / statistics.median(kind.wall) for kind in (without, counted)]
    processor = [1000 * statistics.median(kind.processor) for kind in (without, counted)]
    counting = statistics.median(counted.counting)
    print(
        f"{streams} streams: {rates[0]:.1f} tokens/s without, {rates[1]:.1f} with; processor time "
        f"of a step {processor[0]:.2f} and {processor[1]:.2f} ms; counting {1e6 * counting:.0f} µs "
        f"a step, {counting / statistics.median(counted.wall):.2%} of it"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(2)
    cache = user_cache_path("breakeven-tests", appauthor=False)
    path = ensure_default_weights(cache / "weights")
    model = load(path, shipped_carving(path), threads=2, kernel_folder=cache / "kernels")
    tokenizer = Tokenizer.open(path)
    for streams in (1, 8):
        taken = {False: Taken(), True: Taken()}
        for _ in range(options.rounds):
            decode(model, tokenizer, streams, options.tokens, taken)
        tell(streams, taken)
    took, size = message(model, tokenizer)
    print(f"a message: {1000 * took:.2f} ms a second, {size:,} bytes")


if __name__ == "__main__":
    main()
