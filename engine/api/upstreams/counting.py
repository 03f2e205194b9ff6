"""Counts tokens for upstreams that do not tell: exactly with the model's own tokenizer, or by
length."""

import asyncio
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from pydantic_core import from_json, to_json

from engine.api.upstreams.replica import Replica
from engine.model.errors import ChatTemplateError
from engine.model.tokenizer import Tokenizer

BYTES_PER_TOKEN = 4  # of English and of code in common vocabularies, about
_PROMPT_FIELDS = frozenset({"model", "messages", "tools"})
_ASKED_WITHIN_S = 10.0


def by_length(size: int) -> int:
    """An estimate from bytes."""
    return -(-size // BYTES_PER_TOKEN)


def size_of(body: dict[str, Any]) -> int:
    """Bytes of its JSON."""
    return len(to_json(body))


async def count_prompt(
    session: aiohttp.ClientSession, replica: Replica, body: dict[str, Any]
) -> tuple[int, bool]:
    """Tokens of a completion's prompt, and whether that is exact."""
    if "messages" not in body:
        return await count_text(session, replica, "".join(_texts(body.get("prompt")))), False
    if replica.config.tokenizer is not None:
        tokenizer = await asyncio.to_thread(_tokenizer, replica.config.tokenizer)
        messages = [m if m.get("content") else {**m, "content": ""} for m in body["messages"]]
        with suppress(ChatTemplateError):
            ids = await asyncio.to_thread(tokenizer.encode_chat, messages, True, body.get("tools"))
            return len(ids), True
    asked = {name: value for name, value in body.items() if name in _PROMPT_FIELDS}
    count = await _ask(session, replica, asked)  # vLLM's form
    if count is not None:
        return count, True
    return by_length(sum(len(text.encode()) for text in _texts(body.get("messages")))), False


async def count_text(session: aiohttp.ClientSession, replica: Replica, text: str) -> int:
    """Tokens of an answer."""
    if not text:
        return 0
    if replica.config.tokenizer is not None:
        tokenizer = await asyncio.to_thread(_tokenizer, replica.config.tokenizer)
        return len(await asyncio.to_thread(tokenizer.encode, text))
    # `prompt` is vLLM's and SGLang's word, `content` llama.cpp's.
    count = await _ask(session, replica, {"prompt": text, "content": text})
    return by_length(len(text.encode())) if count is None else count


@lru_cache(maxsize=8)
def _tokenizer(path: Path) -> Tokenizer:
    return Tokenizer.open(path)


async def _ask(
    session: aiohttp.ClientSession, replica: Replica, body: dict[str, Any]
) -> int | None:
    """What the server's own /tokenize counts; None where it has none."""
    parts = urlsplit(replica.url)
    root = f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/v1')}"
    try:
        async with (
            asyncio.timeout(_ASKED_WITHIN_S),
            session.post(
                f"{root}/tokenize", json=body, headers=replica.headers, allow_redirects=False
            ) as response,
        ):
            if response.status != 200:
                return None
            answer = from_json(await response.read())
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError):
        return None
    if not isinstance(answer, dict):
        return None
    count, tokens = answer.get("count"), answer.get("tokens")
    if not isinstance(count, int):
        count = len(tokens) if isinstance(tokens, list) else 0
    return count or None  # llama.cpp finds nothing to count in messages


def _texts(value: Any) -> list[str]:
    """Every text within JSON."""
    match value:
        case str():
            return [value]
        case dict():
            return [text for item in value.values() for text in _texts(item)]
        case list():
            return [text for item in value for text in _texts(item)]
        case _:
            return []
