"""JSON by schema in chat completions, and what stands beside it, through the official openai
client."""

import json
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from tests.engine.api.gateway import MODEL, said
from tests.engine.api.openai_tools import (
    CITY,
    KINDS,
    as_schema,
    ask,
    closed,
    fits,
)


class Step(BaseModel):
    kind: Literal["fry", "boil"]
    minutes: int


class Meal(BaseModel):
    """Cooks a meal."""

    dish: Literal["egg", "rice"]
    step: Step
    hot: bool | None


@pytest.mark.parametrize("schema", KINDS.values(), ids=KINDS)
def test_answers_follow_their_schema_at_any_temperature(
    client: openai.OpenAI, schema: dict[str, Any]
) -> None:
    answer = ask(
        client, response_format=as_schema(schema), temperature=1, seed=0, n=10, max_tokens=400
    )
    for drawn in answer.choices:
        assert drawn.finish_reason == "stop"
        fits(drawn.message.content, schema)


def test_a_schema_may_hold_itself(client: openai.OpenAI) -> None:
    node = {
        **closed(value={"enum": [1, 2, 3]}, next={"$ref": "#/$defs/node"}),
        "required": ["value"],
    }
    schema = {**closed(tree={"$ref": "#/$defs/node"}), "$defs": {"node": node}}
    answer = ask(
        client, response_format=as_schema(schema), temperature=1, seed=0, n=10, max_tokens=250
    )
    for drawn in answer.choices:
        if drawn.finish_reason == "stop":
            fits(drawn.message.content, schema)
        else:
            assert drawn.finish_reason == "length"
    assert any(drawn.finish_reason == "stop" for drawn in answer.choices)


@pytest.mark.parametrize("temperature", [0, 1])
def test_a_json_object_is_whole_or_cut_by_length(client: openai.OpenAI, temperature: float) -> None:
    answer = ask(
        client,
        messages=said("Describe a cat as JSON."),
        response_format={"type": "json_object"},
        temperature=temperature,
        seed=0,
        n=8,
        max_tokens=60,
    )
    for choice in answer.choices:
        if choice.finish_reason == "stop":
            assert isinstance(json.loads(choice.message.content), dict)
        else:
            assert choice.finish_reason == "length"
            with pytest.raises(json.JSONDecodeError):
                json.loads(choice.message.content)


@pytest.mark.parametrize(
    "endless",
    [{"type": "string", "minLength": 10_000}, {"type": "array", "items": {}, "minItems": 9_000}],
)
def test_what_cannot_end_ends_with_length(client: openai.OpenAI, endless: Any) -> None:
    answer = ask(
        client,
        response_format=as_schema(closed(value=endless)),
        temperature=1,
        seed=0,
        n=4,
        max_tokens=80,
    )
    assert {drawn.finish_reason for drawn in answer.choices} == {"length"}
    assert answer.usage.completion_tokens == 4 * 80


def test_a_schema_that_is_not_strict_may_hold_what_cannot_be_enforced(
    client: openai.OpenAI,
) -> None:
    unique = closed(tags={"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True})
    answer = ask(client, response_format=as_schema(unique, strict=False))
    assert set(json.loads(answer.choices[0].message.content)["tags"]) <= {1, 2}
    with pytest.raises(openai.BadRequestError, match="uniqueItems"):
        ask(client, response_format=as_schema(unique))


def test_an_answer_is_parsed_into_the_clients_model(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(
        model=MODEL, messages=said("Cook."), response_format=Meal, max_tokens=200, temperature=1
    )
    assert isinstance(parsed.choices[0].message.parsed, Meal)


def test_a_call_is_parsed_into_the_clients_model(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(
        model=MODEL,
        messages=said("Cook."),
        tools=[openai.pydantic_function_tool(Meal)],
        tool_choice="required",
        parallel_tool_calls=False,
        max_tokens=200,
        temperature=1,
    )
    (call,) = parsed.choices[0].message.tool_calls or []
    assert isinstance(call.function.parsed_arguments, Meal)


def test_a_streamed_answer_is_parsed_into_the_clients_model(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=said("Cook."), response_format=Meal, max_tokens=200
    ) as stream:
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Meal)


def test_a_cut_answer_is_told_as_cut_to_who_parses_it(client: openai.OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model=MODEL, messages=said("Cook."), response_format=Meal, max_tokens=4
        )


def test_the_log_probabilities_of_json_are_those_of_its_text(client: openai.OpenAI) -> None:
    answer = ask(
        client, response_format=as_schema(CITY), logprobs=True, top_logprobs=2, temperature=1
    )
    tokens = answer.choices[0].logprobs.content
    written = b"".join(bytes(token.bytes) for token in tokens)
    assert written.decode() == answer.choices[0].message.content
    assert all(token.logprob <= 0 for token in tokens)


def test_a_stop_string_ends_json_too(client: openai.OpenAI) -> None:
    whole = ask(client, response_format=as_schema(CITY)).choices[0].message.content
    assert '"unit"' in whole
    stopped = ask(client, response_format=as_schema(CITY), stop=['"unit"']).choices[0]
    assert stopped.message.content == whole.partition('"unit"')[0]
    assert stopped.finish_reason == "stop"


def test_max_completion_tokens_limits_json_too(client: openai.OpenAI) -> None:
    answer = ask(
        client,
        response_format=as_schema(CITY),
        max_tokens=openai.NOT_GIVEN,
        max_completion_tokens=5,
    )
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (5, "length")


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "ada"},
        {"store": False},
        {"store": True, "metadata": {"team": "blue"}},
        {"service_tier": "auto"},
        {"reasoning_effort": "low"},
        {"prediction": {"type": "content", "content": "Paris"}},
        {"prompt_cache_key": "ada"},
        {"safety_identifier": "ada"},
        {"verbosity": "low"},
        {"extra_body": {"brand_new": [1]}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_only_the_vendors_machines_use_changes_nothing(
    client: openai.OpenAI, fields: dict[str, Any]
) -> None:
    plain = ask(client, max_tokens=12).choices[0].message.content
    assert ask(client, max_tokens=12, **fields).choices[0].message.content == plain


@pytest.mark.parametrize(
    "fields",
    [
        {"web_search_options": {}},
        {"audio": {"voice": "ash", "format": "wav"}, "modalities": ["text", "audio"]},
        {"functions": [{"name": "f"}]},
        {"function_call": "auto", "functions": [{"name": "f"}]},
        {"logit_bias": {"5": -100}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_would_change_the_answer_and_is_not_there_is_refused(
    client: openai.OpenAI, fields: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(client, max_tokens=2, **fields)
    assert refused.value.param in fields
