"""Signing in and out."""

import html
from collections.abc import Callable

import anyio
from sqlalchemy import Engine
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard import access
from dashboard.door import forms, oidc
from dashboard.door.lockout import Guessed, LockOut
from dashboard.door.oidc import Organisation
from dashboard.gate import PASSWORD, PROVIDER_SIGN_OUT, SET_UP, SIGN_IN, SIGN_OUT
from db import accounts, sessions
from db.accounts import Account

WRONG = "The name or the password is wrong."


class SignIn:
    """The routes. `database` gives the own ledger; `organisation` None: by password alone."""

    def __init__(
        self,
        database: Callable[[], Engine],
        lock_out: LockOut,
        organisation: Organisation | None = None,
    ) -> None:
        self._database = database
        self._lock_out = lock_out
        self._organisation = organisation

    def routes(self) -> list[Route]:
        return [
            Route(SIGN_IN, forms.told(self._show), methods=["GET"]),
            Route(SIGN_IN, forms.told(self._enter), methods=["POST"]),
            Route(SIGN_OUT, forms.told(self._ask_to_leave), methods=["GET"]),
            Route(SIGN_OUT, forms.told(self._leave), methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        if not access.sign_in_needed():
            return RedirectResponse("/", status_code=303)
        if not await anyio.to_thread.run_sync(accounts.list_accounts, self._database()):
            return RedirectResponse(SET_UP, status_code=303)
        target = _own_path(request.query_params.get("to", "/"))
        if self._organisation is None:
            return self._page(target)
        entered = await self._organisation.enter(request)
        if isinstance(entered, Response):
            return entered
        if entered:
            return oidc.forget(request, self._page(target, entered, 403))
        return self._page(target)

    async def _enter(self, request: Request) -> Response:
        form = await forms.sent_form(request)
        target = _own_path(form.get("to", "/"))
        if not forms.is_same_origin(request):
            return self._page(target, forms.FOREIGN, 403)
        name, address = form.get("username", ""), forms.address_of(request)
        async with forms.one_at_a_time:
            wait = self._lock_out.seconds_left(name, address)
            if wait > 0:
                return self._page(target, forms.wait_words(wait), 429)
            account = await anyio.to_thread.run_sync(
                accounts.check_password, self._database(), name, form.get("password", "")
            )
            locked = [] if account else self._lock_out.failed(name, address)
        if account is None:
            return note_after(self._page(target, WRONG, 401), self._database(), locked)
        self._lock_out.succeeded(name)
        return await self._entered(request, account, target)

    async def _entered(self, request: Request, account: Account, target: str) -> Response:
        cookie = await anyio.to_thread.run_sync(sessions.open_session, self._database(), account.id)
        to = PASSWORD if account.must_change else target
        return access.give_cookie(request, RedirectResponse(to, status_code=303), cookie)

    async def _ask_to_leave(self, request: Request) -> Response:
        below = '<p><a href="/">Back to the dashboard</a></p>'
        return forms.form_page("Sign out", SIGN_OUT, [], "Sign out", below=below)

    async def _leave(self, request: Request) -> Response:
        if not forms.is_same_origin(request):
            return forms.page("Sign out", f"<p>{forms.FOREIGN}</p>", 403)
        cookie = request.cookies.get(access.COOKIE, "")
        await anyio.to_thread.run_sync(sessions.close_session, self._database(), cookie)
        response: Response = RedirectResponse(SIGN_IN, status_code=303)
        if self._organisation is not None and oidc.came_through_it(request):
            response = forms.moved("You are signed out", PROVIDER_SIGN_OUT)
        response.delete_cookie(access.COOKIE, httponly=True, samesite="strict")
        return response

    def _page(self, target: str, problem: str = "", status: int = 200) -> Response:
        below = (
            '<p class="note">Forgotten? An admin can set a new one in Settings → Accounts, or on'
            " the server with <code>python -m db admin set-password NAME</code>.</p>"
        )
        return forms.form_page(
            "Sign in",
            SIGN_IN,
            [
                f'<input type="hidden" name="to" value="{html.escape(target)}">',
                forms.field("username", "Name", "text", autocomplete="username", autofocus=""),
                forms.field("password", "Password", autocomplete="current-password"),
            ],
            "Sign in",
            above=self._organisation.link() if self._organisation else "",
            below=below,
            problem=problem,
            status=status,
        )


def note_after(answer: Response, database: Engine, locked: list[Guessed]) -> Response:
    """The answer; what is locked is noted after it, for the write takes time, which would tell that
    there is an account."""
    answer.background = BackgroundTask(_note_locked, database, locked)
    return answer


def _note_locked(database: Engine, locked: list[Guessed]) -> None:
    """Write who has to wait now. A name that is no account's is left out: people also type their
    passwords there."""
    for what, which in locked:
        whom = which if what == "address" else accounts.find_account(database, which)
        if whom is not None:
            accounts.note_lock_out(database, whom, actor=forms.ACTOR)


def _own_path(target: str) -> str:
    """A path on this site, whatever was asked for: never another site's address."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\")) and "\\" not in target
    return target if plain and target.isprintable() else "/"
