"""Who is there: on this machine its user, an admin; beyond it, whoever has signed in.

The product listens on localhost, without a log-in, unless an option says that it is reached from
elsewhere: `server.address`, its public URL, or the organisation's sign-in. From then on each page,
event and asset needs a cookie. What its account may see is looked up each time, so a role that
changes and an account that is disabled count at once.
"""

from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import streamlit as st
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from dashboard.ledgers import engine_of
from dashboard.viewer import LOCAL, Viewer
from db import sessions
from engine.api import current
from engine.api.hosts import is_loopback

COOKIE = "breakeven_session"


def sign_in_needed() -> bool:
    """Whether the product listens beyond this machine, or is meant to be reached from there."""
    addresses = [st.get_option("server.address") or "0.0.0.0"]
    if st.get_option("browser.serverAddress"):
        addresses.append(st.get_option("browser.serverAddress"))
    settings = current.get().settings
    if settings.oidc_client_secret is not None:
        return True
    if settings.public_url is not None:
        addresses.append(urlsplit(settings.public_url).hostname or "")
    return not all(is_loopback(address) for address in addresses)


def find_viewer(database: Engine, cookie: str | None) -> Viewer | None:
    """Who holds this cookie; None where nothing may be shown to them."""
    if not sign_in_needed():
        return LOCAL
    found = sessions.visitor(database, cookie)
    if found is None or found.must_change:
        return None
    return Viewer(found.account_id, found.name, found.role, found.developer_id, found.team_id)


def page_viewer() -> Viewer | None:
    """Who reads the page that is running."""
    if not sign_in_needed():
        return LOCAL
    return find_viewer(engine_of("own"), page_cookie())


def page_cookie() -> str | None:
    """The cookie that the page's connection was opened with."""
    cookie = st.context.cookies.get(COOKIE)
    return cookie if isinstance(cookie, str) else None


def cookie_of(header: str) -> str | None:
    """The session's token in a Cookie header, if there is one."""
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def give_cookie(request: Request, response: Response, cookie: str) -> Response:
    """Sign the browser in: scripts cannot read the cookie, nor other sites make use of it."""
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=sessions.LASTS_MS // 1000,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response
