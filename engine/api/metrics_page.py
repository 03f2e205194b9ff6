"""`GET /metrics`, for Prometheus to read."""

from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response
from starlette.types import Scope

from engine.api.hosts import is_foreign_host, is_loopback
from engine.api.service import Service

router = APIRouter()


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """In Prometheus' text format, or OpenMetrics where the reader asks for it. From this machine
    without a key, from elsewhere with anybody's; else a 401."""
    service: Service = request.app.state.service
    if not _is_from_this_machine(request.scope):
        await service.auth.caller(request.headers)
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    page = encode(service.observer.metrics.registry)
    return Response(page, headers={"content-type": content_type, "cache-control": "no-store"})


def _is_from_this_machine(scope: Scope) -> bool:
    """Behind a proxy on this machine the client's address is the one that the proxy names."""
    ends = (scope.get("server"), scope.get("client"))
    if not all(end is not None and is_loopback(str(end[0])) for end in ends):
        return False
    return not is_foreign_host(scope)
