"""Coding agents' traffic in the form in which their clients send it (recorded from Claude Code
2.1.197 in November 2026; the texts are our own): answered without an error, and metered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import pytest

from db.settings import Settings
from tests.engine.api import agent_model
from tests.engine.api.gateway import Gateway

MODEL = "agent-moe"
BETAS = (
    "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
    "prompt-caching-scope-2026-01-05,mid-conversation-system-2026-04-07,effort-2025-11-24"
)


@pytest.fixture(scope="module")
def served(gguf_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = tmp_path_factory.mktemp("home")
    agent_model.write(home / "models" / MODEL, gguf_path)
    gateway = Gateway(Settings(home=home, model=MODEL, threads=2))
    yield gateway
    gateway.stop()


def rules(about: str, letters: int) -> str:
    """A long text that says something else for each `about`."""
    lines = [
        f"Rule {n} of {about}: read before you write, and say what you did." for n in range(999)
    ]
    return "\n".join(lines)[:letters]


def tool(number: int) -> dict[str, Any]:
    """Schemas with every keyword that was recorded."""
    properties = {
        "path": {"type": "string", "description": "Where.", "minLength": 1, "maxLength": 524288},
        "mode": {"type": "string", "enum": ["read", "write"], "default": "read"},
        "site": {"type": "string", "format": "uri"},
        "run": {"type": "string", "pattern": "^wf_[a-z0-9-]{6,}$"},
        "limit": {
            "type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991,
            "minimum": -9007199254740991,
        },
        "kind": {"const": "file"},
        "names": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 256},
        "labels": {
            "type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {},
        },
        "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    }  # fmt: skip
    return {
        "name": f"Tool{number}",
        "description": rules(f"tool {number}", 1500),
        "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": ["path"],
            "additionalProperties": False,
        },
    }


def turn(question: str, *history: Any) -> dict[str, Any]:
    """The body of one turn of Claude Code."""
    marked = {"type": "ephemeral"}
    reminder = f"<system-reminder>{rules('reminders', 300)}</system-reminder>"
    first = [
        {"type": "text", "text": reminder},
        {"type": "text", "text": question, "cache_control": marked},
    ]
    billing = "x-anthropic-billing-header: cc_version=2.1.197.df4; cc_entrypoint=sdk-cli;"
    return {
        "model": MODEL,
        "max_tokens": 32_000,
        "stream": True,
        "system": [
            {"type": "text", "text": billing},
            {"type": "text", "text": "You help with code.", "cache_control": marked},
            {"type": "text", "text": rules("the house", 6000), "cache_control": marked},
        ],
        "messages": [
            {"role": "user", "content": first},
            {"role": "system", "content": rules("agents", 6000)},
            *history,
        ],
        "tools": [tool(number) for number in range(24)],
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "metadata": {"user_id": json.dumps({"device_id": "0" * 64, "account_uuid": ""})},
    }


def post(served: Gateway, path: str, body: dict[str, Any]) -> httpx.Response:
    headers = {
        "authorization": f"Bearer {served.key}",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": BETAS,
        "user-agent": "claude-cli/2.1.197 (external, sdk-cli)",
        "x-app": "cli",
    }
    return httpx.post(f"{served.url}{path}?beta=true", json=body, headers=headers, timeout=120)


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if line.startswith("data: ")
    ]


def short(body: dict[str, Any]) -> dict[str, Any]:
    """The random model would not end by itself."""
    return {**body, "max_tokens": 16}


def test_claude_codes_turns_are_answered_and_the_prompt_is_read_again(served: Gateway) -> None:
    told = events(post(served, "/v1/messages", short(turn("Say hi with the shell."))))
    kinds = [event["type"] for event in told if event["type"] != "ping"]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-2:] == ["message_delta", "message_stop"]

    call = {"type": "tool_use", "id": "toolu_1", "name": "Tool3", "input": {"path": "a.py"}}
    result = [{"tool_use_id": "toolu_1", "type": "tool_result", "content": "hi", "is_error": False}]
    history = [
        {"role": "assistant", "content": [{"type": "text", "text": "I will."}, call]},
        {"role": "user", "content": result},
    ]
    again = events(post(served, "/v1/messages", short(turn("Say hi with the shell.", *history))))
    [usage] = [event["usage"] for event in again if event["type"] == "message_delta"]
    assert usage["cache_read_input_tokens"] > 10_000
    assert usage["input_tokens"] < 1000
    row = served.rows()[-1]
    assert (row["status"], row["client"]) == ("ok", "claude-code")
    assert row["cached_input_tokens"] == usage["cache_read_input_tokens"]


def test_claude_codes_other_requests_are_answered(served: Gateway) -> None:
    title = {
        "model": MODEL,
        "max_tokens": 32_000,
        "stream": True,
        "system": [{"type": "text", "text": "Give the session a title."}],
        "messages": [{"role": "user", "content": "<session>Say hi</session>"}],
        "tools": [],
        "temperature": 1,
        "thinking": {"type": "disabled"},
        "output_config": {
            "effort": "high",
            "format": {
                "type": "json_schema",
                "schema": {
                    "type": "object",
                    "properties": {"title": {"type": "string", "maxLength": 40}},
                    "required": ["title"],
                    "additionalProperties": False,
                },
            },
        },
    }
    told = events(post(served, "/v1/messages", title))
    deltas = [event["delta"] for event in told if event["type"] == "content_block_delta"]
    assert set(json.loads("".join(delta["text"] for delta in deltas))) == {"title"}

    search = {
        **short(turn("Search the web for boats.")),
        "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 8}],
        "tool_choice": {"type": "auto"},
    }
    assert events(post(served, "/v1/messages", search))[-1]["type"] == "message_stop"

    whole = {**short(turn("Again, in one piece.")), "stream": False}
    assert post(served, "/v1/messages", whole).json()["stop_reason"] in ("max_tokens", "end_turn")

    begun = [{"role": "assistant", "content": [{"type": "text", "text": "It is"}]}]
    wanted = turn("Count.", *begun)
    count = {name: wanted[name] for name in ("model", "messages", "tools")}
    assert post(served, "/v1/messages/count_tokens", count).json()["input_tokens"] > 10_000


def test_an_agents_long_prompt_costs_what_count_tokens_says(served: Gateway) -> None:
    client = anthropic.Anthropic(api_key=served.key, base_url=served.url, max_retries=0)
    wanted: Any = {
        name: value
        for name, value in turn("How many tokens is this?").items()
        if name in ("model", "messages", "tools", "system")
    }
    counted = client.messages.count_tokens(**wanted).input_tokens
    with client.messages.stream(**wanted, max_tokens=2) as stream:
        usage = stream.get_final_message().usage
    assert usage.input_tokens + (usage.cache_read_input_tokens or 0) == counted
