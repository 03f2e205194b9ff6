"""The sign-in and sign-out pages: plain HTML of our own, outside Streamlit, no script needed."""

import html
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard import access
from dashboard.gate import SIGN_IN, SIGN_OUT
from db.accounts import verify_admin_password

_LONGEST_FORM = 4096
_HTML = (Path(__file__).parent / "assets" / "sign-in.html").read_text()
_one_at_a_time = anyio.Semaphore(1)  # argon2 is slow on purpose; strangers may not use all cores


class SignIn:
    """The routes. `database` gives the one that holds the password's hash."""

    def __init__(self, sessions: access.Sessions, database: Callable[[], Engine]) -> None:
        self._sessions = sessions
        self._database = database
        self._lockout = access.Lockout()

    def routes(self) -> list[Route]:
        return [
            Route(SIGN_IN, self._show, methods=["GET"]),
            Route(SIGN_IN, self._enter, methods=["POST"]),
            Route(SIGN_OUT, self._ask_to_leave, methods=["GET"]),
            Route(SIGN_OUT, self._leave, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        if not access.password_needed():
            return RedirectResponse("/", status_code=303)
        return _sign_in_page(_own_path(request.query_params.get("to", "/")))

    async def _enter(self, request: Request) -> Response:
        form = await _form(request)
        target = _own_path(form.get("to", "/"))
        if not _is_same_origin(request):
            return _sign_in_page(target, "The form came from another site.", 403)
        address = request.client.host if request.client else "unknown"
        wait = self._lockout.seconds_left(address)
        if wait > 0:
            minutes = int(wait // 60) + 1
            return _sign_in_page(target, f"Too many attempts. Try again in {minutes} min.", 429)
        async with _one_at_a_time:
            right = await anyio.to_thread.run_sync(
                verify_admin_password, self._database(), form.get("password", "")
            )
        if not right:
            self._lockout.failed(address)
            return _sign_in_page(target, "That is not the password.", 401)
        self._lockout.succeeded(address)
        response = RedirectResponse(target, status_code=303)
        response.set_cookie(
            access.COOKIE,
            self._sessions.issue(),
            max_age=access.SESSION_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    async def _ask_to_leave(self, request: Request) -> Response:
        return _page(
            "Sign out",
            f'<form method="post" action="{SIGN_OUT}"><button>Sign out</button></form>'
            '<p><a href="/">Back to the dashboard</a></p>',
        )

    async def _leave(self, request: Request) -> Response:
        if not _is_same_origin(request):
            return _page("Sign out", "<p>The form came from another site.</p>", 403)
        self._sessions.revoke(request.cookies.get(access.COOKIE, ""))
        response = RedirectResponse(SIGN_IN, status_code=303)
        response.delete_cookie(access.COOKIE, httponly=True, samesite="strict")
        return response


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _is_same_origin(request: Request) -> bool:
    """Whether a form was sent from our own page: browsers name the sending site in Origin."""
    return urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host", "?")


def _own_path(target: str) -> str:
    """A path on this site, whatever was asked for: never another site's address."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target
    return target if plain and target.isprintable() else "/"


def _sign_in_page(target: str, problem: str = "", status: int = 200) -> Response:
    alert = f'<p class="problem" role="alert">{html.escape(problem)}</p>' if problem else ""
    return _page(
        "Sign in",
        f"""{alert}<form method="post" action="{SIGN_IN}">
        <input type="hidden" name="to" value="{html.escape(target)}">
        <label for="password">Admin password</label>
        <input id="password" name="password" type="password" autocomplete="current-password"
               required autofocus>
        <button>Sign in</button></form>
        <p class="note">Forgotten? On the server, run <code>python -m db admin set-password</code>.
        </p>""",
        status,
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(
        _HTML.replace("{title}", title).replace("{body}", body),
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "X-Frame-Options": "DENY",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "img-src 'self'; form-action 'self'; frame-ancestors 'none'",
        },
    )
