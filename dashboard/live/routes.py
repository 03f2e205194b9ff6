"""The event stream of the live figures, and the files that the page needs for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import plotly
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from dashboard import access
from dashboard.idle_rules import IDLE_RULES
from dashboard.ledgers import LEDGERS, engine_of
from dashboard.live.hub import Hub, TooMany
from dashboard.overview import View
from dashboard.periods import require_range
from dashboard.viewer import NotAllowed
from db.errors import LedgerUnavailable
from db.request_pages import NO_TEAM, served
from db.teams import list_teams
from db.uses import EVERY_USE, Uses
from engine.api.sse import KEEP_ALIVE, EventStream, data

KEEP_ALIVE_S = 15
EVENTS = "/events/overview"
PLOTLY_JS = f"/assets/plotly-{version('plotly')}.min.js"
_LOGO = Path(__file__).parent.parent / "assets" / "logo.svg"
_PLOTLY_FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

T = TypeVar("T")


def live_routes(hub: Hub[View]) -> list[Route]:
    async def events(request: Request) -> Response:
        view = _view(request)
        if view is None:
            return PlainTextResponse(
                "Unknown ledger, range, time zone, rule or team.", status_code=400
            )
        return await stream_for_managers(request, hub, view, _is_of_known_use)

    return [
        Route(EVENTS, events),
        Route(PLOTLY_JS, _file(_PLOTLY_FILE, "text/javascript", "max-age=31536000, immutable")),
        Route("/assets/logo.svg", _file(_LOGO, "image/svg+xml", "max-age=3600")),
    ]


async def stream_for_managers(
    request: Request, hub: Hub[T], view: T, is_known: Callable[[T], bool] = lambda _view: True
) -> Response:
    """A view's payloads as they come; an error instead where who asks may not see them. Only a
    manager learns whether what a view names `is_known`."""
    cookie = request.cookies.get(access.COOKIE)
    try:
        viewer = await asyncio.to_thread(access.find_viewer, engine_of("own"), cookie)
        if viewer is None:
            return PlainTextResponse("Sign in first.", status_code=401)
        viewer.require("manager")
        if not await asyncio.to_thread(is_known, view):
            return PlainTextResponse("Unknown team, model or engine.", status_code=400)
    except NotAllowed as error:
        return PlainTextResponse(error.message, status_code=403)
    except LedgerUnavailable as error:
        return PlainTextResponse(str(error), status_code=503)
    return EventStream(_stream(hub, view, cookie), headers={}, on_end=lambda: None)


def _view(request: Request) -> View | None:
    asked = request.query_params
    ledger, span = asked.get("ledger", "own"), asked.get("range", "month")
    idle = next((rule for rule in IDLE_RULES if rule == asked.get("idle", "by_use")), None)
    if ledger not in LEDGERS or idle is None:
        return None
    try:
        zone = ZoneInfo(asked.get("timezone", "UTC"))
        require_range(span, datetime.now(zone).date())
        return View(ledger, span, zone.key, idle, _uses(asked))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def uses_parameters(uses: Uses) -> dict[str, str]:
    """The part of the stream's address that says of which team, model and engine."""
    asked = {"team": uses.team_id, "model": uses.model, "engine": uses.engine}
    return {name: str(value) for name, value in asked.items() if value is not None}


def _uses(asked: QueryParams) -> Uses:
    """ValueError: the team is no number."""
    team = asked.get("team")
    return Uses(None if team is None else int(team), asked.get("model"), asked.get("engine"))


def _is_of_known_use(view: View) -> bool:
    """Whether the ledger has the team, model and engine that the view names."""
    uses = view.uses
    if uses == EVERY_USE:
        return True
    engine = engine_of(view.ledger)
    there = served(engine)
    teams = {NO_TEAM, *(team.id for team in list_teams(engine, archived=True))}
    return (
        (uses.team_id is None or uses.team_id in teams)
        and (uses.model is None or uses.model in there.models)
        and (uses.engine is None or uses.engine in there.engines)
    )


async def _stream(hub: Hub[T], view: T, cookie: str | None) -> AsyncIterator[bytes]:
    """Server-sent events: a payload each, and a comment now and then, so that a browser that has
    gone is noticed. They end once their reader may not see them any more."""
    try:
        async with hub.subscribe(view) as newest:
            while True:
                piece = KEEP_ALIVE
                with suppress(TimeoutError):
                    payload = await asyncio.wait_for(newest.get(), KEEP_ALIVE_S)
                    if payload is None:  # the server stops
                        return
                    piece = data(payload)
                if not await asyncio.to_thread(_may_see, cookie):
                    return
                yield piece
    except TooMany:
        yield b"event: full\ndata: {}\n\n"


def _may_see(cookie: str | None) -> bool:
    with suppress(LedgerUnavailable):
        viewer = access.find_viewer(engine_of("own"), cookie)
        return viewer is not None and viewer.is_at_least("manager")
    return False


def _file(path: Path, media_type: str, cache: str) -> Any:
    async def serve(_request: Request) -> Response:
        return FileResponse(path, media_type=media_type, headers={"Cache-Control": cache})

    return serve
