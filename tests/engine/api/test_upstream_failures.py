"""What upstreams do wrong, and what clients do: told to whom it concerns, and on the ledger."""

import contextlib
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.engine.api.gateway import request_id, said, wait_until
from tests.engine.api.upstream_server import MODEL, TEXT, UpstreamServer
from tests.engine.api.upstreams import Start, ask


def test_what_an_upstream_refuses_about_a_request_is_told_in_its_words(start: Start) -> None:
    gateway, [server] = start()
    error = {"message": "max_tokens is too large", "type": "BadRequestError", "param": "max_tokens"}
    server.refusal = 400, {"error": error}, {}
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as refused:
            ask(gateway, stream=stream)
        assert "max_tokens is too large" in str(refused.value)
        assert refused.value.param == "max_tokens"
    assert [row["status"] for row in gateway.rows()] == ["error", "error"]


@pytest.mark.parametrize(
    ("status", "headers", "error", "after"),
    [
        (500, {}, openai.InternalServerError, None),
        (401, {}, openai.InternalServerError, None),
        (503, {"retry-after": "7"}, openai.InternalServerError, "7"),
        (429, {"retry-after": "9"}, openai.RateLimitError, "9"),
    ],
)
def test_an_upstream_that_fails_is_told_as_such(
    start: Start, status: int, headers: dict[str, str], error: type[Exception], after: str | None
) -> None:
    gateway, [server] = start()
    server.refusal = status, {"object": "error", "message": "no luck"}, headers
    with pytest.raises(error) as refused:
        ask(gateway)
    assert isinstance(refused.value, openai.APIStatusError)
    assert refused.value.status_code == {500: 502, 401: 502}.get(status, status)
    assert refused.value.response.headers.get("retry-after") == after
    assert [row["status"] for row in gateway.rows()] == ["error"]


def test_a_dead_upstream_is_a_502_and_then_a_503_until_it_is_back(start: Start) -> None:
    gateway, [server] = start()
    server.stop()
    with pytest.raises(openai.InternalServerError) as first:
        ask(gateway)
    assert first.value.status_code == 502
    with pytest.raises(openai.InternalServerError) as second:
        ask(gateway)
    assert second.value.status_code == 503
    assert "retry-after" in second.value.response.headers
    assert [row["status"] for row in gateway.rows()] == ["error", "error"]
    assert httpx.get(f"{gateway.url}/health").status_code == 503

    again = UpstreamServer(server.port)
    try:
        wait_until(lambda: gateway.service.state.name == "ready")
        assert ask(gateway).choices[0].message.content == TEXT
    finally:
        again.stop()


def test_another_replica_answers_where_one_is_dead(start: Start) -> None:
    gateway, servers = start(2)
    servers[0].stop()
    for _ in range(4):
        assert ask(gateway).choices[0].message.content == TEXT
    assert {row["status"] for row in gateway.rows()} == {"ok"}


def test_another_replica_answers_where_one_is_busy(start: Start) -> None:
    gateway, servers = start(2)
    servers[0].refusal = 503, {"error": {"message": "loading"}}, {}
    for _ in range(3):
        assert "".join(c.choices[0].delta.content or "" for c in ask(gateway, stream=True)) == TEXT
    assert {row["status"] for row in gateway.rows()} == {"ok"}


def test_an_answer_that_breaks_off_is_not_begun_again(start: Start) -> None:
    gateway, servers = start(2)
    for server in servers:
        server.breaks_after = 3
    stream = ask(gateway, stream=True)
    texts: list[str] = []
    with pytest.raises(openai.APIError) as broken:
        texts.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "broke off" in str(broken.value)
    assert sum(len(server.received) for server in servers) == 1
    [row] = gateway.rows()
    assert (row["status"], row["error_type"]) == ("error", "upstream_broke_off")
    assert (row["output_tokens"], row["counts_exact"]) == (3, 0)


def test_an_error_within_a_stream_is_told(start: Start) -> None:
    gateway, [server] = start()
    server.deltas = []
    server.finish_reason = "stop"
    server.extra = {}
    server._event = lambda choices, **more: b'data: {"error": {"message": "out of memory"}}\n\n'  # type: ignore[method-assign]
    with pytest.raises(openai.InternalServerError, match="out of memory"):
        ask(gateway, stream=True)
    assert [row["status"] for row in gateway.rows()] == ["error"]


def test_a_client_that_leaves_ends_the_upstreams_work_too(start: Start) -> None:
    gateway, [server] = start()
    server.deltas = [{"content": " on"}] * 1000
    server.pause_s = 0.02
    stream = ask(gateway, stream=True)
    first = next(iter(stream))
    stream.close()
    wait_until(lambda: server.left == 1)
    row = gateway.closed_row(request_id(first))
    assert row["status"] == "cancelled"
    assert 0 < row["output_tokens"] < 1000
    assert row["counts_exact"] == 0
    wait_until(lambda: gateway.service.upstreams.dispatch.running == 0)


def test_who_leaves_while_waiting_for_a_place_gives_up_the_turn(start: Start) -> None:
    gateway, [server] = start(max_running=1)
    server.pause_s = 1.0
    with pytest.raises(openai.APITimeoutError):
        gateway.client().with_options(timeout=0.3).chat.completions.create(
            model=MODEL, messages=said("Hi")
        )
    with contextlib.suppress(openai.APITimeoutError):
        gateway.client().with_options(timeout=0.3).chat.completions.create(
            model=MODEL, messages=said("Hi")
        )
    wait_until(lambda: all(row["status"] == "cancelled" for row in gateway.rows()))
    server.pause_s = 0.0
    assert ask(gateway).choices[0].message.content == TEXT


GARBAGE = [
    b"",
    b"no JSON",
    b"[]",
    b"{}",
    b'{"choices": 5}',
    b'{"choices": [5]}',
    b'{"choices": [{"index": "a", "delta": {"content": "x"}}]}',
    b'{"choices": [{"index": 7, "delta": {"content": "x"}}]}',
    b'{"choices": [{"delta": {"content": 5, "tool_calls": 3}, "finish_reason": 8}]}',
    b'{"choices": [{"delta": "x", "message": "x", "logprobs": 1}]}',
    b'{"choices": [{"delta": {}, "logprobs": {"content": [{"token": 1}]}}]}',
    b'{"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": "many"}}',
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_told_as_the_upstreams_fault(start: Start, garbage: bytes) -> None:
    gateway, [server] = start()
    server.garbage = garbage
    claude = anthropic.Anthropic(api_key=gateway.key, base_url=gateway.url, max_retries=0)
    question: Any = said("Hi")
    for stream in (False, True):
        with pytest.raises(openai.APIError, match="upstream"):
            list(ask(gateway, stream=stream))
        wait_until(lambda: gateway.service.state.name == "ready")
    with pytest.raises(anthropic.APIStatusError) as told_too:
        claude.messages.create(model=MODEL, max_tokens=5, messages=question)
    assert told_too.value.status_code in (502, 529)
    assert {row["status"] for row in gateway.rows()} == {"error"}
    assert gateway.service.upstreams.dispatch.running == 0
