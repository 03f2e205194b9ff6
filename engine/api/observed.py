"""Opens the record of every HTTP request, and tells the observer of those that were refused."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api.clients import client_name
from engine.api.incoming import Incoming, incoming
from engine.api.observer import Observer


class Observed:
    """ASGI middleware, the outermost.

    Requests with a row on the ledger are told when their answer is over. All others that end in an
    error are told here: with the status that was sent, or the error's own where the headers of a
    stream had gone out before it.
    """

    def __init__(self, app: ASGIApp, observer: Observer) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request = Incoming(headers.get("traceparent"))
        sent = 0

        async def note_status(message: Message) -> None:
            nonlocal sent
            if message["type"] == "http.response.start":
                sent = message["status"]
            await send(message)

        token = incoming.set(request)
        try:
            await self._app(scope, receive, note_status)
        finally:
            incoming.reset(token)
            if request.refusal is not None and not request.on_ledger:
                self._observer.refused(
                    status=sent if sent >= 400 else request.refusal.status,
                    error_type=request.refusal.error_type,
                    endpoint=getattr(scope.get("route"), "path", None),  # never what was typed
                    developer_id=request.developer_id,
                    developer_name=request.developer_name,
                    client=client_name(headers),
                )
