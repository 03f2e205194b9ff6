"""The whole product is killed while it answers; nothing that was admitted may be lost."""

import contextlib
import random
import sqlite3
import threading
import time
from pathlib import Path

import httpx
import openai
import pytest

from tests.product import Product

ROUNDS = 20
CLIENTS = 8


class StreamingClients:
    """Eight threads that stream answers and note every request id that the gateway told them."""

    def __init__(self, url: str, key: str) -> None:
        self.seen: set[int] = set()
        self.sent = 0
        self._lock = threading.Lock()
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._stream) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _stream(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                self.sent += 1
            with contextlib.suppress(openai.OpenAIError, httpx.HTTPError):
                for chunk in self._client.chat.completions.create(
                    model="smollm2-135m-instruct",
                    messages=[{"role": "user", "content": "Tell me a long story about the sea."}],
                    max_tokens=200,
                    stream=True,
                ):
                    with self._lock:
                        self.seen.add(int(chunk.id.removeprefix("chatcmpl-"), 16))

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.slow
def test_a_kill_of_everything_loses_doubles_or_leaves_open_no_row(home: Path) -> None:
    chance = random.Random(20)
    product = Product(home, "serve")
    product.run("db", "developer", "add", "ada")
    key = product.run("db", "key", "create", "--developer", "ada").split("bk-")[1].split()[0]
    told: set[int] = set()
    sent = 0
    for _ in range(ROUNDS):
        product.start()
        clients = StreamingClients(product.url, f"bk-{key}")
        time.sleep(chance.uniform(0.3, 4.0))
        # No client may start another request after the kill: the threads end with their stream.
        clients._stop.set()
        product.kill_all()
        clients.join()
        told |= clients.seen
        sent += clients.sent

    product.start()
    product.stop()
    with sqlite3.connect(home / "ledger.db") as ledger:
        rows = ledger.execute("SELECT id, status FROM requests").fetchall()
    ids = [row[0] for row in rows]
    assert len(told) >= ROUNDS * CLIENTS / 2, "too few requests were streaming to prove anything"
    assert told - set(ids) == set(), "rows lost"
    assert len(ids) == len(set(ids)), "rows doubled"
    assert len(ids) <= sent, "more rows than requests"
    assert [row for row in rows if row[1] == "running"] == [], "rows left running"
    assert "interrupted" in {row[1] for row in rows}
    product.run("db", "check")
