"""Plain HTML pages of our own, outside Streamlit, which need no script; and what they send."""

import html
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from db.errors import LedgerUnavailable

ACTOR = "sign-in"  # in the audit trail, of what nobody who is signed in did
FOREIGN = "The form came from another site."
_LONGEST_FORM = 4096
_HTML = (Path(__file__).parent.parent / "assets" / "sign-in.html").read_text()

# argon2 is slow on purpose: strangers may not use all cores. And who guesses at many passwords at
# once is counted one by one.
one_at_a_time = anyio.Semaphore(1)


Endpoint = Callable[[Request], Awaitable[Response]]


def told(endpoint: Endpoint) -> Endpoint:
    """The endpoint, which says so where the ledger cannot be used."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except LedgerUnavailable as error:
            return page("Not now", f"<p>{html.escape(str(error))}</p>", 503)

    return answer


async def sent_form(request: Request) -> dict[str, str]:
    """The fields; none where there is too much of it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def is_same_origin(request: Request) -> bool:
    """Whether a form was sent from our own page: browsers name the sending site in Origin."""
    return urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host", "?")


def address_of(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def wait_words(seconds: float) -> str:
    return f"Too many attempts. Try again in {int(seconds // 60) + 1} min."


def field(name: str, label: str, kind: str = "password", **attributes: str) -> str:
    """A labelled input."""
    told = "".join(f' {key}="{html.escape(value)}"' for key, value in attributes.items())
    return (
        f'<label for="{name}">{html.escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" required{told}>'
    )


def form_page(
    title: str,
    action: str,
    fields: Sequence[str],
    button: str,
    *,
    above: str = "",
    below: str = "",
    problem: str = "",
    status: int = 200,
) -> Response:
    """A page that is one form; `above` and `below` are HTML."""
    alert = f'<p class="problem" role="alert">{html.escape(problem)}</p>' if problem else ""
    inputs = "\n".join(fields)
    return page(
        title,
        f'{above}{alert}<form method="post" action="{action}">{inputs}'
        f"<button>{html.escape(button)}</button></form>{below}",
        status,
    )


def moved(title: str, to: str) -> Response:
    """A page that leads on by itself, as if the reader had followed its link. After a visit to
    another site a redirect would not: browsers then keep strict cookies back."""
    link = html.escape(to)
    return page(
        title,
        f'<meta http-equiv="refresh" content="0;url={link}"><p><a href="{link}">Go on</a></p>',
    )


def page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(
        _HTML.replace("{title}", title).replace("{body}", body),
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "img-src 'self'; form-action 'self'; frame-ancestors 'none'",
        },
    )
