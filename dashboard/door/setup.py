"""The first admin's account: made by the first visitor who can read the server's log."""

import html
import secrets
from collections.abc import Callable

import anyio
import click
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard import access
from dashboard.door import forms
from dashboard.door.lockout import LockOut
from dashboard.gate import SET_UP, SIGN_IN
from db import accounts, passwords, sessions
from db.accounts import Account, Holder
from db.errors import InvalidInput

ACTOR = "set-up"


class SetUp:
    """The route. It is there only while nobody could sign in as an admin, and needs the code that
    this process wrote to its log when it started."""

    def __init__(self, database: Callable[[], Engine], lock_out: LockOut) -> None:
        self._database = database
        self._lock_out = lock_out
        self._code = secrets.token_hex(8)

    def routes(self) -> list[Route]:
        return [
            Route(SET_UP, forms.told(self._show), methods=["GET"]),
            Route(SET_UP, forms.told(self._make), methods=["POST"]),
        ]

    def tell(self) -> None:
        """Write the code to the server's log."""
        click.echo(f"  Nobody is an admin yet. To set up the first account: code {self._code}")

    async def _show(self, request: Request) -> Response:
        return await self._closed() or _page()

    async def _make(self, request: Request) -> Response:
        form = await forms.sent_form(request)
        if not forms.is_same_origin(request):
            return _page(form, forms.FOREIGN, 403)
        address = forms.address_of(request)
        guess = f"{ACTOR} from {address}"
        async with forms.one_at_a_time:
            if (closed := await self._closed()) is not None:
                return closed
            wait = self._lock_out.seconds_left(guess, address)
            if wait > 0:
                return _page(form, forms.wait_words(wait), 429)
            if not secrets.compare_digest(
                form.get("code", "").strip().encode(), self._code.encode()
            ):
                self._lock_out.failed(guess, address)
                return _page(form, "That is not the code in the server's log.", 401)
            try:
                cookie = await anyio.to_thread.run_sync(self._first, form)
            except InvalidInput as error:
                return _page(form, error.message, 400)
        return access.give_cookie(request, RedirectResponse("/", status_code=303), cookie)

    async def _closed(self) -> Response | None:
        """Where to go instead, once there is an admin; on this machine alone nobody signs in."""
        if not access.sign_in_needed():
            return RedirectResponse("/", status_code=303)
        if await anyio.to_thread.run_sync(accounts.has_admin, self._database()):
            return RedirectResponse(SIGN_IN, status_code=303)
        return None

    def _first(self, form: dict[str, str]) -> str:
        if form.get("password") != form.get("again"):
            raise InvalidInput("password", "The two passwords differ.")
        added: Account = accounts.add_account(
            self._database(),
            form.get("username", ""),
            Holder(role="admin"),
            password=form.get("password", ""),
            actor=ACTOR,
        )
        return sessions.open_session(self._database(), added.id)


def _page(form: dict[str, str] | None = None, problem: str = "", status: int = 200) -> Response:
    """The form, with what was typed but for the passwords."""
    typed = form or {}
    return forms.form_page(
        "Set up Breakeven",
        SET_UP,
        [
            forms.field(
                "code",
                "Set-up code",
                "text",
                autocomplete="off",
                autofocus="",
                value=typed.get("code", ""),
            ),
            forms.field(
                "username",
                "Your name",
                "text",
                autocomplete="username",
                maxlength=str(accounts.LONGEST_NAME),
                value=typed.get("username", "admin"),
            ),
            *new_password_fields(),
        ],
        "Make the admin's account",
        above="<p>Nobody is an admin yet. The code is in the server's log, so that only who runs"
        " the server can be the first.</p>",
        below='<p class="note">Or on the server: <code>python -m db admin set-password</code>, then'
        f' <a href="{html.escape(SIGN_IN)}">sign in</a> as admin.</p>',
        problem=problem,
        status=status,
    )


def new_password_fields() -> list[str]:
    limits = {"minlength": str(passwords.SHORTEST), "maxlength": str(passwords.LONGEST)}
    label = f"New password, {passwords.SHORTEST} characters or more"
    return [
        forms.field("password", label, autocomplete="new-password", **limits),
        forms.field("again", "New password again", autocomplete="new-password", **limits),
    ]
