"""`POST /v1/messages` and `/v1/messages/count_tokens`, as Anthropic's clients expect them."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.anthropic.content import Content
from engine.api.anthropic.schema import CountRequest, MessagesRequest, parse
from engine.api.ask import Ask
from engine.api.clients import client_name
from engine.api.errors import anthropic_body, as_api_error, invalid
from engine.api.limiter import require_allowed
from engine.api.limits import read_body
from engine.api.prompts import BadSchema
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension, respond
from engine.api.service import Call, Service
from engine.api.source import Piece
from engine.api.sse import named
from engine.model.errors import ChatTemplateError

ENDPOINT = "/v1/messages"

router = APIRouter()


@router.post(ENDPOINT)
async def messages(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    body = await read_body(request, service.settings.max_body_bytes)
    wanted = parse(MessagesRequest, body, betas="anthropic-beta" in request.headers)
    engine, ask = service.engine_for(wanted.model), wanted.ask()
    with _refusals(ask):
        source = await engine.prepare(ask, caller.developer_id)
    stream = bool(wanted.stream)
    call = Call(caller, ENDPOINT, arrived, client_name(request.headers))
    answer = service.answer(call, source, streamed=stream)
    reply = MessageReply(answer, thoughts=wanted.shows_thoughts)
    return await respond(reply, request, stream=stream)


@router.post(f"{ENDPOINT}/count_tokens")
async def count_tokens(request: Request) -> Response:
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    body = await read_body(request, service.settings.max_body_bytes)
    wanted = parse(CountRequest, body, betas="anthropic-beta" in request.headers)
    require_allowed(caller, wanted.model)
    engine, ask = service.engine_for(wanted.model), wanted.ask()
    with _refusals(ask):
        tokens = await engine.count(ask, caller.developer_id)
    return JSONResponse({"input_tokens": tokens})


@contextmanager
def _refusals(ask: Ask) -> Iterator[None]:
    try:
        yield
    except ChatTemplateError as error:
        raise invalid(f"messages: {error}") from None
    except BadSchema as error:
        place = "tools" if ask.chat.may_call else "output_config.format.schema"
        if error.tool is not None:
            place = f"tools.{error.tool}.input_schema"
        raise invalid(f"{place}: {error}") from None


class MessageReply:
    """Puts an answer's pieces into Anthropic's words."""

    def __init__(self, answer: Answer, *, thoughts: bool) -> None:
        self.answer = answer
        self.headers = {"request-id": f"req_{id_to_text(answer.row.id)}"}
        self._content = Content(id_to_text(answer.row.id), thoughts=thoughts)

    async def collect(self) -> dict[str, Any]:
        while not isinstance(item := await self.answer.next(), Finished):
            assert item is not None
            for _ in self._content.events(item):
                pass
        return {**self._message(self._content.blocks), **self._stop(item), **self._told(item)}

    async def events(self, item: Piece | Finished | None) -> AsyncIterator[bytes]:
        """Begun at once: clients wait for `message_start`. Pings keep the line open."""
        yield named("message_start", {"message": self._started()})
        try:
            while not isinstance(item, Finished):
                if item is None:
                    yield named("ping", {})
                else:
                    for name, event in self._content.events(item):
                        yield named(name, event)
                item = await self.answer.next(KEEP_ALIVE_EVERY_S)
        except Exception as error:
            yield named("error", anthropic_body(as_api_error(error), self.headers["request-id"]))
            return
        yield named("message_delta", {"delta": self._stop(item), **self._told(item)})
        yield named("message_stop", {})

    def _started(self) -> dict[str, Any]:
        unknown = {"stop_reason": None, "stop_sequence": None}
        return {**self._message([]), **unknown, "usage": {**self._usage(), "output_tokens": 0}}

    def _message(self, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": f"msg_{id_to_text(self.answer.row.id)}",
            "type": "message",
            "role": "assistant",
            "model": self.answer.row.model,
            "content": content,
        }

    def _stop(self, finished: Finished) -> dict[str, Any]:
        end = finished.ends[0]
        reason = "tool_use" if self._content.calls else "end_turn"
        if end.stopped_by is not None:
            reason = "stop_sequence"
        elif end.finish_reason == "content_filter":
            reason = "refusal"
        elif end.finish_reason == "length":
            reason = "model_context_window_exceeded" if self.answer.source.short else "max_tokens"
        return {"stop_reason": reason, "stop_sequence": end.stopped_by}

    def _told(self, finished: Finished) -> dict[str, Any]:
        return {"usage": self._usage(), "breakeven": extension(self.answer, finished)}

    def _usage(self) -> dict[str, Any]:
        """What was read from the cache is no part of `input_tokens` here, unlike in OpenAI's."""
        tally = self.answer.source.tally
        return {
            "input_tokens": tally.input_tokens - tally.cached_input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": tally.cached_input_tokens,
            "output_tokens": tally.output_tokens,
        }
