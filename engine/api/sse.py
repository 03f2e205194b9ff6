"""A stream of server-sent events that notices when its reader goes away."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

T = TypeVar("T")

DONE = b"data: [DONE]\n\n"
READ_WITHIN_S = 60.0  # for a client that reads slowly, an event
KEEP_ALIVE = b": still computing\n\n"


def data(content: Any) -> bytes:
    """One event with JSON as its data."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return b"data: " + text.encode() + b"\n\n"


def named(event: str, content: dict[str, Any]) -> bytes:
    """One event with its name, which is in its JSON as `type` too."""
    return f"event: {event}\n".encode() + data({"type": event, **content})


class EventStream(Response):
    """Sends `events` (encoded) as they come. `on_end` is called when that is over, for whatever
    reason: also at once when the client leaves while the next event is waited for."""

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncIterator[bytes],
        headers: Mapping[str, str],
        on_end: Callable[[], None],
    ) -> None:
        # Proxies such as nginx hold streams back unless told not to.
        unbuffered = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(headers={**unbuffered, **headers})
        del self.headers["content-length"]
        self._events = events
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(wait_for_disconnect(receive))
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._on_end()
            leaving.cancel()
            sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await sending  # who reads nothing has left in all but name

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        async for event in self._events:
            async with asyncio.timeout(READ_WITHIN_S):
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def unless_left(work: Coroutine[Any, Any, T], request: Request) -> T:
    """The result of `work`. ClientDisconnect, and no more work, where the client leaves before. To
    be called after the request's body was read."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(wait_for_disconnect(request.receive))
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def wait_for_disconnect(receive: Receive) -> None:
    """Returns when the client has gone. To be called after its request's body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass
