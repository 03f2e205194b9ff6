"""`GET /health`: whether requests would be answered now, for people and load balancers."""

from typing import Any

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
        _hide_addresses(upstream)
    for meter in report["meters"]:
        del meter["message"], meter["accuracy_source"]  # they name addresses, too
    well = report["state"] == "ready" and report["ledger"]["state"] == "open"
    return JSONResponse(report, 200 if well else 503)


def _hide_addresses(upstream: dict[str, Any]) -> None:
    """They are of the team's network, and this is asked without a key. What is wrong with a meter
    names its address, so Settings alone tells it."""
    del upstream["url"], upstream["machine"]
    upstream["meters"] = [
        {"source": meter["source"], "problem": meter["problem"] and "It gives no figures now."}
        for meter in upstream["meters"]
    ]
