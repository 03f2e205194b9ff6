"""One's own password: changed at any time, and first of all where somebody else chose it."""

from collections.abc import Callable

import anyio
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard import access
from dashboard.door import forms
from dashboard.door.lockout import LockOut
from dashboard.door.setup import new_password_fields
from dashboard.door.signin import note_after
from dashboard.gate import PASSWORD, SIGN_IN
from db import accounts, sessions
from db.errors import InvalidInput
from db.sessions import Visitor


class OwnPassword:
    """The route. `database` gives the own ledger."""

    def __init__(self, database: Callable[[], Engine], lock_out: LockOut) -> None:
        self._database = database
        self._lock_out = lock_out

    def routes(self) -> list[Route]:
        return [
            Route(PASSWORD, forms.told(self._show), methods=["GET"]),
            Route(PASSWORD, forms.told(self._change), methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        visitor = await self._visitor(request)
        return RedirectResponse(SIGN_IN, status_code=303) if visitor is None else _page(visitor)

    async def _change(self, request: Request) -> Response:
        form = await forms.sent_form(request)
        visitor = await self._visitor(request)
        if visitor is None:
            return RedirectResponse(SIGN_IN, status_code=303)
        if not forms.is_same_origin(request):
            return _page(visitor, forms.FOREIGN, 403)
        address = forms.address_of(request)
        async with forms.one_at_a_time:
            wait = self._lock_out.seconds_left(visitor.name, address)
            if wait > 0:
                return _page(visitor, forms.wait_words(wait), 429)
            known = await anyio.to_thread.run_sync(
                accounts.check_password, self._database(), visitor.name, form.get("present", "")
            )
            if known is None or known.id != visitor.account_id:
                locked = self._lock_out.failed(visitor.name, address)
                wrong = _page(visitor, "The present password is another one.", 401)
                return note_after(wrong, self._database(), locked)
            try:
                cookie = await anyio.to_thread.run_sync(self._set, visitor, form)
            except InvalidInput as error:
                return _page(visitor, error.message, 400)
        return access.give_cookie(request, RedirectResponse("/", status_code=303), cookie)

    async def _visitor(self, request: Request) -> Visitor | None:
        if not access.sign_in_needed():
            return None
        cookie = request.cookies.get(access.COOKIE)
        return await anyio.to_thread.run_sync(sessions.visitor, self._database(), cookie)

    def _set(self, visitor: Visitor, form: dict[str, str]) -> str:
        """It signs every browser out; this one is signed in anew."""
        if form.get("password") != form.get("again"):
            raise InvalidInput("password", "The two new passwords differ.")
        if form.get("password") == form.get("present"):
            raise InvalidInput("password", "The new password is the present one; choose another.")
        accounts.set_password(
            self._database(), visitor.account_id, form.get("password", ""), actor=visitor.name
        )
        return sessions.open_session(self._database(), visitor.account_id)


def _page(visitor: Visitor, problem: str = "", status: int = 200) -> Response:
    if not visitor.has_password:
        return forms.page(
            "Change your password",
            "<p>You sign in through your organisation: there is no password here to change.</p>"
            '<p><a href="/">Back to the dashboard</a></p>',
        )
    above = "<p>It signs you out on every other browser.</p>"
    if visitor.must_change:
        above = "<p>Somebody else chose your password. Choose your own to go on.</p>"
    return forms.form_page(
        "Change your password",
        PASSWORD,
        [
            forms.field(
                "present", "Present password", autocomplete="current-password", autofocus=""
            ),
            *new_password_fields(),
        ],
        "Change the password",
        above=above,
        below="" if visitor.must_change else '<p><a href="/">Back to the dashboard</a></p>',
        problem=problem,
        status=status,
    )
