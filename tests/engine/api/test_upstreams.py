"""Servers behind the gateway, through the official clients: what they say is passed on, and what
they use is on the ledger."""

import asyncio
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from db.keys import create_key
from db.people import add_developer
from db.settings import Settings
from engine.api.source import Tally
from engine.api.upstreams.wire import take_usage
from tests.engine.api.gateway import Gateway, request_id, said, wait_until
from tests.engine.api.upstream_server import MODEL, TEXT, USAGE
from tests.engine.api.upstreams import Start, ask


def test_a_streamed_answer_is_passed_on_and_on_the_ledger(start: Start) -> None:
    gateway, [server] = start()
    server.extra = {"token_ids": [1, 2]}

    chunks = list(ask(gateway, stream=True, extra_body={"guided_choice": ["a"], "top_k": 7}))

    assert "".join(c.choices[0].delta.content or "" for c in chunks) == TEXT
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[0].choices[0].token_ids == [1, 2]  # a field that only the upstream knows
    assert all(chunk.usage is None for chunk in chunks)  # nobody asked for it
    body, headers = server.received[0]
    assert (body["guided_choice"], body["top_k"]) == (["a"], 7)
    assert body["stream_options"] == {"include_usage": True}
    assert headers["authorization"] == "Bearer sk-upstream"
    row = gateway.closed_row(request_id(chunks[0]))
    assert (row["status"], row["engine"], row["model"]) == ("ok", "upstream", MODEL)
    assert (row["input_tokens"], row["output_tokens"], row["cached_input_tokens"]) == (31, 5, 16)
    assert (row["counts_exact"], row["finish_reason"]) == (1, "stop")
    assert row["energy_j"] is None  # not known, so not 0


def test_an_answer_in_one_piece_is_passed_on_and_on_the_ledger(start: Start) -> None:
    gateway, [server] = start()
    server.extra = {"stop_reason": 7}

    answer = ask(gateway)

    assert answer.choices[0].message.content == TEXT
    assert answer.choices[0].stop_reason == 7
    assert answer.usage.to_dict() == USAGE
    row = gateway.closed_row(request_id(answer))
    assert (row["input_tokens"], row["output_tokens"], row["cached_input_tokens"]) == (31, 5, 16)
    assert "breakeven" not in server.received[0][0]


def test_an_upstream_that_tells_nothing_of_its_cache_is_not_taken_to_have_missed_it() -> None:
    told, untold = (Tally(31, exact=False, cached_is_known=False) for _ in range(2))
    take_usage(USAGE, told)
    take_usage(USAGE | {"prompt_tokens_details": None}, untold)
    assert (told.cached_input_tokens, told.cached_is_known) == (16, True)
    assert (untold.cached_input_tokens, untold.cached_is_known) == (0, False)


def test_usage_is_told_in_the_last_chunk_where_it_is_asked_for(start: Start) -> None:
    gateway, _ = start()
    chunks = list(ask(gateway, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.to_dict() == USAGE
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.parametrize("stream", [False, True])
def test_an_upstream_without_usage_is_counted_by_its_own_tokenizer(
    start: Start, stream: bool
) -> None:
    gateway, [server] = start()
    server.usage = None
    server.tokenize = lambda body: 23 if "messages" in body else len(body["prompt"].split())
    answer = ask(gateway, stream=stream)
    first = next(iter(answer)) if stream else answer
    if stream:
        list(answer)
    row = gateway.closed_row(request_id(first))
    assert (row["input_tokens"], row["output_tokens"]) == (23, len(TEXT.split()))
    assert row["counts_exact"] == 0


def test_tokens_are_counted_with_a_tokenizer_that_the_admin_names(
    start: Start, gguf_path: Path
) -> None:
    gateway, [server] = start(tokenizer=gguf_path)
    server.usage = None
    row = gateway.closed_row(request_id(ask(gateway)))
    # "It is a boat." in SmolLM2's vocabulary is It, ␣is, ␣a, ␣boat and the full stop.
    assert (row["output_tokens"], row["counts_exact"]) == (5, 0)
    assert row["input_tokens"] > 5


def test_without_any_tokenizer_tokens_are_estimated_by_length(start: Start) -> None:
    gateway, [server] = start()
    server.usage = None
    answer = ask(gateway)
    row = gateway.closed_row(request_id(answer))
    assert row["output_tokens"] == 4  # 13 letters at 4 a token
    assert row["counts_exact"] == 0
    assert answer.usage.completion_tokens == row["output_tokens"]
    assert answer.usage.prompt_tokens == row["input_tokens"]


def test_the_least_busy_replica_is_taken(start: Start) -> None:
    gateway, servers = start(2)
    for server in servers:
        server.pause_s = 0.5

    async def together() -> None:
        client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key)
        await asyncio.gather(
            *(client.chat.completions.create(model=MODEL, messages=said("Hi")) for _ in range(8))
        )

    asyncio.run(together())
    assert [len(server.received) for server in servers] == [4, 4]


def test_fifty_requests_of_one_do_not_keep_anothers_one_out(start: Start) -> None:
    gateway, [server] = start(max_running=2)
    server.pause_s = 0.1
    bob = add_developer(gateway.service.database, "bob", actor="tests")
    bobs = create_key(gateway.service.database, bob.id, "tests", actor="tests")[1]

    async def together() -> int:
        """How many of ada's fifty were answered before bob's one."""
        ada = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key)
        other = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=bobs)
        fifty = [
            asyncio.create_task(ada.chat.completions.create(model=MODEL, messages=said("Hi")))
            for _ in range(50)
        ]
        while len(server.received) < 2:
            await asyncio.sleep(0.01)
        await other.chat.completions.create(model=MODEL, messages=said("Hi"))
        before = sum(task.done() for task in fifty)
        await asyncio.gather(*fifty)
        return before

    assert asyncio.run(together()) <= 8
    assert server.most_running == 2


def test_models_of_upstreams_are_listed_with_their_context(start: Start) -> None:
    gateway, _ = start()
    assert [model.id for model in gateway.client().models.list()] == [MODEL]
    assert gateway.client().models.retrieve(MODEL.upper()).id == MODEL
    with pytest.raises(openai.NotFoundError, match="Big-MoE"):
        gateway.client().chat.completions.create(model="gpt-9", messages=said("Hi"))
    assert gateway.rows() == []


def test_texts_are_continued_by_upstreams_too(start: Start) -> None:
    gateway, [server] = start()
    answer = gateway.client().completions.create(
        model=MODEL, prompt=["One", "Two"], max_tokens=5, extra_body={"use_beam_search": True}
    )
    assert [choice.text for choice in answer.choices] == [TEXT, TEXT]
    assert server.received[0][0]["use_beam_search"] is True
    row = gateway.closed_row(int(answer.id.removeprefix("cmpl-"), 16))
    assert (row["endpoint"], row["status"]) == ("/v1/completions", "ok")
    assert (row["input_tokens"], row["output_tokens"]) == (31, 5)


def test_responses_are_answered_by_any_upstream(start: Start) -> None:
    gateway, [server] = start()
    response = gateway.client().responses.create(model=MODEL, input="What is a boat?")
    assert (response.status, response.output_text) == ("completed", TEXT)
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (31, 5)
    assert server.received[0][0]["messages"] == [{"role": "user", "content": "What is a boat?"}]


WEATHER: Any = {
    "name": "weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def test_anthropics_clients_are_answered_by_any_upstream(start: Start) -> None:
    gateway, [server] = start()
    server.deltas = [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Rain?"},
        {"content": "Let me see."},
        {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "weather"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city": '}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Bonn"}'}}]},
    ]
    server.finish_reason = "tool_calls"
    client = anthropic.Anthropic(api_key=gateway.key, base_url=gateway.url, max_retries=0)
    history: Any = [
        {"role": "user", "content": "Weather in Bonn?"},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "B"}}
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "unknown"}],
        },
    ]
    with client.messages.stream(
        model=MODEL, max_tokens=50, system="Be brief.", messages=history, tools=[WEATHER]
    ) as stream:
        message = stream.get_final_message()

    assert message.stop_reason == "tool_use"
    text, called = message.content
    assert text.type == "text"
    assert text.text == "Let me see."
    assert called.type == "tool_use"
    assert (called.name, called.input) == ("weather", {"city": "Bonn"})
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (15, 16)
    body, _ = server.received[0]
    assert [m["role"] for m in body["messages"]] == ["system", "user", "assistant", "tool"]
    assert body["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"city": "B"}'
    assert body["messages"][3]["tool_call_id"] == "t1"
    assert body["tools"][0]["function"]["parameters"] == WEATHER["input_schema"]
    assert (body["max_tokens"], body["tool_choice"]) == (50, "auto")


def test_more_tokens_than_the_context_has_room_for_are_not_asked_of_it(start: Start) -> None:
    gateway, [server] = start()
    server.context = 100
    server.tokenize = lambda body: 40
    server.finish_reason = "length"
    wait_until(lambda: gateway.call(_checked(gateway)))
    client = anthropic.Anthropic(api_key=gateway.key, base_url=gateway.url, max_retries=0)
    question: Any = said("Hi")
    with client.messages.stream(model=MODEL, max_tokens=32_000, messages=question) as stream:
        message = stream.get_final_message()
    assert server.received[0][0]["max_tokens"] == 60
    assert message.stop_reason == "model_context_window_exceeded"
    assert client.messages.count_tokens(model=MODEL, messages=question).input_tokens == 40


async def _checked(gateway: Gateway) -> bool:
    upstreams = gateway.service.upstreams
    for replica in upstreams.replicas:
        await replica.check(upstreams.session)
    return True


def test_one_gateway_can_stand_behind_another(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inner one counts the tokens that the outer one tells and writes down."""
    monkeypatch.setenv("INNER_KEY", gateway.key)
    path = tmp_path / "upstreams.toml"
    path.write_text(f'[[upstream]]\nurl = "{gateway.url}/v1"\napi_key_env = "INNER_KEY"\n')
    outer = Gateway(Settings(home=tmp_path / "home", model="none", upstreams=str(path)))
    try:
        model = next(iter(outer.client().models.list())).id
        answer = outer.client().chat.completions.create(
            model=model, messages=said("What is a boat?"), max_tokens=9, temperature=0
        )
        [row] = outer.rows()
        inner = gateway.rows()[-1]
        assert answer.usage is not None
        assert row["input_tokens"] == inner["input_tokens"] == answer.usage.prompt_tokens
        assert row["output_tokens"] == inner["output_tokens"] == 9
    finally:
        outer.stop()
