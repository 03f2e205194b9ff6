"""`POST /v1/responses`, streaming and not, as OpenAI's clients and Codex expect it.

Nothing is stored: there is no earlier response to go on from and none to fetch later.
"""

import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.clients import client_name
from engine.api.errors import ApiError, as_api_error
from engine.api.limits import read_body
from engine.api.openai.preparing import Fields, prepared
from engine.api.openai.responses_output import Output
from engine.api.openai.responses_schema import ResponsesRequest, parse_responses_request
from engine.api.openai.responses_tools import AllowedTools, NamedTool
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension, respond
from engine.api.service import Call, Service
from engine.api.source import Piece, Tally
from engine.api.sse import KEEP_ALIVE, named

ENDPOINT = "/v1/responses"
_FAILURES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}  # by status; others are ours
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}

router = APIRouter()


@router.post(ENDPOINT)
async def responses(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    wanted = parse_responses_request(await read_body(request, service.settings.max_body_bytes))
    engine = service.engine_for(wanted.model)
    fields = Fields("input", "text.format.schema", lambda index: wanted.offers[index].place)
    source = await prepared(engine, wanted.ask(), caller.developer_id, fields)
    stream = bool(wanted.stream)
    call = Call(caller, ENDPOINT, arrived, client_name(request.headers))
    reply = ResponseReply(service.answer(call, source, streamed=stream), wanted)
    return await respond(reply, request, stream=stream)


@router.api_route(ENDPOINT + "/{response_id:path}", methods=["GET", "POST", "DELETE"])
async def stored_response(request: Request, response_id: str) -> Response:
    service: Service = request.app.state.service
    await service.auth.caller(request.headers)
    name = response_id.partition("/")[0][:80]
    raise ApiError(404, f"Response with id {name!r} not found: no responses are stored here.")


class ResponseReply:
    """Puts an answer's pieces into the words of the Responses API."""

    def __init__(self, answer: Answer, wanted: ResponsesRequest) -> None:
        self.answer = answer
        self.headers = {"x-request-id": id_to_text(answer.row.id)}
        offers = {offer.tool.name: offer for offer in wanted.offers}
        self._output = Output(id_to_text(answer.row.id), offers, with_logprobs=wanted.with_logprobs)
        self._common = {
            "id": f"resp_{id_to_text(answer.row.id)}",
            "object": "response",
            "created_at": answer.row.started_at // 1000,
            "model": answer.row.model,
            **_repeated(wanted),
        }
        self._events_told = 0

    async def collect(self) -> dict[str, Any]:
        while not isinstance(item := await self.answer.next(), Finished):
            assert item is not None
            for _ in self._output.events(item):
                pass
        return self._ended(item)

    async def events(self, item: Piece | Finished | None) -> AsyncIterator[bytes]:
        """The last event holds the whole response, told once the row is durable."""
        for name in ("response.created", "response.in_progress"):
            yield self._event(name, {"response": self._response("in_progress")})
        try:
            while not isinstance(item, Finished):
                if item is None:
                    yield KEEP_ALIVE
                else:
                    for name, content in self._output.events(item):
                        yield self._event(name, content)
                item = await self.answer.next(KEEP_ALIVE_EVERY_S)
        except Exception as error:
            yield self._event("response.failed", {"response": self._failed(as_api_error(error))})
            return
        response = self._ended(item)
        yield self._event(f"response.{response['status']}", {"response": response})

    def _event(self, name: str, content: dict[str, Any]) -> bytes:
        number, self._events_told = self._events_told, self._events_told + 1
        return named(name, {"sequence_number": number, **content})

    def _ended(self, finished: Finished) -> dict[str, Any]:
        reason = _INCOMPLETE.get(finished.ends[0].finish_reason or "")
        told = {
            "usage": _usage(finished.tally),
            "breakeven": extension(self.answer, finished),
        }
        if reason is None:
            return {**self._response("completed"), **told, "completed_at": int(time.time())}
        return {**self._response("incomplete"), **told, "incomplete_details": {"reason": reason}}

    def _failed(self, error: ApiError) -> dict[str, Any]:
        told = {"code": _FAILURES.get(error.status, "server_error"), "message": str(error)}
        return {**self._response("failed"), "error": told}

    def _response(self, status: str) -> dict[str, Any]:
        return {
            **self._common,
            "status": status,
            "output": self._output.told(),
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "usage": None,
        }


def _repeated(wanted: ResponsesRequest) -> dict[str, Any]:
    """What a response says again of its request, and of what this gateway does not do."""
    choice, text = wanted.tool_choice, wanted.text
    form = text.format if text else None
    return {
        "background": False,
        "instructions": wanted.instructions,
        "max_output_tokens": wanted.max_output_tokens,
        "max_tool_calls": None,
        "metadata": wanted.metadata or {},
        "parallel_tool_calls": wanted.parallel_tool_calls is not False,
        "previous_response_id": None,
        "prompt_cache_key": wanted.prompt_cache_key,
        "reasoning": {
            "effort": wanted.reasoning.effort if wanted.reasoning else None,
            "summary": wanted.reasoning.summary if wanted.reasoning else None,
        },
        "safety_identifier": wanted.safety_identifier,
        "service_tier": "default",
        "store": False,
        "temperature": wanted.temperature,
        "text": {
            "format": form.model_dump(by_alias=True, exclude_none=True)
            if form
            else {"type": "text"},
            "verbosity": (text.verbosity if text else None) or "medium",
        },
        "tool_choice": choice.model_dump(exclude_none=True)
        if isinstance(choice, NamedTool | AllowedTools)
        else choice or "auto",
        "tools": wanted.callable_tools,
        "top_logprobs": wanted.top_logprobs or 0,
        "top_p": wanted.top_p,
        "truncation": "disabled",
        "user": wanted.user,
    }


def _usage(tally: Tally) -> dict[str, Any]:
    """How many of the tokens are thoughts is not counted; clients want a number there."""
    cached = {"cached_tokens": tally.cached_input_tokens, "cache_write_tokens": 0}
    return {
        "input_tokens": tally.input_tokens,
        "input_tokens_details": cached,
        "output_tokens": tally.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tally.input_tokens + tally.output_tokens,
    }
