"""What `/v1/responses` refuses, and that whatever arrives is a request or a 400."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.api.errors import ApiError
from engine.api.openai.responses_schema import ResponsesRequest, parse_responses_request
from tests.engine.api.gateway import MODEL, Gateway

HELLO = {"role": "user", "content": "Hello"}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "1"}
IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,AA=="}


def function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, **more}


def space(*tools: dict[str, Any]) -> dict[str, Any]:
    return {"type": "namespace", "name": "s", "tools": list(tools)}


def json_schema(schema: Any) -> dict[str, Any]:
    return {"format": {"type": "json_schema", "name": "s", "schema": schema, "strict": True}}


def choice(name: str, kind: str = "function") -> dict[str, Any]:
    return {"type": kind, "name": name}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": []}, "input"),
        ({"input": [5]}, "input[0]"),
        ({"input": [{"type": "reasoning", "id": "rs_1"}]}, "input"),
        ({"input": [HELLO, {"role": "pirate", "content": "Arr"}]}, "input[1].role"),
        ({"input": [{"role": "user", "content": [IMAGE]}]}, "input[0].content"),
        ({"input": [HELLO, {"type": "item_reference", "id": "msg_1"}]}, "input[1]"),
        ({"input": [HELLO, {"id": "msg_1"}]}, "input[1]"),
        ({"input": [HELLO, {"type": "computer_call"}]}, "input[1]"),
        ({"input": [HELLO, OUTPUT]}, "input"),
        ({"input": [HELLO, {**CALL, "arguments": {}}]}, "input[1].arguments"),
        ({"input": "word " * 9000}, "input"),
        ({"instructions": 5}, "instructions"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"previous_response_id": "resp_1", "input": [OUTPUT]}, "previous_response_id"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": True}, "background"),
        ({"temperature": 2.5}, "temperature"),
        ({"top_p": "1"}, "top_p"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"truncation": "sometimes"}, "truncation"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        ({"text": json_schema({"type": "strange"})}, "text.format.schema"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{"name": "f"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [function("f g")]}, "tools[0].name"),
        ({"tools": [function("f"), function("f")]}, "tools"),
        ({"tools": [{"type": "custom"}]}, "tools[0].name"),
        ({"tools": [space({"type": "function"})]}, "tools[0].tools[0].name"),
        (
            {
                "tools": [
                    {"type": "web_search"},
                    space(function("f", strict=True, parameters={"not": {}})),
                ]
            },
            "tools[1].tools[0].parameters",
        ),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "required", "tools": [{"type": "web_search"}]}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}, "tools": [function("f")]}, "tool_choice"),
        ({"tool_choice": choice("g"), "tools": [function("f")]}, "tool_choice"),
        ({"tool_choice": choice("f", "custom"), "tools": [function("f")]}, "tool_choice"),
        (
            {
                "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [choice("g")]},
                "tools": [function("f")],
            },
            "tool_choice",
        ),
    ],
)
def test_a_bad_field_is_a_400_that_names_it(
    gateway: Gateway, fields: dict[str, Any], param: str
) -> None:
    refused = httpx.post(
        f"{gateway.url}/v1/responses",
        json={"model": MODEL, "input": "Hello", **fields},
        headers={"authorization": f"Bearer {gateway.key}"},
        timeout=60,
    )

    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["param"] == param
    assert error["type"] == "invalid_request_error"
    assert error["message"].endswith(".")


def parsed(**fields: Any) -> ResponsesRequest:
    return parse_responses_request(json.dumps({"model": "m", "input": "Hi", **fields}).encode())


def test_calls_in_a_row_are_one_turn_of_the_assistant() -> None:
    second = {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "free text"}
    chat = (
        parsed(
            input=[
                HELLO,
                {"role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]},
                CALL,
                {**second, "namespace": "s"},
                OUTPUT,
                {
                    "type": "custom_tool_call_output",
                    "call_id": "c2",
                    "output": [{"type": "input_text", "text": "2"}],
                },
            ]
        )
        .ask()
        .chat.messages
    )

    assert [message["role"] for message in chat] == ["user", "assistant", "tool", "tool"]
    assert chat[1]["content"] == "Let me see."
    assert [
        (call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in chat[1]["tool_calls"]
    ] == [("c1", "f", {"a": 1}), ("c2", "s__g", {"input": "free text"})]
    assert [message["content"] for message in chat[2:]] == ["1", "2"]


def test_messages_of_one_role_in_a_row_are_one_since_templates_want_turns() -> None:
    developer = {"role": "developer", "content": "Be kind."}
    chat = parsed(instructions="Be brief.", input=[developer, HELLO, HELLO]).ask().chat.messages
    assert chat == [
        {"role": "system", "content": "Be brief.\nBe kind."},
        {"role": "user", "content": "Hello\nHello"},
    ]


def test_a_picture_that_a_tool_returns_is_named_and_does_not_end_the_session() -> None:
    chat = parsed(input=[HELLO, CALL, {**OUTPUT, "output": [IMAGE]}]).ask().chat.messages
    assert chat[-1]["content"] == "[input_image: this model reads text only]"


def test_the_grammar_of_a_custom_tool_is_told_to_the_model() -> None:
    form = {"type": "grammar", "syntax": "lark", "definition": "start: /x+/"}
    custom = {"type": "custom", "name": "f", "description": "Writes.", "format": form}
    (tool,) = parsed(tools=[custom]).ask().chat.tools

    assert tool.description.startswith("Writes.")
    assert "start: /x+/" in tool.description
    assert tool.parameters is not None
    assert tool.parameters["properties"] == {"input": {"type": "string"}}


KEYS = ["type", "role", "content", "text", "call_id", "output", "name", "tools", "format", "schema"]
VALUES = ["message", "function", "function_call", "custom", "namespace", "input_text", "user"]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(VALUES),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=15,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(ResponsesRequest.model_fields)), anything))
def test_any_json_is_a_request_or_a_400(fields: dict[str, Any]) -> None:
    try:
        wanted = parsed(**fields)
    except ApiError as error:
        refused = error
    else:
        assert all(isinstance(m["content"], str) for m in wanted.ask().chat.messages)
        return
    assert refused.status == 400
    assert refused.body["error"]["message"]
