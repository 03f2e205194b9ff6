"""Tools and answers by schema, as Anthropic's own client sends and reads them."""

import json
from typing import Any

import anthropic
import jsonschema
import pytest

from tests.engine.api.gateway import MODEL, Gateway
from tests.engine.api.openai_tools import CITY, KINDS, closed

WEATHER: Any = [{"role": "user", "content": "What is the weather in Paris?"}]
TOOLS: Any = [
    {"name": "get_weather", "description": "Tells the weather.", "input_schema": CITY},
    {
        "name": "get_time",
        "input_schema": closed(zone={"enum": ["CET", "UTC"]}),
        "cache_control": {"type": "ephemeral"},
    },
]
SCHEMAS = {tool["name"]: tool["input_schema"] for tool in TOOLS}
ONE_CALL = {"type": "any", "disable_parallel_tool_use": True}


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key=gateway.key, base_url=gateway.url, max_retries=0)


def ask(client: anthropic.Anthropic, *, temperature: float = 0, **fields: Any) -> Any:
    given = {"model": MODEL, "messages": WEATHER, "max_tokens": 200}
    return client.messages.create(**{**given, **fields}, extra_body={"temperature": temperature})


def calls_of(message: Any) -> list[Any]:
    return [block for block in message.content if block.type == "tool_use"]


def fits(value: Any, schema: dict[str, Any]) -> None:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(value)


# Which tools are called


def test_a_call_is_a_block_with_an_input_that_fits(client: anthropic.Anthropic) -> None:
    message = ask(client, tools=TOOLS, tool_choice=ONE_CALL)

    assert message.stop_reason == "tool_use"
    (block,) = message.content
    assert (block.type, block.id[:6]) == ("tool_use", "toolu_")
    fits(block.input, SCHEMAS[block.name])


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_named_tool_is_called_and_no_other(client: anthropic.Anthropic, name: str) -> None:
    choice = {"type": "tool", "name": name}
    for _ in range(3):
        message = ask(client, tools=TOOLS, tool_choice=choice, temperature=1)
        (block,) = message.content
        assert (block.name, message.stop_reason) == (name, "tool_use")
        fits(block.input, SCHEMAS[name])


def test_tools_that_may_not_be_called_are_not(client: anthropic.Anthropic) -> None:
    message = ask(client, tools=TOOLS, tool_choice={"type": "none"}, temperature=1, max_tokens=30)
    assert [block.type for block in message.content] == ["text"]


def test_several_calls_come_in_one_answer_unless_that_is_refused(
    client: anthropic.Anthropic,
) -> None:
    def most(choice: Any) -> int:
        answers = [ask(client, tools=TOOLS, tool_choice=choice, temperature=1) for _ in range(6)]
        return max(len(calls_of(message)) for message in answers)

    assert most({"type": "any"}) > 1
    assert most(ONE_CALL) == 1


@pytest.mark.parametrize("schema", KINDS.values(), ids=KINDS)
def test_inputs_follow_a_strict_schema_at_any_temperature(
    client: anthropic.Anthropic, schema: dict[str, Any]
) -> None:
    tool = {"name": "fill_in", "input_schema": schema, "strict": True}
    for _ in range(3):
        message = ask(
            client,
            tools=[tool],
            tool_choice={"type": "tool", "name": "fill_in"},
            temperature=1,
            max_tokens=400,
        )
        assert message.stop_reason == "tool_use"
        fits(message.content[0].input, schema)


def test_an_answer_follows_the_schema_of_its_format(client: anthropic.Anthropic) -> None:
    for kind in ("enum", "arrays", "minimum and maximum"):
        schema = {"type": "json_schema", "schema": KINDS[kind]}
        message = ask(client, output_config={"format": schema}, temperature=1, max_tokens=400)
        assert message.stop_reason == "end_turn"
        fits(json.loads(message.content[0].text), KINDS[kind])


def test_a_cut_answer_by_schema_says_so(client: anthropic.Anthropic) -> None:
    format_ = {"type": "json_schema", "schema": CITY}
    message = ask(client, output_config={"format": format_}, max_tokens=4)
    assert message.stop_reason == "max_tokens"
    with pytest.raises(json.JSONDecodeError):
        json.loads(message.content[0].text)


# Streaming


def test_a_streamed_call_has_the_vendors_events_in_their_order(
    client: anthropic.Anthropic,
) -> None:
    whole = ask(client, tools=TOOLS, tool_choice=ONE_CALL)
    events = [
        event
        for event in ask(client, tools=TOOLS, tool_choice=ONE_CALL, stream=True)
        if event.type != "ping"
    ]
    start, begin, *deltas, end, told, stop = events

    assert start.type == "message_start"
    assert (start.message.content, start.message.stop_reason) == ([], None)
    assert (begin.type, begin.index) == ("content_block_start", 0)
    block = begin.content_block
    assert (block.type, block.name, block.input) == ("tool_use", whole.content[0].name, {})
    assert {(d.type, d.index, d.delta.type) for d in deltas} == {
        ("content_block_delta", 0, "input_json_delta")
    }
    joined = "".join(delta.delta.partial_json for delta in deltas)
    assert json.loads(joined) == whole.content[0].input
    assert len(deltas) > 3, "as they come"
    assert (end.type, end.index) == ("content_block_stop", 0)
    assert (told.type, told.delta.stop_reason) == ("message_delta", "tool_use")
    assert told.usage.output_tokens == whole.usage.output_tokens
    assert stop.type == "message_stop"


def test_the_clients_stream_helper_puts_calls_together(client: anthropic.Anthropic) -> None:
    fields: Any = {"model": MODEL, "messages": WEATHER, "tools": TOOLS, "max_tokens": 200}
    with client.messages.stream(
        **fields, tool_choice={"type": "any"}, extra_body={"temperature": 0}
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    whole = ask(client, tools=TOOLS, tool_choice={"type": "any"})

    assert "input_json" in kinds
    assert kinds.count("content_block_start") == kinds.count("content_block_stop")
    assert [(b.name, b.input) for b in calls_of(final)] == [
        (b.name, b.input) for b in calls_of(whole)
    ]
    assert final.stop_reason == whole.stop_reason
    assert final.usage.output_tokens == whole.usage.output_tokens


def test_a_call_that_is_cut_is_a_block_all_the_same(client: anthropic.Anthropic) -> None:
    whole = ask(client, tools=TOOLS, tool_choice=ONE_CALL)
    limit = whole.usage.output_tokens - 8
    cut = ask(client, tools=TOOLS, tool_choice=ONE_CALL, max_tokens=limit)

    assert cut.stop_reason == "max_tokens"
    (block,) = cut.content
    assert (block.type, block.name) == ("tool_use", whole.content[0].name)
    assert isinstance(block.input, dict)
    with client.messages.stream(
        model=MODEL,
        messages=WEATHER,
        tools=TOOLS,
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        max_tokens=limit,
        extra_body={"temperature": 0},
    ) as stream:
        final: Any = stream.get_final_message()
    assert (final.stop_reason, final.content[0].input) == ("max_tokens", block.input)


# The whole loop


@pytest.mark.parametrize(
    "result",
    [
        {"content": "It is 21 degrees."},
        {"content": [{"type": "text", "text": "It is 21"}, {"type": "text", "text": " degrees."}]},
        {"content": "The service is down.", "is_error": True},
        {},
    ],
    ids=["text", "blocks", "an error", "nothing"],
)
def test_a_call_its_result_and_the_answer(
    client: anthropic.Anthropic, result: dict[str, Any]
) -> None:
    first = ask(client, tools=TOOLS, tool_choice=ONE_CALL)
    told = {"type": "tool_result", "tool_use_id": first.content[0].id, **result}
    chat = [
        *WEATHER,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [told, {"type": "text", "text": "So?"}]},
    ]
    second = ask(client, messages=chat, tools=TOOLS, tool_choice={"type": "none"}, max_tokens=20)
    assert second.content[0].text
    assert second.usage.input_tokens + second.usage.cache_read_input_tokens > (
        first.usage.input_tokens + first.usage.cache_read_input_tokens
    )


def test_a_result_in_blocks_is_the_same_text(client: anthropic.Anthropic) -> None:
    def tokens(content: Any) -> int:
        used = {"type": "tool_use", "id": "toolu_1", "name": "get_time", "input": {"zone": "CET"}}
        told = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
        chat: Any = [
            *WEATHER,
            {"role": "assistant", "content": [used]},
            {"role": "user", "content": [told]},
        ]
        return client.messages.count_tokens(model=MODEL, messages=chat, tools=TOOLS).input_tokens

    assert tokens("Noon.") == tokens([{"type": "text", "text": "Noon."}])
    assert tokens("Noon and a half.") > tokens("Noon.")


# Beside other fields


def test_marks_for_the_cache_change_nothing(client: anthropic.Anthropic) -> None:
    plain = ask(client, system="Be brief.", max_tokens=12)
    mark = {"type": "ephemeral", "ttl": "1h"}
    marked = ask(
        client,
        system=[{"type": "text", "text": "Be brief.", "cache_control": mark}],
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": WEATHER[0]["content"], "cache_control": mark}],
            }
        ],
        max_tokens=12,
    )
    assert marked.content[0].text == plain.content[0].text


@pytest.mark.parametrize(
    "thinking",
    [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}, {"type": "disabled"}],
    ids=lambda thinking: str(thinking["type"]),
)
def test_thinking_may_be_asked_of_a_model_that_does_not(
    client: anthropic.Anthropic, thinking: dict[str, Any]
) -> None:
    message = ask(client, thinking=thinking, max_tokens=12)
    assert message.content[0].text == ask(client, max_tokens=12).content[0].text


@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {"user_id": "ada"}},
        {"service_tier": "standard_only"},
        {"service_tier": "auto"},
        {"inference_geo": "eu"},
    ],
    ids=str,
)
def test_what_only_the_vendors_machines_use_changes_nothing(
    client: anthropic.Anthropic, fields: dict[str, Any]
) -> None:
    message = ask(client, max_tokens=12, **fields)
    assert message.content[0].text == ask(client, max_tokens=12).content[0].text


def test_tools_that_only_the_vendors_models_know_are_refused(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="input_schema"):
        ask(client, tools=[{"type": "bash_20250124", "name": "bash"}])


# What Claude Code sends


def test_an_accounting_line_is_no_part_of_the_prompt(client: anthropic.Anthropic) -> None:
    """Claude Code begins its system prompt with one that changes from request to request."""
    rules = [{"type": "text", "text": "You answer in one short sentence. " * 20}]

    def told(check: str) -> Any:
        line = f"x-anthropic-billing-header: cc_version=2.1.15.{check}; cc_entrypoint=cli; cch=1;"
        return ask(client, system=[{"type": "text", "text": line}, *rules], max_tokens=4)

    plain = ask(client, system=rules, max_tokens=4).usage
    for usage in (told("abc").usage, told("def").usage):
        assert usage.input_tokens + usage.cache_read_input_tokens == (
            plain.input_tokens + plain.cache_read_input_tokens
        )
        assert usage.cache_read_input_tokens > 100
    in_front = "x-anthropic-billing-header: cch=2;\n" + rules[0]["text"]
    assert ask(client, system=in_front, max_tokens=4).usage.cache_read_input_tokens > 100
