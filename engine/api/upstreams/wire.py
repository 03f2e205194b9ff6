"""What upstreams send, read as it comes: server-sent events, usage and errors."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from pydantic_core import from_json

from engine.api.errors import ApiError, prompt_too_long, unavailable
from engine.api.source import Tally
from engine.api.upstreams.config import UpstreamConfig

_LARGEST_EVENT = 16 * 2**20
_MOST_TOKENS = 10**12  # more is no count
_MOST_WORDS = 500  # of an upstream's message that are told
# vLLM's and SGLang's words for a prompt that has no room.
_TOO_LONG = re.compile(
    r"maximum context length is (?P<context>\d{1,9}) tokens.{0,200}?(?P<tokens>\d{1,9})"
    r" (?:in the messages|input tokens|tokens from the input|tokens in the input)",
    re.DOTALL,
)
_PASSED_ON = frozenset({400, 409, 413, 422})  # about the request itself, so the client's to read


class Broken(Exception):  # noqa: N818 (what it is)
    """An upstream did not answer as one does. One sentence for people."""


class Dropped(Broken):
    """It closed the connection before it answered, as servers do that have kept one for long."""


class Unreachable(Broken):
    """It cannot be connected to."""


async def events(
    response: aiohttp.ClientResponse, config: UpstreamConfig
) -> AsyncIterator[dict[str, Any]]:
    """The JSON of each event until `[DONE]` or the end. Raises Broken."""
    partial = b""
    within_s = config.first_token_within_s
    while True:
        try:
            async with asyncio.timeout(within_s):
                data = await response.content.readany()
        except TimeoutError:
            raise Broken(f"It said nothing for {within_s:.0f} s.") from None
        if not data:
            return
        within_s = config.silent_at_most_s
        *lines, partial = (partial + data).split(b"\n")
        if len(partial) > _LARGEST_EVENT:
            raise Broken("It sent an event of more than 16 MiB.")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            text = line[5:].strip()
            if text == b"[DONE]":
                return
            yield _object(text)


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        raise Broken("It sent an event that is no JSON.") from None
    if not isinstance(value, dict):
        raise Broken("It sent an event that is no JSON object.")
    return value


async def whole(response: aiohttp.ClientResponse, within_s: float) -> dict[str, Any]:
    """The JSON object of an answer in one piece. Raises Broken."""
    try:
        async with asyncio.timeout(within_s):
            data = await response.read()
    except TimeoutError:
        raise Broken(f"It did not answer within {within_s:.0f} s.") from None
    return _object(data)


def take_usage(usage: Any, tally: Tally) -> bool:
    """Put an upstream's own counts into the tally; False where they are none."""
    if not isinstance(usage, dict):
        return False
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return False
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    tally.input_tokens = prompt
    tally.output_tokens = completion
    tally.cached_input_tokens = min(cached or 0, prompt)
    tally.cached_is_known = cached is not None
    tally.exact = True
    return True


def _count(value: Any) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
    return value if good else None


async def refusal(response: aiohttp.ClientResponse) -> ApiError:
    """A status other than 200 as our clients are told: what is about their request in the
    upstream's own words, what is about the upstream as a 502, 503 or 429."""
    status = response.status
    try:
        error = _error_of(from_json(await response.read()))
    except ValueError:
        error = {}
    said = error.get("message")
    message = said if isinstance(said, str) and said.strip() else f"It answered {status}."
    message = message[:_MOST_WORDS]
    if status in _PASSED_ON:
        if too_long := _TOO_LONG.search(message):
            return prompt_too_long(int(too_long["tokens"]), int(too_long["context"]))
        return ApiError(
            status,
            message,
            type=text_or_none(error.get("type")) or "invalid_request_error",
            param=text_or_none(error.get("param")),
            code=text_or_none(error.get("code")),
        )
    after = response.headers.get("retry-after", "")
    wait_s = int(after) if after.isdecimal() and len(after) < 6 else 5
    if status == 429:
        return ApiError(
            429,
            message,
            type="rate_limit_error",
            code="upstream_rate_limited",
            headers={"retry-after": str(wait_s)},
        )
    if status == 503:
        return unavailable(f"The upstream is busy: {message}", "upstream_busy", wait_s)
    if status in (401, 403):
        message = "It refuses the gateway's key: an admin has to check api_key_env."
    return ApiError(
        502, f"The upstream failed: {message}", type="server_error", code=f"upstream_{status}"
    )


def failed(body: dict[str, Any]) -> ApiError:
    """An error that comes where an answer should."""
    said = text_or_none(_error_of(body).get("message")) or "It does not say why."
    return ApiError(
        502,
        f"The upstream failed: {said[:_MOST_WORDS]}",
        type="server_error",
        code="upstream_error",
    )


def _error_of(body: Any) -> dict[str, Any]:
    """OpenAI's `{"error": {…}}`, vLLM's older flat one, or `{"error": "…"}`."""
    if not isinstance(body, dict):
        return {}
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"message": error}


def text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
