"""When a part fails or is full: clients are told, rows are closed, all goes on."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from db.settings import Settings
from engine.api.auth import Caller
from engine.api.service import Call
from engine.api.source import EngineKind, Piece, Tally
from tests.conftest import make_home
from tests.engine.api.gateway import MODEL, Gateway, request_id, said, wait_until

STORY = said("Tell me a long story about the sea.")


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory, weights_dir: Path) -> Iterator[Gateway]:
    """A gateway of one's own: what waits for its restart must not hold the other tests up."""
    home = make_home(tmp_path_factory.mktemp("crash") / "home", weights_dir)
    running = Gateway(Settings(home=home, threads=2, max_running=2, max_waiting=1))
    yield running
    running.stop()


def test_a_crash_is_told_closed_and_recovered_from(fragile: Gateway) -> None:
    client = fragile.client()
    stream: Any = client.chat.completions.create(
        model=MODEL, messages=STORY, max_tokens=2000, temperature=2.0, stream=True
    )
    seen = [next(stream) for _ in range(4)]
    fragile.worker_process().kill()
    with pytest.raises(openai.APIError, match="restarted"):
        seen += list(stream)
    row = fragile.closed_row(request_id(seen[0]))

    assert row["status"] == "error"
    assert row["error_type"] == "worker_crashed"
    assert row["output_tokens"] >= 3

    with pytest.raises(openai.InternalServerError) as refused:
        client.chat.completions.create(model=MODEL, messages=STORY, max_tokens=3)
    assert refused.value.status_code == 503
    assert float(refused.value.response.headers["retry-after"]) > 0
    assert httpx.get(f"{fragile.url}/health").status_code == 503

    wait_until(lambda: fragile.service.state.name == "ready", within_s=60)
    answer = client.chat.completions.create(model=MODEL, messages=STORY, max_tokens=3)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
    assert [row["status"] for row in fragile.rows()] == ["error", "ok"]


def test_a_client_that_waits_for_its_first_token_gets_a_503(fragile: Gateway) -> None:
    """Clients retry a 503 by themselves; an error inside a stream they do not."""
    wait_until(lambda: fragile.service.state.name == "ready", within_s=60)
    worker = fragile.worker_process()
    worker.suspend()

    def kill_once_admitted() -> None:
        wait_until(lambda: fragile.rows()[-1]["status"] == "running")
        worker.kill()

    killer = threading.Thread(target=kill_once_admitted)
    killer.start()
    with pytest.raises(openai.InternalServerError) as refused:
        fragile.client().chat.completions.create(model=MODEL, messages=STORY, stream=True)
    killer.join()
    assert refused.value.code == "worker_crashed"
    assert fragile.rows()[-1]["status"] == "error"


def test_a_crash_within_a_response_is_told_as_its_failure(fragile: Gateway) -> None:
    """With all that came until then; Codex then tries again by itself."""
    wait_until(lambda: fragile.service.state.name == "ready", within_s=60)
    stream = fragile.client().responses.create(
        model=MODEL, input="Tell a story.", max_output_tokens=2000, temperature=2.0, stream=True
    )
    texts: list[str] = []
    for event in stream:
        if event.type == "response.output_text.delta":
            texts.append(event.delta)
            if len(texts) == 3:
                fragile.worker_process().kill()
    assert event.type == "response.failed"
    assert event.response.error is not None
    assert event.response.error.code == "server_error"
    assert "restarted" in event.response.error.message
    assert event.response.output_text == "".join(texts)
    assert fragile.rows()[-1]["status"] == "error"


def test_a_client_that_waits_long_is_kept_company_until_its_answer_comes(fragile: Gateway) -> None:
    """Headers and a comment come after a second, so that neither client nor proxy gives up."""
    wait_until(lambda: fragile.service.state.name == "ready", within_s=60)
    worker = fragile.worker_process()
    worker.suspend()
    stream: Any = fragile.client().chat.completions.create(
        model=MODEL, messages=STORY, max_tokens=3, stream=True
    )
    assert stream.response.status_code == 200
    worker.resume()

    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "length"


def test_a_full_queue_is_a_503_that_says_when_to_try_again(fragile: Gateway) -> None:
    wait_until(lambda: fragile.service.state.name == "ready", within_s=60)
    client = fragile.client()
    worker = fragile.worker_process()
    worker.suspend()  # so that none of them ends before the queue is full
    streams: list[Any] = [
        client.chat.completions.create(
            model=MODEL, messages=STORY, max_tokens=3000, temperature=2.0, stream=True
        )
        for _ in range(3)  # two run, one waits
    ]
    with pytest.raises(openai.InternalServerError) as refused:
        client.chat.completions.create(model=MODEL, messages=STORY)
    for stream in streams:
        stream.close()
    worker.resume()

    assert refused.value.status_code == 503
    assert refused.value.code == "queue_full"
    assert float(refused.value.response.headers["retry-after"]) > 0
    wait_until(lambda: all(row["status"] != "running" for row in fragile.rows()))
    assert [row["status"] for row in fragile.rows()[-3:]] == ["cancelled"] * 3


@pytest.mark.slow
def test_without_a_ledger_nothing_is_computed(fragile: Gateway) -> None:
    """Another program holds the database's lock for longer than the gateway waits for it."""
    wait_until(lambda: fragile.service.state.name == "ready", within_s=60)
    rows = len(fragile.rows())
    with sqlite3.connect(fragile.service.ledger.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(openai.InternalServerError) as refused:
            fragile.client().chat.completions.create(model=MODEL, messages=STORY, max_tokens=3)
        other.execute("ROLLBACK")
    assert refused.value.status_code == 503
    assert refused.value.code == "ledger_unavailable"
    assert len(fragile.rows()) == rows

    wait_until(lambda: fragile.service.ledger.health().state == "open")
    answer = fragile.client().chat.completions.create(model=MODEL, messages=STORY, max_tokens=3)
    assert fragile.row(request_id(answer))["status"] == "ok"


class Strange:
    """An engine whose answer ends in a way that no ledger can hold."""

    engine: EngineKind = "upstream"
    model = MODEL
    answers = 1
    most_tokens = 10
    short = False
    fingerprint: str | None = None

    def __init__(self) -> None:
        self.tally = Tally(input_tokens=5)

    async def pieces(self, request_id: int) -> AsyncIterator[Piece]:
        del request_id
        ending: Any = {"neither": "text nor nothing"}
        yield Piece(finish_reason=ending)

    def abort(self) -> None:
        pass


def test_a_row_is_closed_even_where_its_outcome_cannot_be_written(gateway: Gateway) -> None:
    caller = Caller(gateway.developer.id, gateway.developer.name, None, "tests")

    async def answered() -> int:
        call = Call(caller, "/v1/chat/completions", time.monotonic(), None)
        answer = gateway.service.answer(call, Strange(), streamed=False)
        await asyncio.wait([answer.task])
        return answer.row.id

    row = gateway.row(gateway.call(answered()))
    assert (row["status"], row["error_type"]) == ("error", "internal_error")
