"""An OpenAI-compatible server that does what a test tells it: real HTTP, scripted answers."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from engine.serve import listen
from tests.engine.api.gateway import wait_until
from tests.product import free_port

MODEL = "Team/Big-MoE"
WORDS = ["It", " is", " a", " boat", "."]
TEXT = "".join(WORDS)
USAGE = {
    "prompt_tokens": 31,
    "completion_tokens": 5,
    "total_tokens": 36,
    "prompt_tokens_details": {"cached_tokens": 16},
}


class UpstreamServer:
    """`received` has every request's body and headers. What is scripted:

    `usage` what it reports (None: nothing), `deltas` what it answers, `refusal` a status and body
    instead, `breaks_after` how many chunks come before it goes away, `pause_s` before each chunk,
    `garbage` what it says instead, `tokenize` what /tokenize counts (None: there is none),
    `context` its max_model_len.
    """

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.received: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.usage: dict[str, Any] | None = USAGE
        self.deltas: list[dict[str, Any]] = [{"content": word} for word in WORDS]
        self.finish_reason = "stop"
        self.extra: dict[str, Any] = {}  # vendor's fields in each choice
        self.refusal: tuple[int, Any, dict[str, str]] | None = None
        self.breaks_after: int | None = None
        self.pause_s = 0.0
        self.garbage: bytes | None = None
        self.tokenize: Callable[[dict[str, Any]], int] | None = None
        self.context: int | None = None
        self.running = 0
        self.most_running = 0
        self.left = 0  # requests whose client went away
        routes = [
            Route("/v1/models", self._models),
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/completions", self._continue, methods=["POST"]),
            Route("/tokenize", self._tokenize, methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), lifespan="off", log_level="critical", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="upstream")
        self._thread.start()
        wait_until(lambda: self._server.started)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=listen("127.0.0.1", self.port)))

    def stop(self) -> None:
        """Now, without waiting for answers."""
        self._server.force_exit = self._server.should_exit = True
        self._thread.join()

    async def _models(self, _request: Request) -> Response:
        entry: dict[str, Any] = {"id": MODEL, "object": "model"}
        if self.context is not None:
            entry["max_model_len"] = self.context
        return JSONResponse({"object": "list", "data": [entry]})

    async def _tokenize(self, request: Request) -> Response:
        if self.tokenize is None:
            return Response(status_code=404)
        return JSONResponse({"count": self.tokenize(await request.json())})

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        self.received.append((body, dict(request.headers)))
        if self.refusal is not None:
            status, content, headers = self.refusal
            return JSONResponse(content, status, headers)
        if self.garbage is not None:
            kind = "text/event-stream" if body.get("stream") else "application/json"
            told = b"data: " + self.garbage + b"\n\n" if body.get("stream") else self.garbage
            return Response(told, media_type=kind)
        if body.get("stream"):
            return StreamingResponse(self._stream(body), media_type="text/event-stream")
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(self.pause_s)
        self.running -= 1
        return JSONResponse(self._whole())

    async def _continue(self, request: Request) -> Response:
        body = await request.json()
        self.received.append((body, dict(request.headers)))
        prompts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
        choices = [
            {"index": index, "text": TEXT, "finish_reason": "length"}
            for index in range(len(prompts))
        ]
        whole = {"id": "up-2", "object": "text_completion", "model": MODEL, "choices": choices}
        return JSONResponse({**whole, "usage": self.usage})

    def _whole(self) -> dict[str, Any]:
        text = "".join(delta.get("content", "") for delta in self.deltas)
        message = {"role": "assistant", "content": text}
        choice = {
            "index": 0, "message": message, "finish_reason": self.finish_reason, **self.extra
        }  # fmt: skip
        whole = {"id": "up-1", "object": "chat.completion", "model": MODEL, "choices": [choice]}
        return whole if self.usage is None else {**whole, "usage": self.usage}

    async def _stream(self, body: dict[str, Any]) -> AsyncIterator[bytes]:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        usage, pause_s = self.usage, self.pause_s  # of this answer, whatever later ones get
        try:
            for sent, delta in enumerate(self.deltas):
                if sent == self.breaks_after:
                    raise ConnectionResetError
                await asyncio.sleep(pause_s)
                yield self._event([{"index": 0, "delta": delta, **self.extra}])
            end = {"index": 0, "delta": {}, "finish_reason": self.finish_reason, **self.extra}
            yield self._event([end])
            if usage is not None and body.get("stream_options", {}).get("include_usage"):
                yield self._event([], usage=usage)
            yield b"data: [DONE]\n\n"
        except (asyncio.CancelledError, GeneratorExit):
            self.left += 1
            raise
        finally:
            self.running -= 1

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        chunk = {"id": "up-1", "object": "chat.completion.chunk", "model": MODEL, **more}
        return b"data: " + json.dumps({**chunk, "choices": choices}).encode() + b"\n\n"
