"""`GET /v1/models`: what is served here, as OpenAI lists its own."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from engine.api.errors import unknown_model
from engine.api.limiter import allowed
from engine.api.service import Served, Service

router = APIRouter()


@router.get("/v1/models")
async def list_models(request: Request) -> Response:
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    entries = [
        _entry(service, model) for model in service.require_served() if allowed(caller, model.name)
    ]
    return JSONResponse({"object": "list", "data": entries})


@router.get("/v1/models/{name:path}")
async def get_model(request: Request, name: str) -> Response:
    service: Service = request.app.state.service
    await service.auth.caller(request.headers)
    served = service.require_served()
    for model in served:
        if model.name.lower() == name.lower():
            return JSONResponse(_entry(service, model))
    raise unknown_model(name, [model.name for model in served])


def _entry(service: Service, model: Served) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "created": service.started_at // 1000,
        "owned_by": model.owner,
        "context_length": model.context_length,
    }
