"""Speed of the default model against transformers: `python -m tests.benchmarks.engine`.

Every contender decodes the same prompt on the same threads, in turns, several rounds over; figures
are medians over all tokens of all rounds. Ours goes through the engine with scheduler and sampler,
as it is served. Close other programs first: two busy neighbours halve any of these figures.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from platformdirs import user_cache_path

from engine.model.load import load, shipped_carving
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from engine.runtime.engine import Engine
from engine.runtime.protocol import SamplingParams, Submit
from engine.weights import ensure_default_weights
from tests.engine.model.reference import transformers_model

PROMPT = "Explain how a sailing boat can move against the wind, in simple words."
TOKENS = 48  # a round
PREFILL = 512


def ours(model: Model, tokenizer: Tokenizer, prompt: list[int], together: int) -> list[float]:
    """Seconds a step, with so many requests that decode the prompt at once."""
    engine = Engine(model, tokenizer, max_running=together)
    for request in range(together):
        engine.submit(Submit(request, prompt, SamplingParams(TOKENS, temperature=0.0)))
    seconds = []
    while engine.has_work:
        started = time.perf_counter()
        done = engine.step().processed
        if len(done) == together and all(part.prefill_tokens == 0 for part in done):
            seconds.append(time.perf_counter() - started)
    return seconds


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


def prefill(model: Model, tokenizer: Tokenizer, prompt: list[int]) -> list[float]:
    """Seconds from a prompt to its first token."""
    engine = Engine(model, tokenizer, max_running=1)
    engine.submit(Submit(0, prompt, SamplingParams(1, temperature=0.0)))
    started = time.perf_counter()
    while engine.has_work:
        engine.step()
    return [time.perf_counter() - started]


def their_prefill(model: torch.nn.Module, prompt: list[int]) -> list[float]:
    with torch.inference_mode():
        started = time.perf_counter()
        model(torch.tensor([prompt]), logits_to_keep=1)
        return [time.perf_counter() - started]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.engine")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    cache = user_cache_path("breakeven-tests", appauthor=False)
    weights = ensure_default_weights(cache / "weights")
    tokenizer = Tokenizer.from_gguf(weights)
    model = loaded(weights, arguments.threads, cache / "kernels")
    reference = transformers_model(weights, torch.bfloat16)
    chat = tokenizer.encode_chat([{"role": "user", "content": PROMPT}])
    long = (tokenizer.encode(PROMPT) * 100)[:PREFILL]
    default, everyone = model.routing.default_per_token, model.routing.routed

    def with_experts(count: int, run: Callable[[], list[float]]) -> list[float]:
        model.routing.set_per_token(count)
        return run()

    runs: dict[str, Callable[[], list[float]]] = {
        "decode 1, transformers bfloat16": lambda: theirs(reference, chat),
        "decode 1, ours, default": lambda: with_experts(
            default, lambda: ours(model, tokenizer, chat, 1)
        ),
        "decode 1, ours, all experts": lambda: with_experts(
            everyone, lambda: ours(model, tokenizer, chat, 1)
        ),
        "decode 4, ours, default": lambda: with_experts(
            default, lambda: ours(model, tokenizer, chat, 4)
        ),
        "decode 8, ours, default": lambda: with_experts(
            default, lambda: ours(model, tokenizer, chat, 8)
        ),
        "prefill, transformers bfloat16": lambda: their_prefill(reference, long),
        "prefill, ours, default": lambda: with_experts(
            default, lambda: prefill(model, tokenizer, long)
        ),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()  # once for the caches
    for _ in range(arguments.rounds):
        for name, run in runs.items():
            seconds[name] += run()
    tell(model, seconds, arguments.threads)


def loaded(weights: Path, threads: int, kernels: Path) -> Model:
    return load(weights, shipped_carving(weights), "int4", None, threads, kernels)


def tell(model: Model, seconds: dict[str, list[float]], threads: int) -> None:
    routing = model.routing
    print(
        f"{model.config.name}, {model.precision} ({model.kernel}), {threads} threads; default "
        f"{routing.default_per_token} of {routing.routed} experts beside {routing.shared} shared"
    )
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        kind, _, rest = name.partition(", ")
        together = 1 if kind == "prefill" else int(kind.split()[1])
        tokens = PREFILL if kind == "prefill" else together
        base = medians[
            "prefill, transformers bfloat16"
            if kind == "prefill"
            else "decode 1, transformers bfloat16"
        ]
        ratio = tokens / median / ((PREFILL if kind == "prefill" else 1) / base)
        print(
            f"{kind:<10}{rest:<26}{tokens / median:9.1f} tokens/s {1000 * median:9.2f} ms"
            f"   {ratio:5.1f} × transformers"
        )


if __name__ == "__main__":
    main()
