"""A gateway as `python -m engine serve` runs it, in a thread of the tests' own process, so that
tests can look at its service: real worker, real ledger, real HTTP on a free port."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import openai
import psutil
import uvicorn
from openai.types.chat import ChatCompletionMessageParam
from sqlalchemy import text

from db.keys import create_key
from db.people import add_developer, find_developer
from db.settings import Settings
from engine.api.app import create_app
from engine.api.service import Service
from engine.serve import listen
from tests.product import free_port

READY_WITHIN_S = 120
MODEL = "smollm2-135m-instruct"

T = TypeVar("T")


class Gateway:
    """Starts at once; `stop` ends it. `key` is a bearer of the developer ada."""

    def __init__(self, settings: Settings) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.service = Service(settings)
        self._loop = asyncio.new_event_loop()
        self._server = uvicorn.Server(
            uvicorn.Config(create_app(self.service), lifespan="off", log_level="warning")
        )
        self._thread = threading.Thread(target=self._run, name="gateway")
        self._thread.start()
        wait_until(lambda: self.service.state.name == "ready", READY_WITHIN_S)
        wait_until(lambda: self._server.started)
        database = self.service.database
        known = find_developer(database, "ada")  # another gateway may be on the same ledger
        self.developer = known or add_developer(database, "ada", actor="tests")
        self.key = self.new_key("tests")

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        await self.service.start()
        await self._server.serve(sockets=listen("127.0.0.1", self.port))
        await self.service.stop()

    def stop(self) -> None:
        self.service.begin_stop()
        self._server.should_exit = True
        self._thread.join()
        self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine on the gateway's own event loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    def new_key(self, tool: str) -> str:
        return create_key(self.service.database, self.developer.id, tool, actor="tests")[1]

    def client(self, key: str | None = None) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=key or self.key, max_retries=0)

    def worker_process(self) -> psutil.Process:
        assert self.service.embedded.worker is not None
        assert self.service.embedded.worker.pid is not None
        return psutil.Process(self.service.embedded.worker.pid)

    # The ledger, read with SQL of the tests' own

    def row(self, request_id: int) -> dict[str, Any]:
        with self.service.database.connect() as connection:
            found = connection.execute(
                text("SELECT * FROM requests WHERE id = :id"), {"id": request_id}
            )
            return dict(found.mappings().one())

    def rows(self) -> list[dict[str, Any]]:
        """Every row, oldest first."""
        with self.service.database.connect() as connection:
            found = connection.execute(text("SELECT * FROM requests ORDER BY id"))
            return [dict(row) for row in found.mappings()]

    def closed_row(self, request_id: int) -> dict[str, Any]:
        """The row once it is no longer running."""
        wait_until(lambda: self.row(request_id)["status"] != "running")
        return self.row(request_id)


def said(text: str) -> list[ChatCompletionMessageParam]:
    """A chat of one user message."""
    return [{"role": "user", "content": text}]


def request_id(answer: Any) -> int:
    """The ledger's id in an answer's or a chunk's `chatcmpl-…`."""
    return int(answer.id.removeprefix("chatcmpl-"), 16)


def wait_until(true: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, f"not so within {within_s} s"
        time.sleep(0.02)
