"""Downloads: a file streamed from the ledger to the browser, of any length in the same memory.

`GET /exports/requests.csv?from=2026-10-01&to=2026-11-01&timezone=Europe/Berlin`, and likewise
`usage` and `focus`, `.csv` and `.parquet`; with `developer` or `team` (their ids) and `ledger`.
`GET /exports/month.pdf?month=2026-10&timezone=Europe/Berlin`, and `.xlsx`, is the cost review.
Everybody gets what they may see: their own requests, their team's, or all of it; who asks for
another's is refused. A download that cannot go on is cut off, so that half a file
never passes for a whole one.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from dashboard import access
from dashboard.ledgers import LEDGERS, engine_of
from dashboard.reports.exports import FORMATS, MEDIA_TYPES, WHATS, Export, Format, What, chunks
from dashboard.reports.month.files import KINDS, Kind, MonthFile, size_of
from dashboard.reports.month.models import SIZES
from dashboard.reports.span import Span
from dashboard.viewer import NotAllowed, Viewer
from db.errors import InvalidInput, LedgerUnavailable
from db.export_queries import Whose

log = logging.getLogger(__name__)

PATH = "/exports"
MONTH = "month"
MADE_BY = "dashboard"
AT_ONCE = 4
_WHATS: dict[str, What] = {what: what for what in get_args(What)}
_FORMATS: dict[str, Format] = {kind: kind for kind in get_args(Format)}
_KINDS: dict[str, Kind] = {kind: kind for kind in KINDS}


class Interrupted(Exception):  # noqa: N818
    """The download was cut off: the server stops, or its reader has signed out."""


class Downloads:
    """The route, and how many downloads run. `close` cuts off those that do."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._closed = threading.Event()

    def close(self) -> None:
        self._closed.set()

    def routes(self) -> list[Route]:
        return [Route(f"{PATH}/{{name}}", self._serve, methods=["GET"])]

    async def _serve(self, request: Request) -> Response:
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return PlainTextResponse("Another site may not start a download.", status_code=403)
        cookie = request.cookies.get(access.COOKIE)
        try:
            viewer = await anyio.to_thread.run_sync(_viewer, cookie)
            if viewer is None:
                return PlainTextResponse("Sign in first.", status_code=401)
            asked = _asked(request, viewer)
            if request.method == "HEAD":
                answer = Response(headers=_headers(asked))
                del answer.headers["Content-Length"]  # it is not known before it is written
                return answer
            return await self._begun(asked, viewer, cookie)
        except NotAllowed as error:
            return PlainTextResponse(error.message, status_code=403)
        except InvalidInput as error:
            return PlainTextResponse(error.message, status_code=400)
        except LedgerUnavailable as error:
            return PlainTextResponse(str(error), status_code=503)

    async def _begun(self, asked: "_Asked", viewer: Viewer, cookie: str | None) -> Response:
        """The download, where there is room for one more."""
        if not self._places.acquire(blocking=False):
            return PlainTextResponse(
                f"{AT_ONCE} downloads run already; try again in a moment.",
                status_code=503,
                headers={"Retry-After": "10"},
            )
        try:
            pieces = await anyio.to_thread.run_sync(asked.pieces)
        except BaseException:
            self._places.release()
            raise
        pieces = self._while_allowed(pieces, viewer, cookie)
        return _Download(pieces, headers=_headers(asked), on_end=self._places.release)

    def _while_allowed(
        self, pieces: Iterator[bytes], viewer: Viewer, cookie: str | None
    ) -> Iterator[bytes]:
        """The pieces, as long as their reader is who they were when they asked."""
        for piece in pieces:
            if self._closed.is_set() or _viewer(cookie) != viewer:
                raise Interrupted("The server stops, or the reader has not the same rights now.")
            yield piece


class _Download(StreamingResponse):
    """An answer that is left without its end where something goes wrong on the way."""

    def __init__(
        self, pieces: Iterator[bytes], headers: dict[str, str], on_end: Callable[[], None]
    ) -> None:
        super().__init__(pieces, headers=headers)
        self._on_end = on_end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except (Interrupted, InvalidInput, LedgerUnavailable) as error:
            log.warning("A download was cut off. %s", error)
        finally:
            self._on_end()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A file that a request asks for. `pieces` may take its time, and may find that there is none:
    InvalidInput."""

    filename: str
    media_type: str
    pieces: Callable[[], Iterator[bytes]]


def address(ledger: str, export: Export) -> str:
    """Where the export is downloaded from."""
    asked = {
        "ledger": ledger,
        "from": export.span.first.isoformat(),
        "to": export.span.before.isoformat(),
        "timezone": export.span.zone.key,
        "developer": export.whose.developer_id,
        "team": export.whose.team_id,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"{PATH}/{export.what}.{export.format}?{query}"


def month_address(ledger: str, file: MonthFile) -> str:
    """Where a month's report is downloaded from."""
    asked = {
        "ledger": ledger,
        "month": file.month,
        "timezone": file.zone.key,
        "paper": file.size,
    }
    return f"{PATH}/{MONTH}.{file.kind}?{urlencode(asked)}"


def _viewer(cookie: str | None) -> Viewer | None:
    return access.find_viewer(engine_of("own"), cookie)


def _asked(request: Request, viewer: Viewer) -> _Asked:
    """What is asked for, as far as the viewer may see it; else NotAllowed."""
    asked = request.query_params
    what, _, kind = request.path_params["name"].partition(".")
    ledger = asked.get("ledger", "own")
    if ledger not in LEDGERS:
        raise InvalidInput("ledger", "There is no such ledger.")
    if ledger != "own":
        viewer.require("manager")
    zone = _zone(asked.get("timezone", "UTC"))
    if what == MONTH and kind in _KINDS:
        viewer.require("manager")
        size = size_of(asked.get("paper", SIZES[0]))
        return _month(ledger, MonthFile(asked.get("month", ""), _KINDS[kind], zone, size))
    if what not in _WHATS or kind not in _FORMATS:
        raise InvalidInput("name", f"There are {', '.join(WHATS)}, as {' and '.join(FORMATS)}.")
    span = Span(_day(asked.get("from")), _day(asked.get("to")), zone)
    if what == "focus":
        viewer.require("lead")
    whose = viewer.narrowed(Whose(_id(asked.get("developer")), _id(asked.get("team"))))
    export = Export(_WHATS[what], _FORMATS[kind], span, whose)
    return _Asked(
        export.filename,
        MEDIA_TYPES[export.format],
        lambda: chunks(engine_of(ledger), export),
    )


def _month(ledger: str, file: MonthFile) -> _Asked:
    return _Asked(
        file.filename,
        file.media_type,
        lambda: iter([file.written(engine_of(ledger), MADE_BY)]),
    )


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError as error:
        raise InvalidInput("from", "from and to are dates such as 2026-10-01.") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput("timezone", "There is no such time zone.") from error


def _id(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidInput("id", "A developer and a team are told by their numbers.")
    return int(text)


def _headers(asked: _Asked) -> dict[str, str]:
    return {
        "Content-Type": asked.media_type,
        "Content-Disposition": f'attachment; filename="{asked.filename}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
