"""`GET /v1/models`: what is served here, as OpenAI lists its own, or as Anthropic does for those
of its clients who ask."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from engine.api.errors import unknown_model
from engine.api.limiter import allowed
from engine.api.service import Served, Service

router = APIRouter()


@router.get("/v1/models")
async def list_models(request: Request) -> Response:
    served = await _allowed(request)
    entries = [_entry(request, model) for model in served]
    if not _speaks_anthropic(request):
        return JSONResponse({"object": "list", "data": entries})
    ends = {"first_id": served[0].name, "last_id": served[-1].name} if served else {}
    whole = {"first_id": None, "last_id": None, "has_more": False, **ends}
    return JSONResponse({"data": entries, **whole})


@router.get("/v1/models/{name:path}")
async def get_model(request: Request, name: str) -> Response:
    served = await _allowed(request)
    for model in served:
        if model.name.lower() == name.lower():
            return JSONResponse(_entry(request, model))
    raise unknown_model(name, [model.name for model in served])


async def _allowed(request: Request) -> list[Served]:
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    return [model for model in service.require_served() if allowed(caller, model.name)]


def _speaks_anthropic(request: Request) -> bool:
    return "anthropic-version" in request.headers


def _entry(request: Request, model: Served) -> dict[str, Any]:
    service: Service = request.app.state.service
    if _speaks_anthropic(request):
        created = datetime.fromtimestamp(service.started_at // 1000, UTC).isoformat()
        return {
            "type": "model",
            "id": model.name,
            "display_name": model.name,
            "created_at": created.replace("+00:00", "Z"),
            "max_input_tokens": model.context_length,
        }
    return {
        "id": model.name,
        "object": "model",
        "created": service.started_at // 1000,
        "owned_by": model.owner,
        "context_length": model.context_length,
    }
