"""What turns of a chat have in common is read again, and every count of it is exact."""

import os
from itertools import pairwise
from typing import Any

import anthropic
import openai
import pytest

from db.keys import create_key
from db.people import add_developer
from tests.benchmarks.prefix_cache import Turn, chat, found_again
from tests.engine.api.gateway import MODEL, Gateway, request_id, said


@pytest.fixture(scope="module")
def turns(gateway: Gateway) -> list[Turn]:
    assert gateway.service.model is not None
    client = gateway.client()
    return chat(lambda _: client, gateway.service.model.layers)


def test_what_is_told_as_cached_is_what_was_not_computed(turns: list[Turn]) -> None:
    assert [turn.prompt - turn.cached for turn in turns] == [turn.computed for turn in turns]


def test_ten_turns_of_two_thousand_tokens_compute_a_fifth_of_their_prompts(
    turns: list[Turn],
) -> None:
    assert len(turns) == 10
    assert 1500 < turns[-1].prompt < 2500
    assert sum(turn.prompt for turn in turns) >= 5 * sum(turn.computed for turn in turns)


def test_answers_that_come_back_are_read_again_as_they_were_written(turns: list[Turn]) -> None:
    """All but the last block of 32, which was not full."""
    assert found_again(turns) > 0.75
    for turn, after in pairwise(turns):
        assert after.cached >= turn.prompt + turn.answered - 1 - 32


def long(about: str) -> list[Any]:
    return said(f"{about} {os.urandom(8).hex()}: " + "the quick brown fox jumps again. " * 20)


def test_client_and_ledger_are_told_the_same_of_the_cache(
    client: openai.OpenAI, gateway: Gateway
) -> None:
    messages = long("foxes")
    first, second = (
        client.chat.completions.create(model=MODEL, messages=messages, max_tokens=2)
        for _ in range(2)
    )
    for answer in (first, second):
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        cached = answer.usage.prompt_tokens_details.cached_tokens
        assert cached == gateway.row(request_id(answer))["cached_input_tokens"]
    assert cached is not None
    assert cached > 90
    assert cached % 32 == 0


@pytest.mark.parametrize("stream", [False, True])
def test_anthropics_input_tokens_are_those_that_were_not_in_the_cache(
    gateway: Gateway, stream: bool
) -> None:
    client = anthropic.Anthropic(api_key=gateway.key, base_url=gateway.url, max_retries=0)
    messages: Any = long("foxes of anthropic")
    client.messages.create(model=MODEL, messages=messages, max_tokens=2)
    counted = client.messages.count_tokens(model=MODEL, messages=messages).input_tokens
    if stream:
        with client.messages.stream(model=MODEL, messages=messages, max_tokens=2) as events:
            message: Any = events.get_final_message()
    else:
        message = client.messages.create(model=MODEL, messages=messages, max_tokens=2)

    row = gateway.row(int(message.id.removeprefix("msg_"), 16))
    usage = message.usage
    assert usage.cache_read_input_tokens == row["cached_input_tokens"] > 90
    assert usage.input_tokens + usage.cache_read_input_tokens == row["input_tokens"] == counted
    assert usage.cache_creation_input_tokens == 0


def test_nobody_reads_what_another_developer_asked(gateway: Gateway) -> None:
    messages = long("secrets")
    gateway.client().chat.completions.create(model=MODEL, messages=messages, max_tokens=1)
    other = add_developer(gateway.service.database, f"bob-{os.urandom(3).hex()}", actor="tests")
    key = create_key(gateway.service.database, other.id, "tests", actor="tests")[1]
    theirs: Any = gateway.client(key).chat.completions.create(
        model=MODEL, messages=messages, max_tokens=1
    )
    assert theirs.usage.prompt_tokens_details.cached_tokens < 64, "the template's beginning only"
