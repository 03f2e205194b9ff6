"""Schemathesis sends what the dialects' own schemas allow and what they do not: no answer is a
server's error, and the engine goes on."""

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from engine.api.anthropic.schema import CountRequest, MessagesRequest
from engine.api.openai.completions_schema import CompletionRequest
from engine.api.openai.responses_schema import ResponsesRequest
from engine.api.openai.schema import ChatRequest
from tests.engine.api.gateway import MODEL, Gateway

BODIES: dict[str, type[BaseModel]] = {
    "/v1/chat/completions": ChatRequest,
    "/v1/completions": CompletionRequest,
    "/v1/responses": ResponsesRequest,
    "/v1/messages": MessagesRequest,
    "/v1/messages/count_tokens": CountRequest,
}

LIMITS = {
    "/v1/chat/completions": "max_completion_tokens",
    "/v1/completions": "max_tokens",
    "/v1/responses": "max_output_tokens",
    "/v1/messages": "max_tokens",
    "/v1/messages/count_tokens": "max_tokens",
}


def document() -> dict[str, Any]:
    """An OpenAPI document of what is posted, made of the schemas that the routes check."""
    bodies = [(body, "validation") for body in BODIES.values()]
    places, schemas = models_json_schema(bodies, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for path, body in BODIES.items():
        content = {"application/json": {"schema": places[body, "validation"]}}
        paths[path] = {
            "post": {
                "requestBody": {"required": True, "content": content},
                "responses": {"default": {"description": "An answer or an error."}},
            }
        }
    components = {"schemas": schemas["$defs"]}
    info = {"title": "Breakeven", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": components}


schema = schemathesis.openapi.from_dict(document())


@pytest.mark.slow
@schema.parametrize()
@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_body_is_a_servers_error(case: schemathesis.Case[Any], gateway: Gateway) -> None:
    answer = httpx.post(
        gateway.url + case.path,
        content=small(case.path, case.body),
        headers={"authorization": f"Bearer {gateway.key}", "content-type": "application/json"},
        timeout=60,
    )
    assert answer.status_code < 500, answer.text
    assert gateway.service.state.name == "ready"


def small(path: str, body: Any) -> bytes:
    """The body, for the model that is there and of few tokens: else it would seldom be computed,
    or for long."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, dict):
        limit = LIMITS[path]
        short = {limit: 8} if isinstance(body.get(limit), int | None) else {}
        body = {**body, "model": MODEL, **short}
    try:
        return json.dumps(body).encode("utf-8", "surrogatepass")
    except TypeError:  # schemathesis' sign for no body at all
        return b""
