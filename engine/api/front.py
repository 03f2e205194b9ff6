"""Sends the gateway's paths straight to the gateway, past whatever else answers on the port."""

from starlette.types import ASGIApp, Receive, Scope, Send


class GatewayFront:
    """ASGI middleware. The gateway serves `/v1/…`, `/health` and `/metrics`, `app` all else.

    The gateway then runs at bare uvicorn's speed, whatever middleware `app` has. Neither the
    gateway's lifespan nor its service's `start` and `stop` run by it: the outer lifespan does that.
    """

    def __init__(self, app: ASGIApp, gateway: ASGIApp) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        chosen = self._gateway if is_gateway_path(scope) else self._app
        await chosen(scope, receive, send)


def is_gateway_path(scope: Scope) -> bool:
    path = scope.get("path", "")
    return scope["type"] == "http" and (
        path in ("/v1", "/health", "/metrics") or path.startswith(("/v1/", "/health/"))
    )
