"""What OpenAI's own client sees of the Responses API, and what the ledger then says of it."""

import asyncio
import json
from typing import Any, Literal

import openai
import pydantic
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from tests.engine.api.gateway import MODEL, Gateway

FRANCE = "What is the capital of France?"
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather in a city.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Bonn", "Paris"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Changes files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /(.|\\n)+/"},
}


def ask(client: openai.OpenAI, **fields: Any) -> Any:
    """Greedy and short unless the fields say otherwise."""
    given = {"model": MODEL, "input": FRANCE, "temperature": 0, "max_output_tokens": 16}
    return client.responses.create(**{**given, **fields})


def row_of(gateway: Gateway, response: Any) -> dict[str, Any]:
    return gateway.closed_row(int(response.id.removeprefix("resp_"), 16))


def types(events: list[Any]) -> list[str]:
    """The names of a stream's events, those in a row of one kind once."""
    names = [event.type.removeprefix("response.") for event in events]
    return [name for name, before in zip(names, [None, *names], strict=False) if name != before]


def test_the_default_model_knows_the_capital_of_france(client: openai.OpenAI) -> None:
    response = ask(client)

    assert "Paris" in response.output_text
    assert (response.object, response.status, response.model) == ("response", "completed", MODEL)
    assert response.error is None
    (message,) = response.output
    assert (message.type, message.role, message.status) == ("message", "assistant", "completed")
    assert message.content[0].annotations == []
    assert response.created_at <= response.completed_at


def test_a_response_is_what_the_official_types_say(client: openai.OpenAI) -> None:
    """The client itself reads loosely; checked strictly, nothing is missing and nothing is odd."""
    tools = {"tools": [WEATHER, PATCH], "tool_choice": "required"}
    for fields in ({}, {"max_output_tokens": 2}, {**tools, "max_output_tokens": 60}):
        events = list(ask(client, **fields, stream=True))
        for event in events:
            pydantic.TypeAdapter(ResponseStreamEvent).validate_json(event.to_json())
        Response.model_validate_json(ask(client, **fields).to_json())
        assert [event.sequence_number for event in events] == list(range(len(events)))


def test_a_stream_tells_a_text_in_the_vendors_order(client: openai.OpenAI) -> None:
    events = list(ask(client, stream=True))

    assert types(events) == [
        *("created", "in_progress", "output_item.added", "content_part.added"),
        *("output_text.delta", "output_text.done", "content_part.done", "output_item.done"),
        "completed",
    ]


def test_a_stream_ends_with_the_same_response_as_the_answer_in_one_piece(
    client: openai.OpenAI,
) -> None:
    whole = ask(client)
    with client.responses.stream(
        model=MODEL, input=FRANCE, temperature=0, max_output_tokens=16
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()

    assert "".join(deltas) == final.output_text == whole.output_text
    assert final.status == whole.status
    assert final.usage is not None
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert final.model_extra is not None
    assert final.model_extra["breakeven"]["energy_j"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_client_and_ledger_agree_on_every_count(
    client: openai.OpenAI, gateway: Gateway, stream: bool
) -> None:
    response = list(ask(client, stream=True))[-1].response if stream else ask(client)
    usage, row = response.usage, row_of(gateway, response)

    assert usage.input_tokens == row["input_tokens"] > 0
    assert usage.output_tokens == row["output_tokens"] > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.input_tokens_details.cached_tokens == row["cached_input_tokens"]
    assert usage.output_tokens_details.reasoning_tokens == 0
    assert (row["endpoint"], row["client"]) == ("/v1/responses", "openai-python")
    assert (row["status"], row["streamed"]) == ("ok", int(stream))
    assert response.model_extra["breakeven"]["energy_j"] == pytest.approx(row["energy_j"])


def test_instructions_are_the_system_message(client: openai.OpenAI) -> None:
    told = ask(client, instructions="Answer in one word.")
    chat = client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Answer in one word."},
            {"role": "user", "content": FRANCE},
        ],
        temperature=0,
        max_tokens=16,
    )
    assert told.output_text == chat.choices[0].message.content
    assert chat.usage is not None
    assert told.usage.input_tokens == chat.usage.prompt_tokens
    assert told.instructions == "Answer in one word."


def test_a_conversation_in_items_is_the_same_as_in_messages(client: openai.OpenAI) -> None:
    """Answers of the API go back in as they came out."""
    first = ask(client)
    told = ask(
        client,
        input=[
            {"role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"type": "message", "role": "user", "content": FRANCE},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            *[item.to_dict() for item in first.output],
            {"role": "user", "content": "And of Italy?"},
        ],
    )
    chat = client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": FRANCE},
            {"role": "assistant", "content": first.output_text},
            {"role": "user", "content": "And of Italy?"},
        ],
        temperature=0,
        max_tokens=16,
    )
    assert told.output_text == chat.choices[0].message.content


def test_a_function_is_called_and_its_output_read(client: openai.OpenAI) -> None:
    question = [{"role": "user", "content": "What is the weather in Bonn?"}]
    called = ask(
        client, input=question, tools=[WEATHER], tool_choice="required", max_output_tokens=60
    )
    calls = [item for item in called.output if item.type == "function_call"]
    assert calls
    assert all(json.loads(call.arguments)["city"] in ("Bonn", "Paris") for call in calls)
    assert len({call.call_id for call in calls}) == len(calls)

    outputs = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "Rain."}
        for call in calls
    ]
    history = [*question, *[item.to_dict() for item in called.output], *outputs]
    answered = ask(client, input=history, tools=[WEATHER], tool_choice="none")
    assert answered.output_text
    assert [item.type for item in answered.output] == ["message"]


def test_a_streamed_call_tells_its_arguments_as_they_come(client: openai.OpenAI) -> None:
    choice = {"type": "function", "name": "weather"}
    wanted = {"tools": [WEATHER], "tool_choice": choice, "max_output_tokens": 60}
    events = list(ask(client, **wanted, stream=True))

    assert types(events) == [
        *("created", "in_progress", "output_item.added", "function_call_arguments.delta"),
        *("function_call_arguments.done", "output_item.done", "completed"),
    ]
    told = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
    (call,) = events[-1].response.output
    (whole,) = ask(client, **wanted).output
    assert told == call.arguments == whole.arguments
    assert call.id == events[2].item.id
    assert call.call_id == events[2].item.call_id


def test_a_custom_tool_gets_its_input_as_plain_text(client: openai.OpenAI) -> None:
    choice = {"type": "custom", "name": "apply_patch"}
    wanted = {"input": "Add a file.", "tools": [PATCH], "tool_choice": choice}
    events = list(ask(client, **wanted, max_output_tokens=60, stream=True))

    (call,) = events[-1].response.output
    assert (call.type, call.name) == ("custom_tool_call", "apply_patch")
    told = [e.delta for e in events if e.type == "response.custom_tool_call_input.delta"]
    done = [e.input for e in events if e.type == "response.custom_tool_call_input.done"]
    assert ["".join(told)] == done == [call.input]
    assert not call.input.startswith("{")

    output = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "Done."}
    history = [{"role": "user", "content": "Add a file."}, call.to_dict(), output]
    assert ask(client, input=history, tools=[PATCH], tool_choice="none").output_text


def test_a_tool_of_a_namespace_is_called_by_both_names(client: openai.OpenAI) -> None:
    space = {"type": "namespace", "name": "sky", "description": "", "tools": [WEATHER]}
    (call,) = ask(
        client,
        tools=[space],
        tool_choice="required",
        parallel_tool_calls=False,
        max_output_tokens=60,
    ).output

    assert (call.name, call.namespace) == ("weather", "sky")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "Rain."}
    history = [{"role": "user", "content": "Hi"}, call.to_dict(), output]
    assert ask(client, input=history, tools=[space], tool_choice="none").output_text


def test_only_allowed_tools_are_called(client: openai.OpenAI) -> None:
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "custom", "name": "apply_patch"}],
    }
    response = ask(client, tools=[WEATHER, PATCH], tool_choice=allowed, max_output_tokens=60)
    assert {item.type for item in response.output} == {"custom_tool_call"}


def test_what_codex_sends_by_default_is_answered(client: openai.OpenAI) -> None:
    """Tools of the vendor are left out, tools that come as an item are not."""
    more = {"type": "additional_tools", "role": "developer", "tools": [PATCH]}
    response = ask(
        client,
        input=[more, {"type": "message", "id": "msg_1", "role": "user", "content": "Hi"}],
        tools=[
            WEATHER,
            {"type": "web_search", "external_web_access": True},
            {"type": "tool_search", "execution": "client", "description": "", "parameters": {}},
        ],
        tool_choice="auto",
        parallel_tool_calls=True,
        reasoning={"effort": "medium", "summary": "auto"},
        store=True,
        include=["reasoning.encrypted_content"],
        prompt_cache_key="key",
        service_tier="flex",
        text={"verbosity": "low"},
        truncation="auto",
        extra_body={"client_metadata": {"thread_id": "1"}},
    )
    assert [tool.name for tool in response.tools] == ["weather"]
    assert response.model_extra["store"] is False
    assert response.status in ("completed", "incomplete")


def test_an_answer_follows_a_pydantic_model(client: openai.OpenAI) -> None:
    class City(pydantic.BaseModel):
        name: Literal["Paris", "Rome"]
        large: bool

    parsed = client.responses.parse(model=MODEL, input=FRANCE, text_format=City, temperature=0)
    assert isinstance(parsed.output_parsed, City)
    with client.responses.stream(
        model=MODEL, input=FRANCE, text_format=City, temperature=0
    ) as stream:
        stream.until_done()
        assert stream.get_final_response().output_parsed == parsed.output_parsed


def test_a_limit_leaves_the_response_incomplete(client: openai.OpenAI) -> None:
    response = ask(client, max_output_tokens=3)

    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output[0].status == "incomplete"
    assert response.usage.output_tokens == 3
    assert list(ask(client, max_output_tokens=3, stream=True))[-1].type == "response.incomplete"


def test_logprobs_are_told_where_they_are_included(client: openai.OpenAI) -> None:
    wanted = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    (message,) = ask(client, **wanted).output
    logprobs = message.content[0].logprobs

    assert "".join(token.token for token in logprobs) == message.content[0].text
    assert all(len(token.top_logprobs) == 2 for token in logprobs)
    assert ask(client).output[0].content[0].logprobs == []
    streamed = [
        token.token
        for event in ask(client, **wanted, stream=True)
        if event.type == "response.output_text.delta"
        for token in event.logprobs
    ]
    assert streamed == [token.token for token in logprobs]


def test_a_client_that_leaves_a_stream_cancels_it(client: openai.OpenAI, gateway: Gateway) -> None:
    counting = "Count from one to a thousand in words."
    stream = ask(client, input=counting, temperature=2, max_output_tokens=4000, stream=True)
    for event in stream:
        if event.type == "response.created":
            response = event.response
        if event.type == "response.output_text.delta":
            break
    stream.close()
    row = row_of(gateway, response)

    assert row["status"] == "cancelled"
    assert 0 < row["output_tokens"] < 4000


def test_an_async_client_works_too(gateway: Gateway) -> None:
    async def told() -> str:
        client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key)
        response = client.responses.stream(
            model=MODEL, input=FRANCE, temperature=0, max_output_tokens=16
        )
        async with client, response as stream:
            return (await stream.get_final_response()).output_text

    assert "Paris" in asyncio.run(told())


def test_no_response_can_be_fetched_later(client: openai.OpenAI) -> None:
    response = ask(client, max_output_tokens=1, store=True)
    for later in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(openai.NotFoundError) as refused:
            later(response.id)
        assert response.id in str(refused.value)
