"""`POST /v1/chat/completions`, streaming and not, as OpenAI's clients expect it."""

import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from pydantic_core import from_json
from starlette.responses import Response

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.ask import Ask
from engine.api.clients import client_name
from engine.api.errors import as_api_error, invalid
from engine.api.limits import read_body
from engine.api.openai.choice import Choice
from engine.api.openai.relay import RelayReply, parse_relayed
from engine.api.openai.schema import ChatRequest, parse_chat_request
from engine.api.openai.usage import usage_of
from engine.api.prompts import BadSchema
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension, respond
from engine.api.service import Call, Service
from engine.api.source import Engine, Piece, Source
from engine.api.sse import DONE, KEEP_ALIVE, data
from engine.api.upstreams.registry import UpstreamModel
from engine.model.errors import ChatTemplateError

ENDPOINT = "/v1/chat/completions"

router = APIRouter()


@router.post(ENDPOINT)
async def chat_completions(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    body = await read_body(request, service.settings.max_body_bytes)
    call = Call(caller, ENDPOINT, arrived, client_name(request.headers))
    reply: ChatReply | RelayReply
    if upstream := service.upstreams.serving(_named_model(body)):
        reply = _relayed(service, call, upstream, body)
    else:
        reply = await _computed(service, call, body)
    return await respond(reply, request, stream=reply.streamed)


def _named_model(body: bytes) -> str:
    """The model that a body names, if it is one at all."""
    try:
        named = from_json(body)["model"]
    except (ValueError, KeyError, TypeError):
        return ""
    return named if isinstance(named, str) else ""


def _relayed(service: Service, call: Call, upstream: UpstreamModel, body: bytes) -> RelayReply:
    content = from_json(body)
    wanted = parse_relayed(content)
    source = upstream.relay(
        content, len(body), call.caller.developer_id, wanted.n or 1, wanted.most_tokens
    )
    return RelayReply(service.answer(call, source, streamed=wanted.streamed), source, wanted)


async def _computed(service: Service, call: Call, body: bytes) -> "ChatReply":
    wanted = parse_chat_request(body)
    engine = service.engine_for(wanted.model)
    source = await _prepared(engine, wanted.ask(), call.caller.developer_id)
    return ChatReply(service.answer(call, source, streamed=bool(wanted.stream)), wanted)


async def _prepared(engine: Engine, ask: Ask, tenant: int) -> Source:
    try:
        return await engine.prepare(ask, tenant)
    except ChatTemplateError as error:
        raise invalid(str(error), "messages") from None
    except BadSchema as error:
        param = "tools" if ask.chat.may_call else "response_format.json_schema.schema"
        if error.tool is not None:
            param = f"tools[{error.tool}].function.parameters"
        raise invalid(f"Invalid schema for '{param}': {error}.", param) from None


class ChatReply:
    """Puts a request's outputs into OpenAI's words."""

    def __init__(self, answer: Answer, wanted: ChatRequest) -> None:
        self.answer = answer
        self.streamed = bool(wanted.stream)
        self.headers = {"x-request-id": id_to_text(answer.row.id)}
        self._include_usage = wanted.stream_options is not None and (
            wanted.stream_options.include_usage
        )
        self._choices = [
            Choice(id_to_text(answer.row.id), index, with_logprobs=bool(wanted.logprobs))
            for index in range(answer.source.answers)
        ]
        self._common = {
            "id": f"chatcmpl-{id_to_text(answer.row.id)}",
            "created": answer.row.started_at // 1000,
            "model": answer.row.model,
            "system_fingerprint": answer.source.fingerprint,
        }

    async def collect(self) -> dict[str, Any]:
        """All of it as a `chat.completion`."""
        while not isinstance(item := await self.answer.next(), Finished):
            assert item is not None
            for _ in self._choices[item.index].deltas(item):
                pass
        return {
            **self._common,
            "object": "chat.completion",
            "choices": [choice.whole() for choice in self._choices],
            "usage": usage_of(item.tally),
            "breakeven": extension(self.answer, item),
        }

    async def events(self, item: Piece | Finished | None) -> AsyncIterator[bytes]:
        """`chat.completion.chunk` events, `item` the first piece (None: not yet).

        An error on the way is the last event. The end is told once the row is durable.
        """
        try:
            while not isinstance(item, Finished):
                if item is None:
                    yield KEEP_ALIVE
                else:
                    for delta in self._choices[item.index].deltas(item):
                        yield data(self._chunk([delta]))
                item = await self.answer.next(KEEP_ALIVE_EVERY_S)
        except Exception as error:
            yield data(as_api_error(error).body)
            return
        *ends, last = (self._chunk([choice.end()]) for choice in self._choices)
        for end in (*ends, {**last, "breakeven": extension(self.answer, item)}):
            yield data(end)
        if self._include_usage:
            yield data({**self._chunk([]), "usage": usage_of(item.tally)})
        yield DONE

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk = {**self._common, "object": "chat.completion.chunk", "choices": choices}
        return {**chunk, "usage": None} if self._include_usage else chunk
