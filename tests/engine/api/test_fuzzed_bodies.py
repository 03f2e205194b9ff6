"""Bodies that are nearly right, over HTTP: none finds an error of our own."""

import copy
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.api.gateway import MODEL, Gateway
from tests.engine.api.test_openai_schema import anything

CITY = {"type": "object", "properties": {"city": {"enum": ["Paris"]}}, "required": ["city"]}
COMMON: dict[str, Any] = {"model": MODEL, "max_tokens": 2, "temperature": 1, "stream": False}
OPENAI = {
    **COMMON,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c", "content": "1"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": CITY}}],
    "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": CITY}},
    "logprobs": True,
    "top_logprobs": 2,
    "n": 1,
    "stop": ["x"],
    "seed": 1,
}
ANTHROPIC = {
    **COMMON,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c", "content": "1"}],
        },
    ],
    "tools": [{"name": "f", "input_schema": CITY}],
    "tool_choice": {"type": "auto"},
    "output_config": {"format": {"type": "json_schema", "schema": CITY}},
    "stop_sequences": ["x"],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a body."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [found for key, item in inner for found in ((*path, key), *places(item, (*path, key)))]


def mutated(body: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The body with up to three of its parts replaced or left out."""
    finite = anything.filter(lambda value: "inf" not in repr(value) and "nan" not in repr(value))
    changes = st.lists(st.tuples(st.sampled_from(places(body)), finite | st.just(...)), max_size=3)

    def apply(wanted: list[tuple[tuple[Any, ...], Any]]) -> dict[str, Any]:
        changed = copy.deepcopy(body)
        for (*path, last), value in wanted:
            at: Any = changed
            for key in path:
                at = at[key] if _has(at, key) else {}
            if not _has(at, last):
                continue
            if value is ...:
                del at[last]
            else:
                at[last] = value
        return changed

    return changes.map(apply)


def _has(container: Any, key: Any) -> bool:
    if isinstance(container, dict):
        return key in container
    return isinstance(container, list) and isinstance(key, int) and key < len(container)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", OPENAI),
        ("/v1/messages", ANTHROPIC),
    ],
)
def test_a_body_that_is_nearly_right_is_answered_or_refused(
    gateway: Gateway, path: str, body: dict[str, Any]
) -> None:
    worker = gateway.worker_process().pid
    headers = {"authorization": f"Bearer {gateway.key}"}
    statuses = []

    with httpx.Client(base_url=gateway.url, headers=headers, timeout=60) as client:
        assert client.post(path, json=body).status_code == 200

        @settings(
            max_examples=60,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        )
        @given(mutated(body))
        def fuzz(changed: dict[str, Any]) -> None:
            # A body without a limit would be answered until the context is full.
            if not isinstance(changed.get("max_tokens"), int):
                changed["max_tokens"] = 2
            answer = client.post(path, json=changed)
            statuses.append(answer.status_code)
            assert answer.status_code < 500, answer.text

        fuzz()
    assert gateway.worker_process().pid == worker
    assert 200 in statuses
    assert 400 in statuses
