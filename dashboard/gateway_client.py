"""The Chat page's way to the model: the gateway's own HTTP interface, as any tool uses it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

CONNECT_S = 5
SILENCE_S = 300  # a queue in front of a slow machine may be long; nothing at all means trouble

TEMPERATURE, TOP_P = 0.2, 0.9  # what the default model's authors recommend


class ChatFailed(Exception):  # noqa: N818
    """The answer could not be had; the message is one sentence for people."""


@dataclass(slots=True)
class Answer:
    """An answer as far as it has come. `stream_chat` fills it in while it yields.

    `energy_j` None: unknown (yet). `experts[layer][expert]` counts how often each routed expert was
    chosen. Times are in milliseconds.
    """

    text: str = ""
    state: str = "running"  # running, done, stopped or failed
    problem: str | None = None
    request_id: str | None = None
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    energy_j: float | None = None
    energy_basis: str | None = None
    energy_source: str | None = None
    experts_per_token: int | None = None
    duration_ms: float | None = None
    ttft_ms: float | None = None
    experts: list[list[int]] | None = None

    @property
    def tokens_per_s(self) -> float | None:
        """Decode speed: the tokens after the first over the time after the first."""
        if not self.output_tokens or self.duration_ms is None or self.ttft_ms is None:
            return None
        decoding_s = (self.duration_ms - self.ttft_ms) / 1000
        return (self.output_tokens - 1) / decoding_s if decoding_s > 0 else None


def stream_chat(
    base_url: str,
    key: str,
    model: str,
    messages: list[dict[str, str]],
    answer: Answer,
    *,
    max_tokens: int,
) -> Iterator[str]:
    """Ask the gateway, yield the answer's pieces as they come, and note its figures in `answer`.

    Closing the generator cancels the request. Raises ChatFailed.
    """
    body = {
        "model": model,
        "messages": messages,
        "max_tokens": max_tokens,
        "temperature": TEMPERATURE,
        "top_p": TOP_P,
        "stream": True,
        "stream_options": {"include_usage": True},
        "breakeven": {"experts": True},
    }
    timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
    try:
        # The gateway is this very server, so its own certificate needs no check.
        with (
            httpx.Client(timeout=timeout, verify=False, trust_env=False) as client,
            client.stream(
                "POST",
                f"{base_url}/chat/completions",
                json=body,
                headers={"Authorization": f"Bearer {key}", "User-Agent": "Breakeven Chat"},
            ) as response,
        ):
            if response.status_code != 200:
                raise ChatFailed(_message(response.read(), response.status_code))
            yield from _pieces(response, answer)
    except httpx.TimeoutException as error:
        raise ChatFailed("The model did not answer in time; try again in a minute.") from error
    except httpx.HTTPError as error:
        raise ChatFailed(
            "The connection to the gateway broke; check that the server still runs, then ask again."
        ) from error


def _pieces(response: httpx.Response, answer: Answer) -> Iterator[str]:
    for line in response.iter_lines():
        if not line.startswith("data: ") or line == "data: [DONE]":
            continue
        chunk = json.loads(line.removeprefix("data: "))
        if "error" in chunk:
            raise ChatFailed(str(chunk["error"].get("message", "The gateway reported an error.")))
        answer.request_id = chunk.get("id", answer.request_id)
        for choice in chunk.get("choices", []):
            answer.finish_reason = choice.get("finish_reason") or answer.finish_reason
            piece = choice.get("delta", {}).get("content")
            if piece:
                answer.text += piece
                yield piece
        _note_figures(chunk, answer)
    answer.state = "done"


def _note_figures(chunk: dict[str, Any], answer: Answer) -> None:
    if usage := chunk.get("usage"):
        answer.input_tokens = usage.get("prompt_tokens")
        answer.output_tokens = usage.get("completion_tokens")
    for name, value in (chunk.get("breakeven") or {}).items():
        if name != "request_id" and name in Answer.__dataclass_fields__:
            setattr(answer, name, value)


def _message(body: bytes, status: int) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The gateway answered with status {status}; try again in a moment."
