"""Speed of the default model against its peers: `python -m tests.benchmarks.engine`.

Peers are transformers in bfloat16 and, where `llama-cpp-python` is installed, llama.cpp on the same
GGUF file; with all experts on ours is the same model as theirs. Contenders take turns with the same
prompt on the same threads, several rounds over; figures are medians over all steps of all rounds.
Ours goes through the engine with scheduler and sampler, as it is served. Close other programs
first: two busy neighbours halve any of these figures.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from platformdirs import user_cache_path

from engine.model.load import load, shipped_carving
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from engine.runtime.engine import Engine
from engine.runtime.protocol import SamplingParams, Submit
from engine.weights import ensure_default_weights
from tests.benchmarks.llama_cpp import LlamaCpp
from tests.engine.model.reference import transformers_model

PROMPT = "Explain how a sailing boat can move against the wind, in simple words."
TOKENS = 48  # a round
PREFILL = 512
STREAMS = (1, 4, 8)
ALL = "ours, all experts"

Runs = dict[str, Callable[[], list[float]]]  # "decode 4 llama.cpp" → seconds a step


def ours(model: Model, tokenizer: Tokenizer, prompt: list[int], together: int) -> list[float]:
    """Seconds a step, with so many requests that decode the prompt at once."""
    engine = Engine(model, tokenizer, max_running=together)
    for request in range(together):
        engine.submit(Submit(request, [prompt], SamplingParams(TOKENS, temperature=0.0)))
    seconds = []
    while engine.has_work:
        started = time.perf_counter()
        done = engine.step().processed
        if len(done) == together and not any(part.is_prefill for part in done):
            seconds.append(time.perf_counter() - started)
    return seconds


def our_prefill(model: Model, tokenizer: Tokenizer, prompt: list[int]) -> list[float]:
    """Seconds from a prompt to its first token."""
    engine = Engine(model, tokenizer, max_running=1)
    engine.submit(Submit(0, [prompt], SamplingParams(1, temperature=0.0)))
    started = time.perf_counter()
    while engine.has_work:
        engine.step()
    return [time.perf_counter() - started]


def theirs(model: torch.nn.Module, prompt: list[int]) -> list[float]:
    """Seconds a step of transformers, its cache kept between the steps."""
    seconds = []
    with torch.inference_mode():
        out = model(torch.tensor([prompt]), use_cache=True)
        for _ in range(TOKENS - 1):
            token = out.logits[:, -1].argmax(-1, keepdim=True)
            started = time.perf_counter()
            out = model(token, past_key_values=out.past_key_values, use_cache=True)
            seconds.append(time.perf_counter() - started)
    return seconds


def their_prefill(model: torch.nn.Module, prompt: list[int]) -> list[float]:
    with torch.inference_mode():
        started = time.perf_counter()
        model(torch.tensor([prompt]), logits_to_keep=1)
        return [time.perf_counter() - started]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.engine")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    cache = user_cache_path("breakeven-tests", appauthor=False)
    weights = ensure_default_weights(cache / "weights")
    tokenizer = Tokenizer.open(weights)
    carving = shipped_carving(weights)
    model = load(weights, carving, "int4", None, arguments.threads, cache / "kernels")
    chat = tokenizer.encode_chat([{"role": "user", "content": PROMPT}])
    long = (tokenizer.encode(PROMPT) * 100)[:PREFILL]

    runs = our_runs(model, tokenizer, chat, long)
    reference = transformers_model(weights, torch.bfloat16)
    runs["decode 1 transformers bfloat16"] = partial(theirs, reference, chat)
    runs["prefill transformers bfloat16"] = partial(their_prefill, reference, long)
    runs |= llama_cpp_runs(weights, arguments.threads, chat, long)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()  # once for the caches
    for _ in range(arguments.rounds):
        for name, run in runs.items():
            seconds[name] += run()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    tell(model, medians, arguments.threads)
    tell_roofline(model, medians[f"decode 1 {ALL}"])


def our_runs(model: Model, tokenizer: Tokenizer, chat: list[int], long: list[int]) -> Runs:
    def with_experts(count: int, run: Callable[[], list[float]]) -> Callable[[], list[float]]:
        def chosen() -> list[float]:
            model.routing.set_per_token(count)
            return run()

        return chosen

    runs: Runs = {}
    counts = {"ours, default": model.routing.default_per_token, ALL: model.routing.routed}
    for who, count in counts.items():
        for together in STREAMS:
            runs[f"decode {together} {who}"] = with_experts(
                count, partial(ours, model, tokenizer, chat, together)
            )
        runs[f"prefill {who}"] = with_experts(count, partial(our_prefill, model, tokenizer, long))
    return runs


def llama_cpp_runs(weights: Path, threads: int, chat: list[int], long: list[int]) -> Runs:
    """Empty where the package is missing, which is then said."""
    try:
        peer = LlamaCpp(weights, threads, max(STREAMS))
    except ImportError:
        print("llama-cpp-python is not installed (pip install llama-cpp-python compiles it)")
        return {}
    print(f"llama.cpp: {peer.instructions}")
    runs: Runs = {f"decode {n} llama.cpp": partial(peer.decode, chat, TOKENS, n) for n in STREAMS}
    runs["prefill llama.cpp"] = partial(peer.prefill, long)
    return runs


def tell(model: Model, medians: Mapping[str, float], threads: int) -> None:
    """A row a contender: tokens a second of all streams, and ours with all experts over its."""
    routing = model.routing
    print(
        f"{model.config.name}, {model.precision} ({model.kernel}), {threads} threads; default "
        f"{routing.default_per_token} of {routing.routed} experts beside {routing.shared} shared"
    )
    for kind, tokens in [*((f"decode {n}", n) for n in STREAMS), ("prefill", PREFILL)]:
        ours_here = medians[f"{kind} {ALL}"]
        for name, median in medians.items():
            if name.startswith(f"{kind} "):
                rate = f"{tokens / median:9.1f} tokens/s"
                print(f"{name:<34}{rate}   ours, all experts: {median / ours_here:5.2f} × this")
    single, eight = medians[f"decode 1 {ALL}"], medians[f"decode 8 {ALL}"]
    print(f"8 streams together: {8 * single / eight:.2f} × one stream")


def tell_roofline(model: Model, seconds: float) -> None:
    """All weights are read for a token with all experts on; its cache is small beside them."""
    bandwidth = read_bandwidth()
    needed = model.weight_bytes / bandwidth
    print(
        f"roofline: {model.weight_bytes / 1e6:.0f} MB a token at {bandwidth / 1e9:.1f} GB/s take "
        f"{1000 * needed:.2f} ms; decoding takes {1000 * seconds:.2f} ms: {needed / seconds:.0%}"
    )


def read_bandwidth() -> float:
    """Bytes a second that this many threads can read from memory: the best of ten sums."""
    block = torch.ones(2**27, dtype=torch.int64)  # 1 GiB: no cache holds it
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        block.sum()
        best = min(best, time.perf_counter() - started)
    return block.nbytes / best


if __name__ == "__main__":
    main()
