"""`GET /v1/models`: the model that is served here, as OpenAI lists its own."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from engine.api.errors import unknown_model
from engine.api.service import Service, served_name
from engine.runtime.protocol import Ready

router = APIRouter()


@router.get("/v1/models")
async def list_models(request: Request) -> Response:
    service: Service = request.app.state.service
    await service.auth.caller(request.headers)
    model = service.model or service.require_ready()
    return JSONResponse({"object": "list", "data": [_entry(service, model)]})


@router.get("/v1/models/{name:path}")
async def get_model(request: Request, name: str) -> Response:
    service: Service = request.app.state.service
    await service.auth.caller(request.headers)
    model = service.model or service.require_ready()
    if name.lower() != served_name(model):
        raise unknown_model(name, served_name(model))
    return JSONResponse(_entry(service, model))


def _entry(service: Service, model: Ready) -> dict[str, Any]:
    return {
        "id": served_name(model),
        "object": "model",
        "created": service.started_at // 1000,
        "owned_by": "breakeven",
        "context_length": model.context_length,
    }
