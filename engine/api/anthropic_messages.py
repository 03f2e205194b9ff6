"""`POST /v1/messages` and `/v1/messages/count_tokens`, as Anthropic's clients expect them."""

import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.anthropic_content import Content
from engine.api.anthropic_schema import CountRequest, MessagesRequest, parse
from engine.api.clients import client_name
from engine.api.errors import anthropic_body, as_api_error, invalid
from engine.api.limits import read_body
from engine.api.prompts import BadSchema, Chat, Prompt
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension, respond
from engine.api.requests import require_model, room_for_answer
from engine.api.service import Service
from engine.api.sse import named
from engine.model.errors import ChatTemplateError
from engine.runtime.protocol import Output

ENDPOINT = "/v1/messages"

router = APIRouter()


@router.post(ENDPOINT)
async def messages(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    body = await read_body(request, service.settings.max_body_bytes)
    wanted = parse(MessagesRequest, body, betas="anthropic-beta" in request.headers)
    model = require_model(service, wanted.model)
    prompt = await _prompt(service, wanted.chat())
    room = room_for_answer(model, prompt.token_ids)
    answer = service.answer(
        caller,
        prompt,
        wanted.sampling(room, service.sampling_defaults),
        arrived=arrived,
        endpoint=ENDPOINT,
        streamed=bool(wanted.stream),
        client=client_name(request.headers),
    )
    content = Content(id_to_text(answer.row.id), prompt.reader(), thoughts=wanted.shows_thoughts)
    reply = MessageReply(answer, content, short=room < wanted.max_tokens)
    return await respond(reply, request, stream=bool(wanted.stream))


@router.post(f"{ENDPOINT}/count_tokens")
async def count_tokens(request: Request) -> Response:
    service: Service = request.app.state.service
    await service.auth.caller(request.headers)
    body = await read_body(request, service.settings.max_body_bytes)
    wanted = parse(CountRequest, body, betas="anthropic-beta" in request.headers)
    require_model(service, wanted.model)
    prompt = await _prompt(service, wanted.chat())
    return JSONResponse({"input_tokens": len(prompt.token_ids)})


async def _prompt(service: Service, chat: Chat) -> Prompt:
    try:
        return await service.prepare(chat)
    except ChatTemplateError as error:
        raise invalid(f"messages: {error}") from None
    except BadSchema as error:
        place = "tools" if chat.may_call else "output_config.format.schema"
        if error.tool is not None:
            place = f"tools.{error.tool}.input_schema"
        raise invalid(f"{place}: {error}") from None


class MessageReply:
    """Puts an answer's outputs into Anthropic's words. `short`: the context takes fewer tokens than
    the request allows."""

    def __init__(self, answer: Answer, content: Content, *, short: bool) -> None:
        self.answer = answer
        self.headers = {"request-id": f"req_{id_to_text(answer.row.id)}"}
        self._content = content
        self._short = short

    async def collect(self) -> dict[str, Any]:
        while not isinstance(item := await self.answer.next(), Finished):
            assert item is not None
            for _ in self._content.events(item):
                pass
        return {**self._message(self._content.blocks), **self._stop(item), **self._told(item)}

    async def events(self, item: Output | Finished | None) -> AsyncIterator[bytes]:
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
        return {**self._message([]), **unknown, "usage": self._usage(cached=0, output=0)}

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
        elif end.finish_reason == "length":
            reason = "model_context_window_exceeded" if self._short else "max_tokens"
        return {"stop_reason": reason, "stop_sequence": end.stopped_by}

    def _told(self, finished: Finished) -> dict[str, Any]:
        usage = self._usage(finished.cached_input_tokens, finished.output_tokens)
        return {"usage": usage, "breakeven": extension(self.answer, finished)}

    def _usage(self, cached: int, output: int) -> dict[str, Any]:
        """What was read from the cache is no part of `input_tokens` here, unlike in OpenAI's."""
        return {
            "input_tokens": self.answer.row.input_tokens - cached,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached,
            "output_tokens": output,
        }
