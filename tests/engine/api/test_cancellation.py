"""A client that goes away stops the work, and pays for what was done."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.engine.api.gateway import MODEL, Gateway, wait_until

LONG = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Count from one to a thousand in words."}],
    "temperature": 2.0,  # so random that it hardly ever ends of itself
    "seed": 3,
    "max_tokens": 4000,
}


def stream(gateway: Gateway) -> Any:
    return httpx.stream(
        "POST",
        f"{gateway.url}/v1/chat/completions",
        json={**LONG, "stream": True},
        headers={"authorization": f"Bearer {gateway.key}"},
        timeout=60,
    )


def newest_row(gateway: Gateway) -> dict[str, Any]:
    return gateway.rows()[-1]


def test_a_client_that_leaves_a_stream_is_charged_for_what_it_saw(gateway: Gateway) -> None:
    seen = 0
    with stream(gateway) as response:
        for line in response.iter_lines():
            if line.startswith("data: {"):
                chunk = json.loads(line.removeprefix("data: "))
                seen += bool(chunk["choices"][0]["delta"].get("content"))
            if seen == 5:
                break
    row = gateway.closed_row(int(chunk["id"].removeprefix("chatcmpl-"), 16))

    assert row["status"] == "cancelled"
    assert row["finish_reason"] == "cancelled"
    assert seen <= row["output_tokens"] < LONG["max_tokens"]
    assert row["input_tokens"] > 0
    assert row["energy_j"] > 0


def test_a_client_that_leaves_before_the_answer_is_complete_is_charged_too(
    gateway: Gateway,
) -> None:
    before = len(gateway.rows())
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{gateway.url}/v1/chat/completions",
            json=LONG,
            headers={"authorization": f"Bearer {gateway.key}"},
            timeout=2.0,
        )
    wait_until(lambda: len(gateway.rows()) == before + 1)
    row = gateway.closed_row(newest_row(gateway)["id"])

    assert row["status"] == "cancelled"
    assert 0 < row["output_tokens"] < LONG["max_tokens"]
    assert row["energy_j"] > 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_client_that_leaves_before_a_streams_first_token_stops_the_work(
    gateway: Gateway, path: str
) -> None:
    """A stream's head waits for a second for the first token; who leaves is missed before that."""
    before = len(gateway.rows())
    long = [{"role": "user", "content": f"Sum this up ({path}): " + "The sea is wide. " * 1200}]
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            gateway.url + path,
            json={"model": MODEL, "messages": long, "max_tokens": 50, "stream": True},
            headers={"authorization": f"Bearer {gateway.key}"},
            timeout=0.2,
        )
    wait_until(lambda: len(gateway.rows()) == before + 1)
    row = gateway.closed_row(newest_row(gateway)["id"])

    assert (row["status"], row["output_tokens"]) == ("cancelled", 0)


def test_what_was_cancelled_no_longer_runs(gateway: Gateway) -> None:
    with stream(gateway) as response:
        next(line for line in response.iter_lines() if line.startswith("data: {"))
        assert gateway.service.health()["running"] == 1
    wait_until(lambda: newest_row(gateway)["status"] == "cancelled", within_s=2)
    wait_until(lambda: gateway.service.health()["running"] == 0, within_s=2)


def test_the_row_of_a_running_answer_is_at_most_two_seconds_old(gateway: Gateway) -> None:
    with stream(gateway) as response:
        started = time.monotonic()
        told = 0
        for line in response.iter_lines():
            told += line.startswith("data: {")
            if time.monotonic() - started > 3.5:
                break
        row = newest_row(gateway)
        assert row["status"] == "running"
        assert row["duration_ms"] >= 1500
        assert 0 < row["output_tokens"] <= told
        assert row["first_token_at"] is not None
    gateway.closed_row(row["id"])
