"""What OpenAI's own client sees of a chat, and what the ledger then says of it."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.engine.api.gateway import MODEL, Gateway, request_id, said

FRANCE = said("What is the capital of France?")


def ask(client: openai.OpenAI, **fields: Any) -> Any:
    """A chat about France, greedy and short unless the fields say otherwise."""
    given = {"model": MODEL, "messages": FRANCE, "temperature": 0, "max_tokens": 16}
    return client.chat.completions.create(**{**given, **fields})


def told(chunks: list[Any]) -> str:
    """The text of a stream's chunks."""
    return "".join(
        choice.delta.content or "" for chunk in chunks for choice in chunk.choices if choice.delta
    )


def test_the_default_model_knows_the_capital_of_france(client: openai.OpenAI) -> None:
    answer = ask(client)

    assert "Paris" in answer.choices[0].message.content
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.object == "chat.completion"
    assert answer.model == MODEL


def test_a_stream_tells_the_same_text_as_the_answer_in_one_piece(client: openai.OpenAI) -> None:
    whole = ask(client)
    chunks = list(ask(client, stream=True))

    assert told(chunks) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason


def test_a_stream_names_the_role_first_and_is_one_answer_throughout(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True))

    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(chunk.choices[0].delta.role is None for chunk in chunks[1:])
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_in_a_last_chunk_without_choices_where_asked_for(
    client: openai.OpenAI,
) -> None:
    whole = ask(client)
    *others, last = ask(client, stream=True, stream_options={"include_usage": True})

    assert last.choices == []
    assert last.usage.model_dump() == whole.usage.model_dump()
    assert all(chunk.usage is None for chunk in others)


@pytest.mark.parametrize("stream", [False, True])
def test_client_ledger_and_engine_agree_on_every_count(
    client: openai.OpenAI, gateway: Gateway, stream: bool
) -> None:
    """The engine's own count is the number of tokens for which it gave a log-probability; a
    special token that ends the answer is counted but has none."""
    if stream:
        chunks = list(
            ask(client, stream=True, logprobs=True, stream_options={"include_usage": True})
        )
        answer, usage = chunks[-2], chunks[-1].usage
        tokens = [t for c in chunks[:-1] if (p := c.choices[0].logprobs) for t in p.content]
    else:
        answer = ask(client, logprobs=True)
        usage, tokens = answer.usage, answer.choices[0].logprobs.content
    row = gateway.row(request_id(answer))

    ended_by_special = answer.choices[0].finish_reason == "stop"
    assert usage.completion_tokens == row["output_tokens"] == len(tokens) + ended_by_special
    assert usage.prompt_tokens == row["input_tokens"]
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details.cached_tokens == row["cached_input_tokens"]
    assert row["counts_exact"] == 1


def test_the_row_is_complete_when_the_client_has_the_answer(
    client: openai.OpenAI, gateway: Gateway
) -> None:
    answer = ask(client, max_tokens=5)
    row = gateway.row(request_id(answer))

    assert row["status"] == "ok"
    assert row["finish_reason"] == answer.choices[0].finish_reason
    assert row["developer_name"] == "ada"
    assert row["model"] == MODEL
    assert row["endpoint"] == "/v1/chat/completions"
    assert row["client"] == "openai-python"
    assert row["streamed"] == 0
    assert row["started_at"] <= row["first_token_at"] <= row["finished_at"]
    assert 0 < row["ttft_ms"] <= row["duration_ms"]
    assert row["queue_ms"] is not None
    assert row["error_type"] is None


def test_the_answer_tells_the_energy_that_the_ledger_holds(
    client: openai.OpenAI, gateway: Gateway
) -> None:
    extension = ask(client).model_extra["breakeven"]
    row = gateway.row(int(extension["request_id"], 16))

    assert extension["energy_j"] == pytest.approx(row["energy_j"], rel=1e-12)
    assert extension["energy_j"] > 0
    assert extension["energy_basis"] == row["energy_basis"]
    assert extension["energy_source"] == row["energy_source"]
    assert extension["duration_ms"] == pytest.approx(row["duration_ms"], abs=1)


def test_a_stream_ends_with_the_same_extension(client: openai.OpenAI, gateway: Gateway) -> None:
    last = list(ask(client, stream=True))[-1]
    row = gateway.row(request_id(last))

    assert int(last.model_extra["breakeven"]["request_id"], 16) == row["id"]
    assert last.model_extra["breakeven"]["energy_j"] == pytest.approx(row["energy_j"], rel=1e-12)


def test_the_experts_of_an_answer_are_told_where_asked_for(
    client: openai.OpenAI, gateway: Gateway
) -> None:
    """Every token computed chooses `experts_per_token` experts on the mean of the layers. All
    tokens of prompt and answer are computed but those from the cache and the last of the answer,
    which nothing follows."""
    model = gateway.service.model
    assert model is not None
    answer = ask(client, max_tokens=4, extra_body={"breakeven": {"experts": True}})
    extension = answer.model_extra["breakeven"]

    if model.routed_experts == 0:
        assert "experts" not in extension
        return
    assert len(extension["experts"]) == model.layers
    cached = answer.usage.prompt_tokens_details.cached_tokens
    computed = answer.usage.prompt_tokens - cached + answer.usage.completion_tokens - 1
    assert all(len(layer) == model.routed_experts for layer in extension["experts"])
    chosen = sum(sum(layer) for layer in extension["experts"])
    assert chosen == computed * extension["experts_per_token"] * model.layers


def test_logprobs_name_each_token_with_its_alternatives(client: openai.OpenAI) -> None:
    answer = ask(client, logprobs=True, top_logprobs=3, max_tokens=4)
    content = answer.choices[0].logprobs.content

    assert "".join(token.token for token in content) == answer.choices[0].message.content
    for token in content:
        assert bytes(token.bytes).decode() == token.token
        assert len(token.top_logprobs) == 3
        assert token.logprob == max(other.logprob for other in token.top_logprobs), "greedy"
        assert sum(math.exp(other.logprob) for other in token.top_logprobs) <= 1 + 1e-5


def test_no_logprobs_are_told_unless_asked_for(client: openai.OpenAI) -> None:
    assert ask(client, max_tokens=2).choices[0].logprobs is None


def test_a_stop_string_ends_the_answer_and_is_not_part_of_it(client: openai.OpenAI) -> None:
    whole = ask(client).choices[0].message.content
    assert "Paris" in whole
    answer = ask(client, stop=["Paris"])

    assert answer.choices[0].message.content == whole.partition("Paris")[0]
    assert answer.choices[0].finish_reason == "stop"


def test_max_tokens_ends_the_answer_with_length(client: openai.OpenAI) -> None:
    for field in ("max_tokens", "max_completion_tokens"):
        answer = ask(client, **{"max_tokens": openai.NOT_GIVEN, field: 3})
        assert answer.usage.completion_tokens == 3
        assert answer.choices[0].finish_reason == "length"


def test_the_same_seed_gives_the_same_answer(client: openai.OpenAI) -> None:
    def drawn(seed: int) -> str:
        poem = [{"role": "user", "content": "Write a poem about rain."}]
        answer = ask(client, messages=poem, temperature=1.0, seed=seed, max_tokens=24)
        return str(answer.choices[0].message.content)

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_content_may_come_in_parts_and_as_a_history_with_null(client: openai.OpenAI) -> None:
    parts = [
        {"type": "text", "text": "What is the capital"},
        {"type": "text", "text": " of France?"},
    ]
    in_parts = ask(client, messages=[{"role": "user", "content": parts}])
    assert in_parts.choices[0].message.content == ask(client).choices[0].message.content

    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "look_up", "arguments": '{"country": "France"}'},
    }
    history = [
        {"role": "developer", "content": "You are terse."},
        *FRANCE,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Paris"},
    ]
    assert ask(client, messages=history, max_tokens=2).choices[0].finish_reason == "length"


def test_an_async_client_works_too(gateway: Gateway) -> None:
    async def told_async() -> str:
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key) as client:
            stream: Any = await client.chat.completions.create(
                model=MODEL, messages=FRANCE, temperature=0, max_tokens=16, stream=True
            )
            return told([chunk async for chunk in stream])

    assert asyncio.run(told_async()) == ask(gateway.client()).choices[0].message.content


def test_eight_at_once_each_get_their_own_answer(gateway: Gateway) -> None:
    countries = ["France", "Italy", "Spain", "Japan", "Egypt", "Peru", "Cuba", "Kenya"]

    def capital(country: str) -> tuple[str, int]:
        question = {"role": "user", "content": f"What is the capital of {country}?"}
        answer = ask(gateway.client(), messages=[question])
        return answer.choices[0].message.content, request_id(answer)

    alone = [capital(country)[0] for country in countries]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(capital, countries))

    assert len({identity for _, identity in together}) == 8
    same = [text == other for (text, _), other in zip(together, alone, strict=True)]
    assert sum(same) >= 7, "batching may turn a near tie, not more"
    assert all(gateway.row(identity)["status"] == "ok" for _, identity in together)


def test_prompts_and_answers_are_stored_nowhere(client: openai.OpenAI, gateway: Gateway) -> None:
    secret = "xylophone-quartz-8841"
    ask(client, messages=[{"role": "user", "content": f"Repeat: {secret}"}], max_tokens=24)

    for file in gateway.service.settings.home.iterdir():
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file.name
