"""A gateway of its own process before a scripted upstream: it starts in a second or two, so that
faults of its ledger can be tried one by one."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from db.connect import connect
from db.keys import create_key
from db.migrate import migrate
from db.people import add_developer
from tests.engine.api.upstream_server import MODEL, UpstreamServer
from tests.product import Product

ANSWER_WITHIN_S = 60.0
RECOVERED_WITHIN_S = 15.0


class Gateway:
    """`ask` answers with the raw response, whatever it is."""

    def __init__(self, home: Path, prefix: Sequence[str] = (), **variables: str) -> None:
        self.home = home
        self.path = home / "ledger.db"
        self.upstream = UpstreamServer()
        settings = home / "upstreams.toml"
        settings.write_text(f'[[upstream]]\nurl = "{self.upstream.url}"\n')
        engine = connect(f"sqlite:///{self.path}")
        migrate(engine)
        ada = add_developer(engine, "Ada", actor="test")
        self._head = {"authorization": f"Bearer {create_key(engine, ada.id, 'k', actor='test')[1]}"}
        engine.dispose()
        served = {"BREAKEVEN_MODEL": "none", "BREAKEVEN_UPSTREAMS": str(settings)}
        self.product = Product(home, "serve", variables={**served, **variables}, prefix=prefix)
        self.product.log_path = home.with_name(f"{home.name}.log")  # not on a disk that is full
        self._threads = ThreadPoolExecutor(4)

    def ask(self, *, stream: bool = False) -> httpx.Response:
        return httpx.post(
            f"{self.product.url}/v1/chat/completions",
            headers=self._head,
            json={
                "model": MODEL,
                "messages": [{"role": "user", "content": "What is a boat?"}],
                "stream": stream,
            },
            timeout=ANSWER_WITHIN_S,
        )

    def begin_slow_answer(self, pieces: int, pause_s: float) -> "Future[httpx.Response]":
        """A stream of a token a piece that is in flight now; those asked for later are quick."""
        usual = self.upstream.deltas, self.upstream.usage, self.upstream.pause_s
        self.upstream.deltas = [{"content": f" word{number}"} for number in range(pieces)]
        self.upstream.usage = {"prompt_tokens": 9, "completion_tokens": pieces}
        self.upstream.pause_s = pause_s
        before = self.upstream.running
        answer = self._threads.submit(self.ask, stream=True)
        wait_until(lambda: self.upstream.running > before)
        self.upstream.deltas, self.upstream.usage, self.upstream.pause_s = usual
        return answer

    def health(self) -> httpx.Response:
        return httpx.get(f"{self.product.url}/health", timeout=ANSWER_WITHIN_S)

    def ask_until_refused(self, most: int = 5_000) -> tuple[int, httpx.Response]:
        """How many were answered before the first that was not, and that one."""
        for answered in range(most):
            response = self.ask()
            if response.status_code != 200:
                return answered, response
        raise AssertionError("nothing was refused")

    def wait_until_recovered(self) -> None:
        wait_until(lambda: self.health().json()["ledger"]["state"] == "open")

    def rows(self) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.path)) as ledger:
            ledger.row_factory = sqlite3.Row
            return [dict(row) for row in ledger.execute("SELECT * FROM requests ORDER BY id")]

    def stop(self) -> None:
        self.product.stop()
        self.upstream.stop()
        self._threads.shutdown()

    def check(self) -> None:
        """Stop it; every rule holds on what it leaves."""
        self.product.stop()
        assert "all rules hold" in self.product.run("db", "check")


@contextmanager
def running(home: Path, prefix: Sequence[str] = (), **variables: str) -> Iterator[Gateway]:
    gateway = Gateway(home, prefix, **variables)
    try:
        gateway.product.start()
        yield gateway
    finally:
        gateway.stop()


def message_of(response: httpx.Response) -> str:
    return str(response.json()["error"]["message"])


def wait_until(is_so: Callable[[], bool], within_s: float = RECOVERED_WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
