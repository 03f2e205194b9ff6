"""The event stream of the Engine page."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.engine_page.now import WINDOWS, EngineView
from dashboard.live.hub import Hub
from dashboard.live.routes import stream_for_managers

ENGINE_EVENTS = "/events/engine"


def engine_routes(hub: Hub[EngineView]) -> list[Route]:
    async def events(request: Request) -> Response:
        view = _view(request)
        if view is None:
            return PlainTextResponse("Unknown number of minutes or time zone.", status_code=400)
        return await stream_for_managers(request, hub, view)

    return [Route(ENGINE_EVENTS, events)]


def _view(request: Request) -> EngineView | None:
    asked = request.query_params
    minutes = next((one for one in WINDOWS if str(one) == asked.get("minutes", "10")), None)
    if minutes is None:
        return None
    try:
        return EngineView(minutes, ZoneInfo(asked.get("timezone", "UTC")).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
