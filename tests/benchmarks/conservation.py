"""Joules under a mixed load of real clients: `python -m tests.benchmarks.conservation`.

OpenAI's and Anthropic's own clients ask for whole answers and streams, long prompts and short ones,
with tools and without; some leave in the middle. Then every minute on the ledger has to add up to
what its meters read, and the requests to what the minutes attribute; the exit status is 1 where
they do not.
"""

import argparse
import contextlib
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import anthropic
import openai
from platformdirs import user_cache_path

from engine.weights import ensure_default_weights
from tests.conftest import make_home
from tests.product import Product

MODEL = "smollm2-135m-instruct"
MOST = 1e-9  # of the total, as promised
SUBJECTS = ("the sea", "a sorting algorithm", "tea", "the French Revolution", "a broken build")


class Load:
    """Threads that ask until `until` (monotonic), each as a client of its own."""

    def __init__(self, url: str, key: str, until: float) -> None:
        self.asked: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._until = until
        self._openai = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self._anthropic = anthropic.Anthropic(base_url=url, api_key=key, max_retries=0)

    def run(self, seed: int) -> None:
        chance = random.Random(seed)
        ways = (self._whole, self._stream, self._message, self._message_stream, self._leave)
        while time.monotonic() < self._until:
            way = chance.choice(ways)
            self.asked[way.__name__.strip("_")] += 1
            try:
                way(chance)
            except (openai.APIError, anthropic.APIError) as error:
                self.failed[type(error).__name__] += 1
            time.sleep(chance.expovariate(2))

    def _prompt(self, chance: random.Random) -> str:
        filler = "Consider it carefully. " * chance.choice((0, 1, 40, 120))
        return f"{filler}Tell me about {chance.choice(SUBJECTS)}, number {chance.randrange(10**6)}."

    def _whole(self, chance: random.Random) -> None:
        self._openai.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": self._prompt(chance)}],
            max_tokens=chance.choice((8, 64, 200)),
            n=chance.choice((1, 1, 2)),
        )

    def _stream(self, chance: random.Random, leave_after: int = 10**9) -> None:
        stream = self._openai.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": self._prompt(chance)}],
            max_tokens=200,
            stream=True,
        )
        with contextlib.closing(stream):
            for number, _ in enumerate(stream):
                if number >= leave_after:
                    return

    def _leave(self, chance: random.Random) -> None:
        self._stream(chance, leave_after=chance.randrange(40))

    def _message(self, chance: random.Random) -> None:
        self._anthropic.messages.create(
            model=MODEL,
            messages=[{"role": "user", "content": self._prompt(chance)}],
            max_tokens=chance.choice((8, 120)),
        )

    def _message_stream(self, chance: random.Random) -> None:
        with self._anthropic.messages.stream(
            model=MODEL,
            messages=[{"role": "user", "content": self._prompt(chance)}],
            max_tokens=120,
        ) as stream:
            for _ in stream.text_stream:
                pass


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=6)
    asked = parser.parse_args()
    weights = user_cache_path("breakeven-tests", appauthor=False) / "weights"
    ensure_default_weights(weights)
    with tempfile.TemporaryDirectory(prefix="breakeven-conservation-") as folder:
        product = Product(make_home(Path(folder) / "home", weights), "serve").start()
        try:
            key = product.run("db", "key", "create", "--developer", "ada").strip()
            load = Load(product.url, key, time.monotonic() + asked.minutes * 60)
            threads = [
                threading.Thread(target=load.run, args=(seed,)) for seed in range(asked.clients)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            time.sleep(3)  # the last window
            checked = product.run("db", "check").strip()
        finally:
            product.stop()
        holds = _tell(product.home / "ledger.db", load)
    print(checked)
    sys.exit(not holds)


def _tell(path: Path, load: Load) -> bool:
    """The ledger's figures; whether they add up."""
    parts = "attributed_j + idle_j + overhead_j + loading_j + other_j"
    with sqlite3.connect(path) as ledger:
        minutes = ledger.execute(
            f"SELECT count(*), max(abs({parts} - total_j) / total_j), sum(total_j),"
            " sum(attributed_j), sum(idle_j), sum(overhead_j), sum(loading_j), sum(other_j),"
            " sum(total_j IS NULL) FROM energy_intervals"
        ).fetchone()
        meters = ledger.execute("SELECT sum(energy_j) FROM meter_readings").fetchone()[0]
        statuses = ledger.execute(
            "SELECT status, count(*), sum(energy_j), sum(energy_j IS NULL) FROM requests GROUP BY 1"
        ).fetchall()
    count, worst, total, attributed, *unserved, unknown = minutes
    of_requests = sum(row[2] or 0.0 for row in statuses)
    print(f"asked: {dict(load.asked)}; refused: {dict(load.failed)}")
    for status, requests, joules, without in statuses:
        print(
            f"{status:<12}{requests:>6} requests {joules or 0:>12.2f} J, {without} without energy"
        )
    names = ("idle", "overhead", "loading", "other programs")
    amounts = ", ".join(
        f"{name} {joules:.1f} J" for name, joules in zip(names, unserved, strict=True)
    )
    print(
        f"{count} minutes, {unknown} unknown: {total:.1f} J; requests {attributed:.1f} J, {amounts}"
    )
    gaps = {
        "a minute's parts and its total, at worst": worst,
        "requests and what minutes attribute": abs(of_requests - attributed) / total,
        "meters and minutes": abs(meters - total) / total,
    }
    for name, gap in gaps.items():
        print(f"{name:<44}{gap:.1e} of the total")
    return all(gap <= MOST for gap in gaps.values())


if __name__ == "__main__":
    main()
