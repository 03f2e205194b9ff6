"""An OpenAI-compatible server that answers at once: `python -m tests.benchmarks.instant_upstream`.

It stands in for vLLM or SGLang where only the time of the gateway before it counts. Every chat gets
the same 20 words as 20 tokens, in one write, whole or as 20 chunks. It is a bare protocol on uvloop
and not a web framework's app, so that it takes next to nothing of the processors that the gateways
are measured on.
"""

import asyncio
import json
import re
import sys
from typing import Any, cast

import uvloop

MODEL = "instant"
WORDS = [f"word{number} " for number in range(20)]
ANSWER = "".join(WORDS)
USAGE = {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}
HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _envelope(kind: str, **more: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-instant", "object": kind, "created": 1, "model": MODEL, **more}


def _whole(status: str, body: dict[str, Any]) -> bytes:
    payload = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(payload)}"
    return head.encode() + HEAD_END + payload


def _stream(*, with_usage: bool) -> bytes:
    """20 chunks, one with the finish reason, one with the usage if asked for, and `[DONE]`."""
    deltas = [{"content": word} for word in WORDS] + [{}]
    deltas[0]["role"] = "assistant"
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": delta, "finish_reason": None} for delta in deltas
    ]
    choices[-1]["finish_reason"] = "stop"
    chunks = [_envelope("chat.completion.chunk", choices=[choice]) for choice in choices]
    if with_usage:
        chunks.append(_envelope("chat.completion.chunk", choices=[], usage=USAGE))
    events = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked"
    body = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in events)
    return head + HEAD_END + body + b"0" + HEAD_END


MODELS = _whole("200 OK", {"object": "list", "data": [{"id": MODEL, "object": "model"}]})
NOT_FOUND = _whole("404 Not Found", {"error": {"message": "No such path.", "type": "not_found"}})
CHAT = _whole(
    "200 OK",
    _envelope(
        "chat.completion",
        choices=[
            {
                "index": 0,
                "message": {"role": "assistant", "content": ANSWER},
                "finish_reason": "stop",
            }
        ],
        usage=USAGE,
    ),
)
STREAM = _stream(with_usage=False)
STREAM_WITH_USAGE = _stream(with_usage=True)


class Upstream(asyncio.Protocol):
    """One kept connection; requests come whole, with a content-length, one after another."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while HEAD_END in self._received:
            head, _, rest = self._received.partition(HEAD_END)
            length = CONTENT_LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._received = rest[size:]
            self._transport.write(answer(head, rest[:size]))


def answer(head: bytes, body: bytes) -> bytes:
    if head.startswith(b"GET /v1/models"):
        return MODELS
    if not head.startswith(b"POST /v1/chat/completions"):
        return NOT_FOUND
    request = json.loads(body)
    if not request.get("stream"):
        return CHAT
    asked = (request.get("stream_options") or {}).get("include_usage")
    return STREAM_WITH_USAGE if asked else STREAM


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
