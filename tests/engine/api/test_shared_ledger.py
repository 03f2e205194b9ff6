"""Gateways on one PostgreSQL ledger, as their clients meet them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest

from db.check import check
from db.connect import connect
from db.limits import Limits, set_limits
from db.settings import Settings
from tests.engine.api.gateway import Gateway, request_id, said, wait_until
from tests.engine.api.upstream_server import MODEL, UpstreamServer
from tests.postgresql import Server

Start = Callable[[], Gateway]


@pytest.fixture
def ledger_url(postgresql: Server) -> Iterator[str]:
    url = postgresql.database()
    yield url
    postgresql.give_back(url)


@pytest.fixture
def start(tmp_path: Path, ledger_url: str) -> Iterator[Start]:
    """Starts gateways on one ledger, each with a home of its own, before one scripted upstream."""
    upstream = UpstreamServer()
    running: list[Gateway] = []

    def start() -> Gateway:
        home = tmp_path / f"home-{len(running)}"
        gateway = Gateway(
            Settings(home=home, database_url=ledger_url, model="none", upstreams=upstream.url)
        )
        running.append(gateway)
        wait_until(lambda: all(one["up"] for one in gateway.service.upstreams.health()))
        return gateway

    yield start
    for gateway in running:
        gateway.stop()
    upstream.stop()


def ask(client: openai.OpenAI, max_tokens: int = 4) -> openai.types.chat.ChatCompletion:
    return client.chat.completions.create(
        model=MODEL, messages=said("What is a boat?"), max_tokens=max_tokens
    )


def test_a_chat_is_answered_and_on_the_ledger_to_the_token(start: Start, ledger_url: str) -> None:
    gateway = start()
    answer = ask(gateway.client())
    stored = gateway.closed_row(request_id(answer))
    assert answer.usage is not None
    assert (stored["status"], stored["model"]) == ("ok", MODEL)
    assert stored["input_tokens"] == answer.usage.prompt_tokens
    assert stored["output_tokens"] == answer.usage.completion_tokens
    with gateway.client().chat.completions.create(
        model=MODEL, messages=said("What is a boat?"), stream=True
    ) as stream:
        [*chunks] = stream
    assert gateway.closed_row(request_id(chunks[0]))["streamed"] is True
    assert check(connect(ledger_url, read_only=True)).violations == []


def test_health_says_that_the_ledger_is_open_and_nothing_of_its_address(
    start: Start, ledger_url: str
) -> None:
    answer = httpx.get(f"{start().url}/health")
    assert answer.json()["ledger"]["state"] == "open"
    assert "postgres" not in answer.text


def test_a_key_of_one_gateway_opens_another_and_a_budget_is_for_both_together(
    start: Start, ledger_url: str
) -> None:
    one = start()
    other = start()
    clients = [one.client(), other.client(one.key)]
    first = one.closed_row(request_id(ask(clients[0])))
    budget = 20 * (first["input_tokens"] + first["output_tokens"]) + first["reserved_tokens"]
    limit = Limits(tokens_per_month=budget)
    set_limits(one.service.database, limit, developer_id=one.developer.id, actor="tests")

    def outcome(number: int) -> str:
        try:
            ask(clients[number % 2])
        except openai.RateLimitError as refused:
            return str(refused.code)
        return "ok"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(outcome, range(80)))
    assert set(outcomes) == {"ok", "insufficient_quota"}
    wait_until(lambda: all(row["status"] != "running" for row in one.rows()))
    stored = one.rows()
    assert len(stored) == 1 + outcomes.count("ok")
    assert len({row["writer_id"] for row in stored}) == 2
    used = sum(row["input_tokens"] + row["output_tokens"] for row in stored)
    assert used <= budget
    assert check(connect(ledger_url, read_only=True)).violations == []
