"""What OpenAI's own client sees of texts that are continued, and what the ledger says of it."""

import json
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from engine.api.errors import ApiError
from engine.api.openai.completions_schema import CompletionRequest, parse_completion_request
from tests.engine.api.gateway import MODEL, Gateway

TEXT = "Once upon a time, there was a"


def go_on(client: openai.OpenAI, prompt: Any = TEXT, **fields: Any) -> Any:
    """Greedy and short unless the fields say otherwise."""
    given = {"model": MODEL, "prompt": prompt, "temperature": 0, "max_tokens": 8}
    return client.completions.create(**{**given, **fields})


def row_of(gateway: Gateway, answer: Any) -> dict[str, Any]:
    return gateway.row(int(answer.id.removeprefix("cmpl-"), 16))


@pytest.fixture(scope="module")
def theirs(weights_dir: Path) -> Any:
    path = next(weights_dir.glob("*.gguf"))
    return AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)


def test_a_text_goes_on_where_it_stopped(client: openai.OpenAI) -> None:
    """Two steps of four tokens are one of eight: nothing is put around the text."""
    whole = go_on(client)
    half = go_on(client, max_tokens=4).choices[0].text
    rest = go_on(client, TEXT + half, max_tokens=4).choices[0].text

    assert whole.object == "text_completion"
    assert whole.choices[0].text == half + rest
    assert whole.choices[0].finish_reason == "length"


def test_sixteen_tokens_are_the_vendors_usual_limit(client: openai.OpenAI) -> None:
    assert go_on(client, max_tokens=openai.NOT_GIVEN).usage.completion_tokens == 16


def test_the_prompts_tokens_are_those_of_transformers(client: openai.OpenAI, theirs: Any) -> None:
    for text in (TEXT, "def f(x):\n    return", "<|im_start|>user\nHi<|im_end|>\n"):
        assert go_on(client, text).usage.prompt_tokens == len(theirs(text).input_ids)


def test_token_ids_go_on_as_their_text_does(client: openai.OpenAI, theirs: Any) -> None:
    ids = theirs(TEXT).input_ids
    expected = go_on(client).choices[0].text

    assert go_on(client, ids).choices[0].text == expected
    assert [c.text for c in go_on(client, [ids, ids]).choices] == [expected, expected]


def test_several_prompts_are_answered_in_their_order_and_counted_together(
    client: openai.OpenAI, gateway: Gateway
) -> None:
    texts = [TEXT, "The capital of France is", "1, 2, 3, 4,"]
    alone = [go_on(client, text) for text in texts]
    together = go_on(client, texts)

    assert [c.text for c in together.choices] == [a.choices[0].text for a in alone]
    assert [c.index for c in together.choices] == [0, 1, 2]
    assert together.usage.prompt_tokens == sum(a.usage.prompt_tokens for a in alone)
    assert together.usage.completion_tokens == 24
    row = row_of(gateway, together)
    assert row["endpoint"] == "/v1/completions"
    assert row["input_tokens"] == together.usage.prompt_tokens
    assert row["cached_input_tokens"] == together.usage.prompt_tokens_details.cached_tokens
    assert row["output_tokens"] == 24
    assert row["energy_j"] > 0


def test_n_answers_each_prompt_so_often(client: openai.OpenAI) -> None:
    answer = go_on(client, [TEXT, "1, 2, 3,"], n=2, best_of=2)
    texts = [choice.text for choice in answer.choices]

    assert texts[0] == texts[1] != texts[2] == texts[3], "greedy"


@pytest.mark.parametrize("echo", [False, True])
def test_a_stream_tells_the_same_texts_as_the_answer_in_one_piece(
    client: openai.OpenAI, echo: bool
) -> None:
    texts = [TEXT, "The capital of France is"]
    whole = go_on(client, texts, echo=echo)
    chunks = list(
        go_on(client, texts, echo=echo, stream=True, stream_options={"include_usage": True})
    )
    *others, last = chunks
    told = ["", ""]
    for chunk in others:
        told[chunk.choices[0].index] += chunk.choices[0].text

    assert told == [choice.text for choice in whole.choices]
    assert [text.startswith(prompt) for text, prompt in zip(told, texts, strict=True)] == [echo] * 2
    assert last.choices == []
    assert last.usage.model_dump(exclude={"prompt_tokens_details"}) == whole.usage.model_dump(
        exclude={"prompt_tokens_details"}
    )
    assert "breakeven" in others[-1].model_extra


def test_logprobs_come_in_columns_with_places_in_the_text(client: openai.OpenAI) -> None:
    answer = go_on(client, "Ça va? Très bien, été, 日本語 😀", logprobs=3, max_tokens=12)
    table, text = answer.choices[0].logprobs, answer.choices[0].text

    assert len(table.tokens) == len(table.token_logprobs) == len(table.top_logprobs) == 12
    for token, at, value, others in zip(
        table.tokens, table.text_offset, table.token_logprobs, table.top_logprobs, strict=True
    ):
        assert token.startswith("bytes:") or text[at : at + len(token)] == token
        assert others[token] == value == max(others.values()), "greedy"
        assert 3 <= len(others) <= 4
    assert go_on(client).choices[0].logprobs is None


def test_streamed_logprobs_are_those_of_the_whole(client: openai.OpenAI) -> None:
    whole = go_on(client, logprobs=2).choices[0].logprobs
    tokens: list[str] = []
    offsets: list[int] = []
    for chunk in go_on(client, logprobs=2, stream=True):
        if table := chunk.choices[0].logprobs:
            tokens += table.tokens
            offsets += table.text_offset
    assert (tokens, offsets) == (whole.tokens, whole.text_offset)


def test_a_stop_string_ends_the_text(client: openai.OpenAI) -> None:
    whole = go_on(client).choices[0].text
    word = whole.split()[2]
    answer = go_on(client, stop=word)

    assert answer.choices[0].text == whole[: whole.index(word)]
    assert answer.choices[0].finish_reason == "stop"


def test_the_same_seed_gives_the_same_text(client: openai.OpenAI) -> None:
    def drawn(seed: int) -> str:
        return str(go_on(client, temperature=1.0, seed=seed, max_tokens=16).choices[0].text)

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": 5}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": [10**9]}, "prompt"),
        ({"prompt": "word " * 9000}, "prompt"),
        ({"prompt": ["a"] * 100, "n": 2}, "prompt"),
        ({"suffix": "."}, "suffix"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 17}, "n"),
        ({"best_of": 3}, "best_of"),
        ({"logprobs": 6}, "logprobs"),
        ({"echo": True, "logprobs": 1}, "echo"),
        ({"echo": True, "prompt": [1, 2]}, "echo"),
        ({"temperature": 3}, "temperature"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
    ],
)
def test_a_bad_field_is_a_400_that_names_it(
    gateway: Gateway, fields: dict[str, Any], param: str
) -> None:
    refused = httpx.post(
        f"{gateway.url}/v1/completions",
        json={"model": MODEL, "prompt": TEXT, **fields},
        headers={"authorization": f"Bearer {gateway.key}"},
        timeout=60,
    )

    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == param
    assert refused.json()["error"]["type"] == "invalid_request_error"
    assert refused.json()["error"]["message"].endswith(".")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(CompletionRequest.model_fields)), anything))
def test_any_json_is_a_request_or_a_400(fields: dict[str, Any]) -> None:
    body = json.dumps({"model": "m", "prompt": "Hi", **fields}).encode()
    try:
        wanted = parse_completion_request(body)
    except ApiError as error:
        refused = error
    else:
        assert len(wanted.ask().texts) * wanted.ask().answers <= 128
        return
    assert refused.status == 400
    assert refused.body["error"]["message"]
