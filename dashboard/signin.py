"""The sign-in and sign-out pages: plain HTML of our own, outside Streamlit, no script needed."""

import html
from collections.abc import Callable
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


_HTML = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} · Breakeven</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/assets/logo.svg">
<style>
:root { color-scheme: light dark; --line: #d9dee5; --ink: #1b2430; --ground: #f4f6f8;
  --card: #fff; --accent: #0b62a3; --on-accent: #fff; --bad: #a4262c; }
@media (prefers-color-scheme: dark) { :root { --line: #323c49; --ink: #e7ecf2;
  --ground: #10151c; --card: #1a212b; --accent: #5aa9e6; --on-accent: #0b1016; --bad: #ff9c9c; } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 2rem; width: min(22rem, 90vw); box-sizing: border-box; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; display: flex; gap: .6rem; align-items: center; }
label { display: block; margin-bottom: .3rem; }
input[type=password] { width: 100%; box-sizing: border-box; font: inherit; padding: .5rem .7rem;
  border: 1px solid var(--line); border-radius: 8px; background: var(--ground); color: inherit; }
button { margin-top: 1rem; width: 100%; font: inherit; font-weight: 600; padding: .55rem;
  border: 0; border-radius: 8px; background: var(--accent); color: var(--on-accent); cursor: pointer; }
.problem { color: var(--bad); } .note { font-size: .85rem; margin-bottom: 0; } a { color: var(--accent); }
</style></head><body><main><h1><img src="/assets/logo.svg" width="28" height="28" alt="">{title}</h1>
{body}</main></body></html>"""
