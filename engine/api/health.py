"""`GET /health`: whether requests would be answered now, for people and load balancers."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from engine.api.errors import ApiError
from engine.api.hosts import is_foreign_host
from engine.api.service import Service

router = APIRouter()


@router.get("/health")
async def health(request: Request) -> Response:
    """200 where the engine is ready and the ledger can be written, else 503; the body says more."""
    if is_foreign_host(request.scope):
        raise ApiError(
            403,
            "Over a loopback address this is answered only for the host localhost.",
            type="permission_error",
            code="foreign_host",
        )
    service: Service = request.app.state.service
    report = service.health()
    for upstream in report["upstreams"]:
        del upstream["url"]  # of the team's network, and asked without a key
    well = report["state"] == "ready" and report["ledger"]["state"] == "open"
    return JSONResponse(report, 200 if well else 503)
