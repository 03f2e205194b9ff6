"""The door of the pages: strangers are refused before any page's code runs.

On this machine alone, whoever comes by one of its own names may enter. Beyond it, each page, event
and asset needs the cookie that the password gives, and so does the WebSocket that pages live on.
"""

from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import access
from engine.api.hosts import is_foreign_host

SIGN_IN = "/auth/sign-in"
SIGN_OUT = "/auth/sign-out"
_OPEN_PATHS = frozenset({SIGN_IN, SIGN_OUT, "/_stcore/health", "/assets/logo.svg"})
_WRONG_HOST = (
    "Breakeven listens on this machine only, so it answers to localhost and 127.0.0.1, "
    "not to this name. To serve others, start it with --server.address and an admin password."
)


class Gate:
    """ASGI middleware around Streamlit and our own routes."""

    def __init__(self, app: ASGIApp, sessions: access.Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif (refusal := self._refusal(scope)) is None:
            await self._app(scope, receive, _with_secure_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": "sign in first"})
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> PlainTextResponse | RedirectResponse | None:
        if is_foreign_host(scope) and not access.password_needed():
            return PlainTextResponse(_WRONG_HOST, status_code=403)
        if not access.password_needed() or scope["path"] in _OPEN_PATHS:
            return None
        headers = Headers(scope=scope)
        if self._sessions.is_valid(access.cookie_of(headers.get("cookie", ""))):
            return None
        if "text/html" in headers.get("accept", ""):
            return RedirectResponse(f"{SIGN_IN}?to={quote(scope['path'])}", status_code=303)
        return PlainTextResponse("Sign in first.", status_code=401)


def _with_secure_headers(send: Send) -> Send:
    """No other site may frame the pages, and browsers take files for what they are called."""

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "same-origin")
            headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
        await send(message)

    return wrapped
