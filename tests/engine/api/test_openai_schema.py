"""Whatever arrives is a request or a 400, never an error of our own."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.api.errors import ApiError
from engine.api.openai_schema import ChatRequest, parse_chat_request

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
        assert request.sampling(room=10).max_tokens <= 10
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
    assert parsed().sampling(room=100).max_tokens == 100


def test_the_smallest_limit_counts() -> None:
    assert parsed(max_tokens=7, max_completion_tokens=5).sampling(room=100).max_tokens == 5
    assert parsed(max_tokens=7).sampling(room=3).max_tokens == 3


def test_defaults_are_openais() -> None:
    sampling = parsed().sampling(room=1)

    assert (sampling.temperature, sampling.top_p, sampling.stop) == (1.0, 1.0, [])
    assert (sampling.seed, sampling.top_logprobs) == (None, None)


def test_logprobs_without_a_number_ask_for_the_chosen_tokens_only() -> None:
    assert parsed(logprobs=True).sampling(room=1).top_logprobs == 0
    assert parsed(logprobs=True, top_logprobs=4).sampling(room=1).top_logprobs == 4
    assert parsed(logprobs=False).sampling(room=1).top_logprobs is None


def test_one_stop_string_may_come_without_a_list() -> None:
    assert parsed(stop="END").sampling(room=1).stop == ["END"]
