"""One request over a connection of its own, read as cheaply as can be: the engine shares the
machine with the clients. What came is taken apart once it is all there."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.soak.questions import Json, Question

ANSWER_WITHIN_S = 180.0


@dataclass(frozen=True, slots=True)
class Usage:
    input: int
    cached: int
    output: int


@dataclass(slots=True)
class Exchange:
    """What a client saw. `status` None: it left before the answer's head; `left_at` in epoch
    milliseconds. `usage` is told with complete answers only. `seen` is the number of pieces of
    text, each of one token at least, `pauses_s` the times between what arrived of a stream."""

    mark: str
    developer: str
    question: Question
    status: int | None = None
    request_id: int | None = None
    usage: Usage | None = None
    seen: int = 0
    error: str | None = None
    first_token_s: float | None = None
    left_at: float | None = None
    pauses_s: list[float] = field(default_factory=list)

    @property
    def is_refused(self) -> bool:
        return self.status not in (None, 200)


async def exchange(port: int, key: str, mark: str, developer: str, asked: Question) -> Exchange:
    """Ask, and read to the end or leave."""
    told = Exchange(mark, developer, asked)
    leave, received, events = asked.leave, bytearray(), 0
    limit_s = leave.after_s if leave and leave.after_s is not None else ANSWER_WITHIN_S
    began = last = time.perf_counter()
    reader, writer = await asyncio.open_connection("localhost", port)
    try:
        writer.write(asked.request(port, key, mark))
        async with asyncio.timeout(limit_s):
            while data := await reader.read(1 << 16):
                received += data
                now = time.perf_counter()
                if told.first_token_s is not None:
                    told.pauses_s.append(now - last)
                elif b'delta":{"' in data:
                    told.first_token_s = now - began
                last = now
                events += data.count(b"data: ")
                if leave and leave.after_events is not None and events >= leave.after_events:
                    raise TimeoutError
    except TimeoutError:
        told.left_at = time.time() * 1000
        if leave is None:
            told.error = f"no answer within {ANSWER_WITHIN_S:.0f} s"
    finally:
        writer.transport.abort()
    _read(told, bytes(received))
    return told


def _read(told: Exchange, received: bytes) -> None:
    """Fill in what was received, however little it is."""
    raw_head, complete_head, body = received.partition(b"\r\n\r\n")
    if not complete_head:
        return
    status, *lines = raw_head.decode().split("\r\n")
    head = dict(line.lower().split(": ", 1) for line in lines)
    told.status = int(status.split()[1])
    if told.status != 200:
        told.error = body.decode(errors="replace")
        return
    name = head.get("x-request-id") or head["request-id"].removeprefix("req_")
    told.request_id = int(name, 16)
    if told.question.streamed:
        for event in _events(_unchunked(body)):
            _take_event(told, event)
    elif len(body) == int(head["content-length"]):
        told.usage = _usage(json.loads(body)["usage"])


def _take_event(told: Exchange, event: Json) -> None:
    if event.get("error"):
        told.error = json.dumps(event["error"])
    for choice in event.get("choices", []):
        told.seen += bool(choice["delta"].get("content"))
    told.seen += event.get("type") == "content_block_delta" and "text" in event["delta"]
    # Anthropic's first event tells a usage too, but of nothing yet.
    if event.get("usage") and event.get("type") in (None, "message_delta"):
        told.usage = _usage(event["usage"])


def _usage(usage: dict[str, Any]) -> Usage:
    if "prompt_tokens" in usage:
        cached = usage["prompt_tokens_details"]["cached_tokens"]
        return Usage(usage["prompt_tokens"], cached, usage["completion_tokens"])
    cached = usage["cache_read_input_tokens"]
    return Usage(usage["input_tokens"] + cached, cached, usage["output_tokens"])


def _unchunked(body: bytes) -> bytes:
    """The chunks that are whole."""
    parts = []
    while b"\r\n" in body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        if len(rest) < length:
            break
        parts.append(rest[:length])
        body = rest[length + 2 :]
    return b"".join(parts)


def _events(stream: bytes) -> Iterator[Json]:
    """The data of the events that are whole."""
    *whole, _ = stream.decode(errors="replace").split("\n\n")
    for event in whole:
        for line in event.split("\n"):
            if line.startswith("data: {"):
                yield json.loads(line.removeprefix("data: "))
