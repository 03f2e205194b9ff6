"""Whatever arrives at Anthropic's addresses is a request or a 400."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.api.anthropic.schema import CountRequest, MessagesRequest, parse
from engine.api.errors import ApiError
from engine.model.sampling_defaults import SamplingDefaults
from tests.engine.api.test_openai_schema import anything

FIELDS = sorted(MessagesRequest.model_fields)
GOOD: dict[str, Any] = {
    "model": "m",
    "max_tokens": 5,
    "messages": [{"role": "user", "content": "Hi"}],
}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4), st.booleans())
def test_any_json_is_a_request_or_a_400(fields: dict[str, Any], betas: bool) -> None:
    body = json.dumps({**GOOD, **fields}).encode()
    try:
        request = parse(MessagesRequest, body, betas=betas)
    except ApiError as error:
        refused = error
    else:
        assert request.ask().sampling(10, SamplingDefaults()).max_tokens <= 10
        assert all(isinstance(message["content"], str) for message in request.ask().chat.messages)
        return
    assert refused.status == 400
    assert refused.body["error"]["message"]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_400(body: bytes) -> None:
    for kind in (MessagesRequest, CountRequest):
        with pytest.raises(ApiError) as refused:
            parse(kind, body, betas=False)
        assert refused.value.status == 400
