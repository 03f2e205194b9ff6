"""Signing in through the organisation: Streamlit's OpenID Connect, and whose account it opens.

`st.login` needs a page's connection, which strangers do not get here; so the sign-in page has a
link that leads where `st.login` leads. Who comes back brings Streamlit's cookie, good for the
claims that the provider has signed. It is taken once, soon, for a session of our own: that one ends
after hours, and at once with its account.
"""

import hashlib
import hmac
import html
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.user_info import generate_login_redirect_url
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dashboard import access
from dashboard.door import forms
from dashboard.gate import ORGANISATION
from db import accounts, sessions
from db.settings import Settings

PROVIDER = "default"
CALLBACK = "/oauth2callback"
TAKEN_WITHIN_S = 600
ASK = "Ask an admin of Breakeven to"


def streamlit_secrets(settings: Settings) -> dict[str, Any] | None:
    """What `st.login` is configured with; None where nobody signs in through an organisation.

    Its cookies are signed with a key made of the client's secret: every process that has the one
    has the other.
    """
    secret = settings.oidc_client_secret
    if secret is None or settings.public_url is None:
        return None
    key = hmac.new(secret.get_secret_value().encode(), b"streamlit's cookies", hashlib.sha256)
    auth = {
        "redirect_uri": settings.public_url.rstrip("/") + CALLBACK,
        "cookie_secret": key.hexdigest(),
        "client_id": settings.oidc_client_id,
        "client_secret": secret.get_secret_value(),
        "server_metadata_url": settings.oidc_metadata_url,
    }
    return {"auth": auth}


class Organisation:
    """The link to the provider, and who comes back from it. `name` is on the link."""

    def __init__(self, database: Callable[[], Engine], name: str) -> None:
        self._database = database
        self._name = name
        self._taken: dict[str, float] = {}  # digests of claims, and when each was taken

    def routes(self) -> list[Route]:
        return [Route(ORGANISATION, forms.told(self._leave_for_it), methods=["GET"])]

    def link(self) -> str:
        """HTML for the sign-in page."""
        name = html.escape(self._name)
        return f'<p><a class="button" href="{ORGANISATION}">Sign in with {name}</a></p>'

    async def _leave_for_it(self, _request: Request) -> Response:
        if not access.sign_in_needed():
            return RedirectResponse("/", status_code=303)
        return RedirectResponse(generate_login_redirect_url(PROVIDER), status_code=303)

    async def enter(self, request: Request) -> Response | str:
        """Sign in whoever has just come back; or why not, in words: none for who has not."""
        claims = self._take(request)
        if claims is None:
            return ""
        email = str(claims.get("email") or "")
        if not email or str(claims.get("email_verified", "")).lower() != "true":
            return (
                f"{self._name} did not say that your e-mail is verified, so it opens no account. "
                "Ask who runs that sign-in to verify it."
            )
        account = await anyio.to_thread.run_sync(
            partial(accounts.enter_by_email, self._database(), email, actor=forms.ACTOR)
        )
        if account is None:
            return (
                f"You are {email} at {self._name}, but no account here may be entered by this "
                f"e-mail. {ASK} add it to yours in Settings → Accounts."
            )
        cookie = await anyio.to_thread.run_sync(sessions.open_session, self._database(), account.id)
        return access.give_cookie(request, forms.moved("You are signed in", "/"), cookie)

    def _take(self, request: Request) -> dict[str, Any] | None:
        """The claims of a cookie that Streamlit has set just now and that was not taken before."""
        found = get_cookie_with_chunks(lambda name: _signed(request, name), USER_COOKIE_NAME)
        if found is None:
            return None
        now = time.monotonic()
        self._taken = {it: at for it, at in self._taken.items() if now - at < 2 * TAKEN_WITHIN_S}
        digest = hashlib.sha256(found).hexdigest()  # the claims have a nonce in them
        if digest in self._taken:
            return None
        self._taken[digest] = now
        claims: dict[str, Any] = json.loads(found)
        return claims


def came_through_it(request: Request) -> bool:
    """Whether this browser has to be signed out there as well."""
    return USER_COOKIE_NAME in request.cookies


def forget(request: Request, response: Response) -> Response:
    """Take Streamlit's cookies back, of somebody who has no account."""
    for name in request.cookies:
        if name.startswith(USER_COOKIE_NAME):  # in pieces, and the tokens
            response.delete_cookie(name, httponly=True, samesite="lax")
    return response


def _signed(request: Request, name: str) -> bytes | None:
    value = request.cookies.get(name, "").encode("latin-1", "replace")
    return decode_signed_value(get_cookie_secret(), name, value, TAKEN_WITHIN_S / 86400)
