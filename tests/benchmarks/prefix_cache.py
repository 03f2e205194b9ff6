"""What a chat's turns cost with the cache and without: `python -m tests.benchmarks.prefix_cache`.

Ten turns of some 2,000 tokens, the whole history sent again each time, greedily answered. The
second column is the same chat with each turn asked by another developer, as nobody reads what is in
the cache of another.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import openai
from platformdirs import user_cache_path

from engine.weights import ensure_default_weights
from tests.conftest import make_home
from tests.product import Product

MODEL = "smollm2-135m-instruct"
TURNS = 10
ANSWER_TOKENS = 100
SYSTEM = "You are a patient teacher of geography. Answer in full sentences."
TOPICS = [
    *("rivers", "mountains", "islands", "deserts", "forests"),
    *("oceans", "cities", "borders", "climates", "harbours"),
]
QUESTION = (
    "Please tell me about the {topic} of Europe, how they came to be, what people there make of "
    "them and which of them a traveller should see first. Mention names, give a rough idea of "
    "sizes and distances where you know them, say what changed in the last hundred years and why, "
    "and finish with one thing about these {topic} that most visitors would never guess."
)


@dataclass(frozen=True)
class Turn:
    """Counts are tokens; `computed` of the prompt, by the experts that the engine counted."""

    prompt: int
    cached: int
    computed: int
    answered: int
    ttft_s: float


def chat(client_of: Callable[[int], openai.OpenAI], layers: int) -> list[Turn]:
    """Ten turns, turn `i` asked by `client_of(i)`. `layers` of the model count experts."""
    messages: list[Any] = [{"role": "system", "content": SYSTEM}]
    turns = []
    for number, topic in enumerate(TOPICS):
        messages.append({"role": "user", "content": QUESTION.format(topic=topic)})
        answer: Any = client_of(number).chat.completions.create(
            model=MODEL,
            messages=messages,
            temperature=0,
            max_tokens=ANSWER_TOKENS,
            extra_body={"breakeven": {"experts": True}},
        )
        messages.append({"role": "assistant", "content": answer.choices[0].message.content})
        told, usage = answer.model_extra["breakeven"], answer.usage
        choices = sum(sum(layer) for layer in told["experts"])
        ran = choices / (told["experts_per_token"] * layers)
        # The last token of an answer is followed by nothing: it does not run.
        computed = ran - (usage.completion_tokens - 1)
        turns.append(
            Turn(
                usage.prompt_tokens,
                usage.prompt_tokens_details.cached_tokens,
                round(computed),
                usage.completion_tokens,
                told["ttft_ms"] / 1000,
            )
        )
    return turns


def found_again(turns: list[Turn]) -> float:
    """The share of the answers' tokens that the next turn read from the cache."""
    answered = sum(turn.answered for turn in turns[:-1])
    found = sum(max(0, after.cached - turn.prompt) for turn, after in pairwise(turns))
    return found / answered


def main() -> None:
    argparse.ArgumentParser(prog="python -m tests.benchmarks.prefix_cache").parse_args()
    weights_dir = user_cache_path("breakeven-tests", appauthor=False) / "weights"
    ensure_default_weights(weights_dir)
    with tempfile.TemporaryDirectory() as folder:
        product = Product(make_home(Path(folder) / "home", weights_dir), "serve")
        product.start()
        try:
            clients = [_client(product, f"dev{number}") for number in range(TURNS + 1)]
            with_cache = chat(lambda _: clients[TURNS], _layers(clients[TURNS]))
            without = chat(lambda number: clients[number], _layers(clients[TURNS]))
        finally:
            product.stop()
    print("turn   prompt    with  without   tokens of the prompt computed")
    for number, (turn, other) in enumerate(zip(with_cache, without, strict=True), 1):
        print(f"{number:>4}{turn.prompt:>9}{turn.computed:>8}{other.computed:>9}")
    computed = [sum(turn.computed for turn in turns) for turns in (with_cache, without)]
    seconds = [sum(turn.ttft_s for turn in turns) for turns in (with_cache, without)]
    print(f"computed: {computed[0]} and {computed[1]} tokens, {computed[1] / computed[0]:.1f} x")
    print(f"time to the first token, all turns: {seconds[0]:.2f} and {seconds[1]:.2f} s")
    print(f"of the answers' tokens, found again: {found_again(with_cache):.0%}")


def _client(product: Product, developer: str) -> openai.OpenAI:
    told = product.run("db", "key", "create", "--developer", developer)
    key = "bk-" + told.split("bk-")[1].split()[0]
    return openai.OpenAI(base_url=f"{product.url}/v1", api_key=key, max_retries=0)


def _layers(client: openai.OpenAI) -> int:
    answer: Any = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Hi"}],
        max_tokens=1,
        extra_body={"breakeven": {"experts": True}},
    )
    return len(answer.model_extra["breakeven"]["experts"])


if __name__ == "__main__":
    main()
