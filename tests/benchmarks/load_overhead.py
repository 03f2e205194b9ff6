"""What telling the load costs: `python -m tests.benchmarks.load_overhead`.

The engine decodes some streams; half of the rounds also count the
load and make its message. Both take turns with the same prompt, so that a busy neighbour meets
both. Figures are medians over all steps and over the rounds.
"""

import argparse
import statistics
import time

import torch
from platformdirs import user_cache_path

from engine.model.load import load, shipped_carving
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from engine.runtime.engine import Engine
from engine.runtime.load_meter import LoadMeter
from engine.runtime.protocol import SamplingParams, Submit, encode
from engine.weights import ensure_default_weights

PROMPT = "Explain how a sailing boat can move against the wind, in simple words."


def steps(model: Model, tokenizer: Tokenizer, streams: int, tokens: int, told: bool) -> list[float]:
    """Seconds of each step in which all streams decode."""
    engine = Engine(model, tokenizer, max_running=streams)
    prompt = tokenizer.encode_chat([{"role": "user", "content": PROMPT}])
    for request in range(streams):
        engine.submit(Submit(request, [prompt], SamplingParams(tokens, temperature=0.0)))
    meter = LoadMeter(engine)
    seconds = []
    while engine.has_work:
        started = time.perf_counter()
        done = engine.step().processed
        if told:
            meter.note(time.perf_counter() - started, done)
            if meter.left_s <= 0:
                encode(meter.take())
        if len(done) == streams and not any(part.is_prefill for part in done):
            seconds.append(time.perf_counter() - started)
    return seconds


def message_ms(model: Model, tokenizer: Tokenizer) -> tuple[float, int]:
    """Milliseconds that a message takes, and its bytes."""
    engine = Engine(model, tokenizer, max_running=1)
    engine.submit(Submit(0, [[1, 2, 3]], SamplingParams(1)))
    meter, taken, size = LoadMeter(engine), [], 0
    done = engine.step().processed
    for _ in range(200):
        meter.note(0.0, done)
        started = time.perf_counter()
        size = len(encode(meter.take()))
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken), size


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--tokens", type=int, default=200)
    options = parser.parse_args()
    torch.set_num_threads(2)
    path = ensure_default_weights(user_cache_path("breakeven-tests", appauthor=False) / "weights")
    kernels = user_cache_path("breakeven-tests", appauthor=False) / "kernels"
    model = load(path, shipped_carving(path), threads=2, kernel_folder=kernels)
    tokenizer = Tokenizer.open(path)
    print("tokens/s      without      with    added")
    for streams in (1, 8):
        taken: dict[bool, list[float]] = {False: [], True: []}
        for number in range(2 * options.rounds):
            told = bool(number % 2)
            taken[told] += steps(model, tokenizer, streams, options.tokens, told)
        without, with_ = (streams / statistics.median(taken[told]) for told in (False, True))
        print(f"{streams} streams {without:>11.1f} {with_:>9.1f} {without / with_ - 1:>8.2%}")
    took, size = message_ms(model, tokenizer)
    print(f"a message: {took:.2f} ms a second, {size:,} bytes")


if __name__ == "__main__":
    main()
