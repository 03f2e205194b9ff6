"""Tools in chat completions, driven through the official openai client."""

import json
from typing import Any

import openai
import pytest

from tests.engine.api.gateway import MODEL, Gateway, request_id
from tests.engine.api.openai_tools import (
    KINDS,
    SCHEMAS,
    TOOLS,
    WEATHER,
    as_schema,
    ask,
    calls_of,
    closed,
    fits,
    tool,
)


def test_a_required_call_is_one_with_arguments_that_fit(client: openai.OpenAI) -> None:
    answer = ask(client, tools=TOOLS, tool_choice="required", parallel_tool_calls=False)
    choice = answer.choices[0]

    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    ((name, arguments),) = calls_of(answer)
    fits(arguments, SCHEMAS[name])
    assert choice.message.tool_calls[0].type == "function"
    assert choice.message.tool_calls[0].id.startswith("call_")


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_named_tool_is_called_and_no_other(client: openai.OpenAI, name: str) -> None:
    choice = {"type": "function", "function": {"name": name}}
    for seed in range(5):
        answer = ask(client, tools=TOOLS, tool_choice=choice, temperature=1, seed=seed)
        ((called, arguments),) = calls_of(answer)
        assert called == name
        fits(arguments, SCHEMAS[name])
        assert answer.choices[0].finish_reason == "tool_calls"


def test_tools_that_may_not_be_called_are_not(client: openai.OpenAI) -> None:
    for seed in range(5):
        answer = ask(
            client, tools=TOOLS, tool_choice="none", temperature=1, seed=seed, max_tokens=30
        )
        assert calls_of(answer) == []
        assert answer.choices[0].finish_reason in ("stop", "length")


def test_a_model_that_may_choose_says_or_calls_what_fits(client: openai.OpenAI) -> None:
    """This small model calls where it sees that it did before."""
    habit: list[Any] = []
    for number, city in enumerate(["Rome", "Oslo", "Bern"]):
        function = {"name": "get_weather", "arguments": f'{{"city": "{city}", "unit": "C"}}'}
        call = {"id": f"call_{number}", "type": "function", "function": function}
        habit += [
            {"role": "user", "content": f"What is the weather in {city}?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call["id"], "content": "Sunny."},
        ]
    answer = ask(
        client, messages=[*habit, *WEATHER], tools=TOOLS, temperature=1, seed=0, n=10, max_tokens=60
    )
    called = 0
    for index, choice in enumerate(answer.choices):
        calls = calls_of(answer, index)
        for name, arguments in calls[: -1 if choice.finish_reason == "length" else None]:
            fits(arguments, SCHEMAS[name])
        assert calls or choice.message.content
        if choice.finish_reason != "length":
            assert choice.finish_reason == ("tool_calls" if calls else "stop")
        called += bool(calls)
    assert called


def test_several_calls_come_in_one_answer_unless_that_is_refused(client: openai.OpenAI) -> None:
    def most(**fields: Any) -> int:
        answer = ask(
            client, tools=TOOLS, tool_choice="required", temperature=1, seed=0, n=8, **fields
        )
        identities = [c.id for choice in answer.choices for c in choice.message.tool_calls]
        assert len(identities) == len(set(identities))
        return max(len(calls_of(answer, index)) for index in range(8))

    assert most() > 1
    assert most(parallel_tool_calls=False) == 1


@pytest.mark.parametrize("schema", KINDS.values(), ids=KINDS)
def test_arguments_follow_their_schema_at_any_temperature(
    client: openai.OpenAI, schema: dict[str, Any]
) -> None:
    """Answer `i` of a request has the seed `seed + i`: these are twenty."""
    choice = {"type": "function", "function": {"name": "fill_in"}}
    for seed in (0, 10):
        answer = ask(
            client,
            tools=[tool("fill_in", schema)],
            tool_choice=choice,
            temperature=1,
            seed=seed,
            n=10,
            max_tokens=400,
        )
        for index, drawn in enumerate(answer.choices):
            assert drawn.finish_reason == "tool_calls"
            ((_, arguments),) = calls_of(answer, index)
            fits(arguments, schema)


def test_with_tools_beside_it_an_answer_is_a_call_or_fits_the_schema(
    client: openai.OpenAI,
) -> None:
    schema = closed(answer={"enum": ["sunny", "rainy"]})
    answer = ask(
        client,
        tools=TOOLS,
        response_format=as_schema(schema),
        temperature=1.5,
        seed=0,
        n=10,
        parallel_tool_calls=False,
    )
    for index, choice in enumerate(answer.choices):
        calls = calls_of(answer, index)
        for name, arguments in calls:
            fits(arguments, SCHEMAS[name])
        if not calls:
            fits(choice.message.content, schema)
        assert choice.finish_reason == ("tool_calls" if calls else "stop")


@pytest.mark.parametrize("parallel", [False, True])
def test_streamed_calls_are_the_same_as_whole_ones(client: openai.OpenAI, parallel: bool) -> None:
    for seed in range(3):
        fields = {
            "tools": TOOLS,
            "tool_choice": "required",
            "parallel_tool_calls": parallel,
            "temperature": 1,
            "seed": seed,
        }
        whole = ask(client, **fields)
        chunks = list(ask(client, stream=True, **fields))
        deltas = [d for c in chunks for x in c.choices for d in x.delta.tool_calls or []]
        joined: dict[int, dict[str, str]] = {}
        for delta in deltas:
            call = joined.setdefault(delta.index, {"name": "", "arguments": ""})
            begins = not call["name"]
            assert (delta.id is not None) == begins, "told once, when the call begins"
            assert (delta.type == "function") == begins
            call["name"] += delta.function.name or ""
            call["arguments"] += delta.function.arguments or ""

        assert list(joined) == list(range(len(joined)))
        assert [(c["name"], c["arguments"]) for c in joined.values()] == calls_of(whole)
        assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason


def test_arguments_are_streamed_as_they_come(client: openai.OpenAI) -> None:
    chunks = list(ask(client, tools=TOOLS, tool_choice="required", stream=True))
    pieces = [
        delta.function.arguments
        for chunk in chunks
        for delta in chunk.choices[0].delta.tool_calls or []
        if delta.function.arguments
    ]
    assert len(pieces) > 3


def test_the_clients_stream_helper_puts_calls_together(client: openai.OpenAI) -> None:
    fields: Any = {
        "model": MODEL,
        "messages": WEATHER,
        "tools": TOOLS,
        "tool_choice": "required",
        "temperature": 0,
        "max_tokens": 200,
        "parallel_tool_calls": False,
    }
    with client.chat.completions.stream(**fields) as stream:
        kinds = [event.type for event in stream]
        final: Any = stream.get_final_completion()
    assert "tool_calls.function.arguments.delta" in kinds
    assert kinds[-1] == "tool_calls.function.arguments.done"
    assert calls_of(final) == calls_of(ask(client, **fields))
    assert json.loads(calls_of(final)[0][1]) == (
        final.choices[0].message.tool_calls[0].function.parsed_arguments
    )


def test_a_call_its_result_and_the_answer(client: openai.OpenAI) -> None:
    first = ask(client, tools=TOOLS, tool_choice="required", parallel_tool_calls=False)
    message = first.choices[0].message
    (call,) = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "It is 21 degrees and sunny."}
    second = ask(client, messages=[*WEATHER, message, result], tools=TOOLS, tool_choice="none")

    assert second.choices[0].message.content
    assert second.usage.prompt_tokens > first.usage.prompt_tokens
    in_parts = {**result, "content": [{"type": "text", "text": result["content"]}]}
    again = ask(client, messages=[*WEATHER, message, in_parts], tools=TOOLS, tool_choice="none")
    assert again.choices[0].message.content == second.choices[0].message.content


def test_a_call_that_is_cut_says_length_and_can_be_sent_back(client: openai.OpenAI) -> None:
    fields = {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False}
    whole = ask(client, **fields)
    cut = ask(client, **fields, max_tokens=whole.usage.completion_tokens - 8)
    ((_, arguments),) = calls_of(cut)

    assert cut.choices[0].finish_reason == "length"
    assert calls_of(whole)[0][1].startswith(arguments)
    with pytest.raises(json.JSONDecodeError):
        json.loads(arguments)
    message = cut.choices[0].message
    result = {
        "role": "tool",
        "tool_call_id": message.tool_calls[0].id,
        "content": "These arguments are no JSON.",
    }
    assert ask(client, messages=[*WEATHER, message, result], tools=TOOLS, max_tokens=5).choices


def test_three_answers_have_seeds_of_their_own_and_one_usage(
    client: openai.OpenAI, gateway: Gateway
) -> None:
    def three(**fields: Any) -> Any:
        return ask(client, n=3, temperature=1, seed=3, max_tokens=24, **fields)

    answer = three()
    texts = [choice.message.content for choice in answer.choices]
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len(set(texts)) == 3
    assert [choice.message.content for choice in three().choices] == texts
    row = gateway.row(request_id(answer))
    single = ask(client, max_tokens=1)
    assert answer.usage.prompt_tokens == single.usage.prompt_tokens, "the prompt counts once"
    assert answer.usage.completion_tokens == row["output_tokens"] <= 72

    streamed = ["", "", ""]
    for chunk in three(stream=True):
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
    assert streamed == texts


def test_three_answers_may_call_each(client: openai.OpenAI) -> None:
    answer = ask(client, n=3, tools=TOOLS, tool_choice="required", temperature=1, seed=1)
    identities = [call.id for choice in answer.choices for call in choice.message.tool_calls]
    assert len(set(identities)) == len(identities) >= 3
    for choice in answer.choices:
        for call in choice.message.tool_calls:
            fits(call.function.arguments, SCHEMAS[call.function.name])


def test_the_log_probabilities_of_a_call_cover_its_tokens(client: openai.OpenAI) -> None:
    fields = {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False}
    answer = ask(client, **fields, logprobs=True)
    tokens = answer.choices[0].logprobs.content
    written = b"".join(bytes(token.bytes) for token in tokens).decode()
    assert calls_of(answer)[0][1] in written
    assert answer.usage.completion_tokens - len(tokens) in (0, 1), "the end has none"

    chunks = list(ask(client, **fields, logprobs=True, stream=True))
    streamed = [t for c in chunks for x in c.choices if x.logprobs for t in x.logprobs.content]
    assert [t.token for t in streamed] == [t.token for t in tokens]


def test_the_same_seed_makes_the_same_call(client: openai.OpenAI) -> None:
    def drawn(seed: int) -> Any:
        zones = closed(text={"type": "string", "minLength": 8, "maxLength": 16})
        return calls_of(
            ask(
                client,
                tools=[tool("write", zones)],
                tool_choice="required",
                temperature=1,
                seed=seed,
                parallel_tool_calls=False,
            )
        )

    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)
