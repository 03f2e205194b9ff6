"""What is refused, with which status, and which field it names."""

import http.client
import json
from typing import Any

import httpx
import openai
import pytest

from tests.engine.api.gateway import MODEL, Gateway, said

HELLO = said("Hello")


def post(gateway: Gateway, body: Any, **options: Any) -> httpx.Response:
    content = body if isinstance(body, (bytes, str)) else json.dumps(body)
    headers = {"authorization": f"Bearer {gateway.key}"}
    return httpx.post(
        f"{gateway.url}/v1/chat/completions",
        **{"content": content, "headers": headers, "timeout": 60, **options},
    )


def test_a_wrong_key_is_a_401(gateway: Gateway) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        gateway.client("bk-wrong").chat.completions.create(model=MODEL, messages=HELLO)
    assert refused.value.code == "invalid_api_key"


def test_no_key_is_a_401_that_says_how_to_send_one(gateway: Gateway) -> None:
    refused = httpx.get(f"{gateway.url}/v1/models")

    assert refused.status_code == 401
    assert "Authorization: Bearer" in refused.json()["error"]["message"]


def test_an_unknown_model_is_a_404_that_names_the_one_served(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="gpt-9", messages=HELLO)
    assert refused.value.code == "model_not_found"
    assert refused.value.param == "model"
    assert MODEL in str(refused.value)

    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def strict(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "strict": True, "parameters": schema}
    return {"type": "function", "function": function}


def json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"role": "pirate", "content": "Arr"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [*HELLO, {"role": "user"}]}, "messages[1]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content",
        ),
        ({"temperature": 2.5}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"n": 0}, "n"),
        ({"n": 17}, "n"),
        ({"seed": 2**70}, "seed"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        (
            {"response_format": json_schema({"type": "strange"})},
            "response_format.json_schema.schema",
        ),
        (
            {"response_format": json_schema({"$ref": "http://127.0.0.1/x"})},
            "response_format.json_schema.schema",
        ),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [function("f g")]}, "tools[0].function.name"),
        ({"tools": [function("f"), function("f")]}, "tools"),
        ({"tools": [function("f"), strict("g", {"not": {}})]}, "tools[1].function.parameters"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": "sometimes", "tools": [function("f")]}, "tool_choice"),
        ({"tool_choice": {**function("g")}, "tools": [function("f")]}, "tool_choice"),
        (
            {"messages": [*HELLO, {"role": "tool", "content": "1", "tool_call_id": "x"}]},
            "messages",
        ),
        ({"messages": [*HELLO, {"role": "tool", "content": "1"}]}, "messages[1]"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"model": None}, "model"),
    ],
)
def test_a_bad_field_is_a_400_that_names_it(
    gateway: Gateway, fields: dict[str, Any], param: str
) -> None:
    refused = post(gateway, {"model": MODEL, "messages": HELLO, **fields})

    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert error["message"].endswith(".")


@pytest.mark.parametrize("missing", ["model", "messages"])
def test_a_missing_field_is_a_400_that_names_it(gateway: Gateway, missing: str) -> None:
    body = {"model": MODEL, "messages": HELLO}
    del body[missing]

    assert post(gateway, body).json()["error"]["param"] == missing


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"model": NaN}',
        b'{"model": "\\ud800", "messages": []}',
        b"[" * 50_000,
        b'{"a":' * 10_000,
    ],
)
def test_what_is_no_json_object_is_a_400(gateway: Gateway, body: bytes) -> None:
    refused = post(gateway, body)

    assert refused.status_code == 400
    assert refused.json()["error"]["type"] == "invalid_request_error"


def test_fields_that_nobody_knows_are_ignored(gateway: Gateway) -> None:
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 1, "user": "u", "brand_new": [1]}
    assert post(gateway, body).status_code == 200


def test_tools_that_may_not_be_called_are_ignored(gateway: Gateway) -> None:
    tools = {"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"}
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 1, **tools}
    assert post(gateway, body).status_code == 200


def test_a_prompt_longer_than_the_context_is_a_400_that_says_the_limit(
    client: openai.OpenAI, gateway: Gateway
) -> None:
    assert gateway.service.model is not None
    limit = gateway.service.model.context_length
    rows = len(gateway.rows())
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "word " * limit}]
        )
    assert refused.value.code == "context_length_exceeded"
    assert str(limit) in str(refused.value)
    assert len(gateway.rows()) == rows, "what was not admitted is not on the ledger"


def test_a_body_that_says_it_is_too_large_is_a_413(gateway: Gateway) -> None:
    refused = post(gateway, b" " * (gateway.service.settings.max_body_bytes + 1))

    assert refused.status_code == 413
    assert str(gateway.service.settings.max_body_bytes) in refused.json()["error"]["message"]


def test_a_body_that_turns_out_too_large_is_a_413(gateway: Gateway) -> None:
    """Sent in chunks, so that no content-length gives its size away."""
    limit = gateway.service.settings.max_body_bytes
    refused = post(gateway, None, content=(b" " * 1024 for _ in range(limit // 1024 + 1)))

    assert refused.status_code == 413


def test_a_wrong_key_is_told_before_the_body_is_read(gateway: Gateway) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("authorization", "Bearer bk-wrong")
    connection.putheader("content-length", "1000000000")
    connection.endheaders()

    assert connection.getresponse().status == 401
    connection.close()


def test_an_unknown_address_and_a_wrong_method_are_told_in_the_same_shape(
    gateway: Gateway,
) -> None:
    nowhere = httpx.get(f"{gateway.url}/v1/engines")
    wrong = httpx.get(f"{gateway.url}/v1/chat/completions")

    assert nowhere.status_code == 404
    assert wrong.status_code == 405
    for refused in (nowhere, wrong):
        assert set(refused.json()["error"]) == {"message", "type", "param", "code"}
