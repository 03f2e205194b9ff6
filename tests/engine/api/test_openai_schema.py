"""Whatever arrives is a request or a 400, never an error of our own."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.api.errors import ApiError
from engine.api.openai.schema import ChatRequest, parse_chat_request
from engine.model.sampling_defaults import SamplingDefaults

FIELDS = sorted(ChatRequest.model_fields)
GOOD: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "tool_calls", "function"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def parsed(**fields: Any) -> ChatRequest:
    return parse_chat_request(json.dumps({**GOOD, **fields}).encode())


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4))
def test_any_json_is_a_request_or_a_400_that_names_a_field(fields: dict[str, Any]) -> None:
    try:
        request = parsed(**fields)
    except ApiError as error:
        refused = error
    else:
        assert request.ask().sampling(10, SamplingDefaults()).max_tokens <= 10
        assert all(isinstance(m.for_template()["content"], str) for m in request.messages)
        return
    assert refused.status == 400
    assert refused.body["error"]["message"]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_400(body: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        parse_chat_request(body)
    assert refused.value.status == 400


def test_without_a_limit_the_answer_may_fill_the_context() -> None:
    assert parsed().ask().sampling(100, SamplingDefaults()).max_tokens == 100


def test_the_smallest_limit_counts() -> None:
    assert (
        parsed(max_tokens=7, max_completion_tokens=5)
        .ask()
        .sampling(100, SamplingDefaults())
        .max_tokens
        == 5
    )
    assert parsed(max_tokens=7).ask().sampling(3, SamplingDefaults()).max_tokens == 3


def test_defaults_are_openais() -> None:
    sampling = parsed().ask().sampling(1, SamplingDefaults())

    assert (sampling.temperature, sampling.top_p, sampling.stop) == (1.0, 1.0, [])
    assert (sampling.seed, sampling.top_logprobs) == (None, None)


def test_what_a_request_leaves_out_is_the_models_choice() -> None:
    models_own = SamplingDefaults(temperature=0.6, top_p=0.95, top_k=20, min_p=0.05)

    silent = parsed().ask().sampling(1, models_own)
    spoken = parsed(temperature=0, top_k=-1).ask().sampling(1, models_own)

    assert (silent.temperature, silent.top_p, silent.top_k, silent.min_p) == (0.6, 0.95, 20, 0.05)
    assert (spoken.temperature, spoken.top_p, spoken.top_k, spoken.min_p) == (0, 0.95, 0, 0.05)


def test_logprobs_without_a_number_ask_for_the_chosen_tokens_only() -> None:
    assert parsed(logprobs=True).ask().sampling(1, SamplingDefaults()).top_logprobs == 0
    assert (
        parsed(logprobs=True, top_logprobs=4).ask().sampling(1, SamplingDefaults()).top_logprobs
        == 4
    )
    assert parsed(logprobs=False).ask().sampling(1, SamplingDefaults()).top_logprobs is None


def test_one_stop_string_may_come_without_a_list() -> None:
    assert parsed(stop="END").ask().sampling(1, SamplingDefaults()).stop == ["END"]
