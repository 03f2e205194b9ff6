"""The worker is killed while it answers: clients are told, rows are closed, all goes on."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from db.settings import Settings
from tests.conftest import make_home
from tests.engine.api.gateway import MODEL, Gateway, request_id, said, wait_until

STORY = said("Tell me a long story about the sea.")


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory, weights_dir: Path) -> Iterator[Gateway]:
    """A gateway of one's own: what waits for its restart must not hold the other tests up."""
    home = make_home(tmp_path_factory.mktemp("crash") / "home", weights_dir)
    running = Gateway(Settings(home=home, threads=2))
    yield running
    running.stop()


def test_a_crash_is_told_closed_and_recovered_from(fragile: Gateway) -> None:
    client = fragile.client()
    stream: Any = client.chat.completions.create(
        model=MODEL, messages=STORY, max_tokens=2000, temperature=1.3, stream=True
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
