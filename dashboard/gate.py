"""The door of the pages: strangers are refused before any page's code runs.

On this machine alone, whoever comes by one of its own names may enter. Beyond it, each page, event
and asset needs the cookie that signing in gives, and so does every message on the WebSocket that
pages live on: a page's fragments and callbacks run without its main script.
"""

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

import anyio
from google.protobuf.message import DecodeError
from sqlalchemy import Engine
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from dashboard import access
from dashboard.policy import POLICY
from db import sessions
from db.errors import LedgerUnavailable
from engine.api.hosts import is_foreign_host

SIGN_IN = "/auth/sign-in"
SIGN_OUT = "/auth/sign-out"
SET_UP = "/auth/set-up"
PASSWORD = "/auth/password"
ORGANISATION = "/auth/organisation"
PROVIDER_SIGN_OUT = "/auth/logout"
STREAMLITS = frozenset({"/auth/login", PROVIDER_SIGN_OUT, "/oauth2callback"})  # of `st.login`
OPEN_PATHS = STREAMLITS | {
    SIGN_IN, SIGN_OUT, SET_UP, PASSWORD, ORGANISATION, "/_stcore/health", "/assets/logo.svg",
}  # fmt: skip
_WRONG_HOST = (
    "Breakeven listens on this machine only, so it answers to localhost and 127.0.0.1, "
    "not to this name. To serve others, start it with --server.address."
)


class Gate:
    """ASGI middleware around Streamlit and our own routes. `database` gives the own ledger."""

    def __init__(self, app: ASGIApp, database: Callable[[], Engine]) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif (refusal := await self._refusal(scope)) is None:
            if scope["type"] == "websocket" and access.sign_in_needed():
                receive = self._checking(scope, receive)
            await self._app(scope, receive, _with_secure_headers(scope, send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": "sign in first"})
        else:
            await refusal(scope, receive, _with_secure_headers(scope, send))

    async def _refusal(self, scope: Scope) -> Response | None:
        if not access.sign_in_needed():
            wrong = is_foreign_host(scope)
            return PlainTextResponse(_WRONG_HOST, status_code=403) if wrong else None
        if scope["path"] in OPEN_PATHS:
            return None
        try:
            if await self._may_enter(scope):
                return None
            must_change = await self._must_change(scope)
        except LedgerUnavailable as error:
            return PlainTextResponse(str(error), status_code=503)
        if "text/html" not in Headers(scope=scope).get("accept", ""):
            return PlainTextResponse("Sign in first.", status_code=401)
        to = PASSWORD if must_change else f"{SIGN_IN}?to={quote(scope['path'])}"
        return RedirectResponse(to, status_code=303)

    async def _may_enter(self, scope: Scope) -> bool:
        cookie = _cookie(scope)
        found = await anyio.to_thread.run_sync(access.find_viewer, self._database(), cookie)
        return found is not None

    async def _must_change(self, scope: Scope) -> bool:
        """Whether they have signed in, with a password that they have to replace first."""
        visitor = await anyio.to_thread.run_sync(sessions.visitor, self._database(), _cookie(scope))
        return visitor is not None and visitor.must_change

    def _checking(self, scope: Scope, receive: Receive) -> Receive:
        """A page's messages, of which those of somebody who has been signed out meanwhile do
        nothing but run the page anew, so that it says so."""

        async def checked() -> Message:
            message = await receive()
            if message["type"] != "websocket.receive":
                return message
            with suppress(LedgerUnavailable):  # the page then says so itself
                if await self._may_enter(scope):
                    return message
            return {**message, "text": None, "bytes": _run_anew(message.get("bytes"))}

        return checked


def _cookie(scope: Scope) -> str | None:
    return access.cookie_of(Headers(scope=scope).get("cookie", ""))


def _run_anew(sent: bytes | None) -> bytes:
    """Run the whole page, with no widget touched."""
    asked, anew = BackMsg(), BackMsg()
    with suppress(DecodeError):
        asked.ParseFromString(sent or b"")
    anew.rerun_script.page_script_hash = asked.rerun_script.page_script_hash
    return bytes(anew.SerializeToString())


def _with_secure_headers(scope: Scope, send: Send) -> Send:
    """No other site may frame the pages, nor its scripts run in them; browsers take files for what
    they are called, and send no cookie over http that was given over https."""

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "same-origin")
            headers.setdefault("Content-Security-Policy", POLICY)
            if scope["scheme"] == "https":
                message["headers"] = [_kept_secure(*header) for header in message["headers"]]
        await send(message)

    return wrapped


def _kept_secure(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Streamlit's cookies are not marked by themselves."""
    if name.lower() == b"set-cookie" and b"; secure" not in value.lower():
        return name, value + b"; Secure"
    return name, value
