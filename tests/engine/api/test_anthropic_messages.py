"""The official anthropic client against the gateway."""

from typing import Any

import anthropic
import httpx
import pytest
from anthropic.types import MessageParam

from tests.engine.api.gateway import MODEL, Gateway

QUESTION: list[MessageParam] = [{"role": "user", "content": "What is a sailing boat?"}]


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=gateway.key, base_url=gateway.url, max_retries=0)


def create(client: anthropic.Anthropic, **changes: Any) -> Any:
    """The newest clients know no temperature any more; older ones, and this API, do."""
    wanted: dict[str, Any] = {"model": MODEL, "messages": QUESTION, "max_tokens": 12}
    wanted["extra_body"] = {"temperature": 0.0} | changes.pop("extra_body", {})
    return client.messages.create(**(wanted | changes))


def row_of(gateway: Gateway, message_id: str) -> Any:
    return gateway.closed_row(int(message_id.removeprefix("msg_"), 16))


def test_an_answer_is_a_message_with_its_usage_and_a_row(
    gateway: Gateway, client: anthropic.Anthropic
) -> None:
    message = create(client)
    assert (message.type, message.role, message.model) == ("message", "assistant", MODEL)
    assert message.content[0].text
    assert (message.stop_reason, message.stop_sequence) == ("max_tokens", None)
    row = row_of(gateway, message.id)
    assert (row["input_tokens"], row["output_tokens"]) == (message.usage.input_tokens, 12)
    assert (row["endpoint"], row["client"]) == ("/v1/messages", "anthropic-python")
    assert row["energy_j"] > 0


def test_a_stream_has_the_vendors_events_in_their_order(client: anthropic.Anthropic) -> None:
    with client.messages.stream(
        model=MODEL, messages=QUESTION, max_tokens=12, extra_body={"temperature": 0.0}
    ) as stream:
        raw = [event.type for event in stream if event.type not in ("text", "ping")]
        final = stream.get_final_message()
    assert raw[:2] == ["message_start", "content_block_start"]
    assert set(raw[2:-3]) == {"content_block_delta"}
    assert raw[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    whole = create(client)
    assert final.content[0].to_dict()["text"] == whole.content[0].text
    assert (final.stop_reason, final.usage.output_tokens) == ("max_tokens", 12)
    assert final.usage.input_tokens == whole.usage.input_tokens


def test_a_stop_sequence_is_named(client: anthropic.Anthropic) -> None:
    text = create(client).content[0].text
    stop = text.split()[2]
    message = create(client, stop_sequences=["never written", stop])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", stop)
    assert message.content[0].text == text[: text.index(stop)]


def test_counted_tokens_are_those_that_are_charged(client: anthropic.Anthropic) -> None:
    system = "Answer in one word."
    counted = client.messages.count_tokens(model=MODEL, messages=QUESTION, system=system)
    assert counted.input_tokens == create(client, system=system).usage.input_tokens


def test_a_system_prompt_may_come_in_blocks_and_turns_in_pieces(
    client: anthropic.Anthropic,
) -> None:
    together = create(
        client,
        system="Be brief.\nBe kind.",
        messages=[{"role": "user", "content": "One.\nTwo."}],
    )
    apart = create(
        client,
        system=[{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "One."}]},
            {"role": "user", "content": "Two."},
        ],
    )
    assert apart.usage.input_tokens == together.usage.input_tokens
    assert apart.content[0].text == together.content[0].text


def test_tools_that_were_used_elsewhere_are_read_as_text(client: anthropic.Anthropic) -> None:
    used = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bonn"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "Rain."}
    chat = [
        *QUESTION,
        {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, used]},
        {"role": "user", "content": [result, {"type": "text", "text": "And?"}]},
    ]
    assert create(client, messages=chat).content[0].text


def test_a_limit_beyond_the_context_ends_at_the_context(client: anthropic.Anthropic) -> None:
    long = [{"role": "user", "content": "a " * 8140}]
    message = create(client, messages=long, max_tokens=10_000)
    assert message.stop_reason == "model_context_window_exceeded"
    assert message.usage.input_tokens + message.usage.output_tokens == 8192


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"model": "claude-opus"}, anthropic.NotFoundError, "not_found_error"),
    ({"messages": []}, anthropic.BadRequestError, "invalid_request_error"),
    ({"max_tokens": 0}, anthropic.BadRequestError, "invalid_request_error"),
    ({"extra_body": {"temperature": 1.5}}, anthropic.BadRequestError, "invalid_request_error"),
    ({"stop_sequences": [" "]}, anthropic.BadRequestError, "invalid_request_error"),
    ({"extra_body": {"colour": "red"}}, anthropic.BadRequestError, "invalid_request_error"),
    (
        {"messages": [*QUESTION, {"role": "assistant", "content": "It is"}]},
        anthropic.BadRequestError,
        "invalid_request_error",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]},
        anthropic.BadRequestError,
        "invalid_request_error",
    ),
    (
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "strange"}}}},
        anthropic.BadRequestError,
        "invalid_request_error",
    ),
    (
        {"tools": [{"name": "t t", "input_schema": {"type": "object"}}]},
        anthropic.BadRequestError,
        "invalid_request_error",
    ),
]


@pytest.mark.parametrize(("changes", "error", "kind"), REFUSED)
def test_what_is_refused_has_the_vendors_shape(
    client: anthropic.Anthropic, changes: dict[str, Any], error: type[Exception], kind: str
) -> None:
    with pytest.raises(error) as raised:
        create(client, **changes)
    assert isinstance(raised.value, anthropic.APIStatusError)
    body: Any = raised.value.body
    assert (body["type"], body["error"]["type"]) == ("error", kind)
    assert body["error"]["message"]


def test_fields_of_betas_are_ignored_where_a_beta_is_announced(
    client: anthropic.Anthropic,
) -> None:
    message = create(
        client,
        extra_headers={"anthropic-beta": "context-management-2025-06-27"},
        extra_body={"context_management": {"edits": []}},
    )
    assert message.content


def test_a_bearer_is_as_good_as_a_key(gateway: Gateway) -> None:
    bearer = anthropic.Anthropic(auth_token=gateway.key, base_url=gateway.url, max_retries=0)
    assert create(bearer).content
    stranger = anthropic.Anthropic(api_key="bk-nobody", base_url=gateway.url, max_retries=0)
    with pytest.raises(anthropic.AuthenticationError) as raised:
        create(stranger)
    assert raised.value.body == {
        "type": "error",
        "error": {
            "type": "authentication_error",
            "message": "The API key sent is not valid: it is unknown, expired or revoked.",
        },
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"model": 3}', b"\xff"])
def test_a_body_that_is_no_request_is_a_400(gateway: Gateway, body: bytes) -> None:
    for path in ("/v1/messages", "/v1/messages/count_tokens"):
        answer = httpx.post(
            gateway.url + path, content=body, headers={"x-api-key": gateway.key}, timeout=30
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"


def counted(client: anthropic.Anthropic, **fields: Any) -> int:
    return client.messages.count_tokens(
        **({"model": MODEL, "messages": QUESTION} | fields)
    ).input_tokens


def test_pictures_that_a_tool_returns_are_named_and_do_not_end_the_session(
    client: anthropic.Anthropic,
) -> None:
    call = {"type": "tool_use", "id": "t1", "name": "Read", "input": {"file": "a.png"}}
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}

    def chat(content: Any) -> Any:
        result = {"type": "tool_result", "tool_use_id": "t1", "content": content}
        return [
            *QUESTION,
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]

    seen = counted(client, messages=chat([picture]))
    assert seen == counted(client, messages=chat("[image: this model reads text only]"))
    found = [{"type": "tool_reference", "tool_name": "Grep"}]
    assert counted(client, messages=chat(found)) > counted(client, messages=chat(""))


def test_tools_that_run_at_the_vendor_are_not_told_to_the_model(
    client: anthropic.Anthropic,
) -> None:
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
    assert counted(client, tools=[search], tool_choice={"type": "auto"}) == counted(client)
    with pytest.raises(anthropic.BadRequestError, match="tool_choice"):
        counted(client, tools=[search], tool_choice={"type": "tool", "name": "web_search"})


def test_what_the_system_says_later_is_said_by_the_user(client: anthropic.Anthropic) -> None:
    later = [*QUESTION, {"role": "system", "content": "Use metric units."}]
    together = [{"role": "user", "content": "What is a sailing boat?\nUse metric units."}]
    assert counted(client, messages=later) == counted(client, messages=together)


def test_a_chat_that_ends_with_the_assistant_can_be_counted(client: anthropic.Anthropic) -> None:
    begun = [*QUESTION, {"role": "assistant", "content": "It is"}]
    assert counted(client, messages=begun) > counted(client)


def test_too_long_a_prompt_is_told_in_the_words_that_clients_read(
    client: anthropic.Anthropic,
) -> None:
    long = [{"role": "user", "content": "a " * 9000}]
    tokens = counted(client, messages=long)
    with pytest.raises(
        anthropic.BadRequestError, match=f"prompt is too long: {tokens} tokens > 8191"
    ):
        create(client, messages=long)


def test_models_are_listed_as_the_vendor_lists_them(client: anthropic.Anthropic) -> None:
    listed = client.models.list()
    assert [(model.id, model.type) for model in listed] == [(MODEL, "model")]
    assert (listed.has_more, listed.first_id, listed.last_id) == (False, MODEL, MODEL)
    assert client.models.retrieve(MODEL).created_at.tzinfo is not None
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude")
