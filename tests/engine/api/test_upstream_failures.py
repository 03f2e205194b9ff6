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
    b'{"choices": [{"delta": {}, "message": {}, "finish_reason": {"a": 1}}]}',
    b'{"choices": [{"logprobs": {"content": [{"token": "a", "logprob": NaN}]}}]}',
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


@pytest.mark.parametrize("stream", [False, True])
def test_counts_that_are_no_counts_are_not_taken(start: Start, stream: bool) -> None:
    gateway, [server] = start()
    server.usage = {"prompt_tokens": 10**30, "completion_tokens": 10**30, "total_tokens": 1}
    answer = ask(gateway, stream=stream)
    first = next(iter(answer)) if stream else answer
    if stream:
        list(answer)
    row = gateway.closed_row(request_id(first))
    assert (row["status"], row["output_tokens"], row["counts_exact"]) == ("ok", 4, 0)


def test_one_strange_answer_does_not_take_the_server_away_from_others(start: Start) -> None:
    gateway, [server] = start()
    server.garbage = b"<html>"
    with pytest.raises(openai.APIError):
        ask(gateway)
    server.garbage = None
    assert ask(gateway).choices[0].message.content == TEXT


def test_an_answer_without_words_is_complete(start: Start) -> None:
    gateway, [server] = start()
    server.deltas = []
    server.usage = {"prompt_tokens": 31, "completion_tokens": 1, "total_tokens": 32}
    list(ask(gateway, stream=True))
    [row] = gateway.rows()
    assert (row["status"], row["output_tokens"]) == ("ok", 1)
    assert row["first_token_at"] is not None


def test_more_answers_than_can_be_given_are_refused_at_once(start: Start) -> None:
    gateway, [server] = start()
    with pytest.raises(openai.BadRequestError, match="128 answers"):
        gateway.client().completions.create(model=MODEL, prompt=["a"] * 60_000, max_tokens=1)
    assert server.received == []
    assert gateway.rows() == []


def test_of_two_limits_the_larger_one_is_reserved(start: Start) -> None:
    gateway, _ = start()
    answer = ask(gateway, max_tokens=1, max_completion_tokens=4000)
    assert gateway.closed_row(request_id(answer))["reserved_tokens"] >= 4000


def test_a_prompt_that_an_upstream_finds_too_long_is_told_in_the_words_that_clients_read(
    start: Start,
) -> None:
    gateway, [server] = start()
    said_by_vllm = (
        "This model's maximum context length is 4096 tokens. However, you requested 25016 tokens "
        "(25000 in the messages, 16 in the completion). Please reduce the length."
    )
    server.refusal = 400, {"error": {"message": said_by_vllm}}, {}
    claude = anthropic.Anthropic(api_key=gateway.key, base_url=gateway.url, max_retries=0)
    question: Any = said("Hi")
    with pytest.raises(anthropic.BadRequestError, match="too long: 25000 tokens > 4095 maximum"):
        claude.messages.create(model=MODEL, max_tokens=16, messages=question)


def test_calls_that_a_server_does_not_number_are_told_apart_by_their_ids(start: Start) -> None:
    gateway, [server] = start()
    server.deltas = [
        {"tool_calls": [{"index": 0, "id": call, "function": {"name": "f", "arguments": "{}"}}]}
        for call in ("a", "b")
    ]
    server.finish_reason = "tool_calls"
    response = gateway.client().responses.create(
        model=MODEL,
        input="Hi",
        tools=[{"type": "function", "name": "f", "parameters": {}, "strict": False}],
    )
    assert [item.type for item in response.output] == ["function_call", "function_call"]
