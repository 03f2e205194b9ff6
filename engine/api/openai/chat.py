"""`POST /v1/chat/completions`, streaming and not, as OpenAI's clients expect it."""

import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.ask import Ask
from engine.api.clients import client_name
from engine.api.embedded import EmbeddedEngine
from engine.api.errors import as_api_error, invalid
from engine.api.limits import read_body
from engine.api.openai.choice import Choice
from engine.api.openai.schema import ChatRequest, parse_chat_request
from engine.api.prompts import BadSchema
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension, respond
from engine.api.service import Call, Service
from engine.api.source import Piece, Source
from engine.api.sse import DONE, KEEP_ALIVE, data
from engine.model.errors import ChatTemplateError

ENDPOINT = "/v1/chat/completions"

router = APIRouter()


@router.post(ENDPOINT)
async def chat_completions(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    wanted = parse_chat_request(await read_body(request, service.settings.max_body_bytes))
    engine = service.engine_for(wanted.model)
    source = await _prepared(engine, wanted.ask(), caller.developer_id)
    stream = bool(wanted.stream)
    call = Call(caller, ENDPOINT, arrived, stream, client_name(request.headers))
    answer = service.answer(call, source)
    return await respond(ChatReply(answer, wanted), request, stream=stream)


async def _prepared(engine: EmbeddedEngine, ask: Ask, tenant: int) -> Source:
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
            "usage": self._usage(item),
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
            yield data({**self._chunk([]), "usage": self._usage(item)})
        yield DONE

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        chunk = {**self._common, "object": "chat.completion.chunk", "choices": choices}
        return {**chunk, "usage": None} if self._include_usage else chunk

    def _usage(self, finished: Finished) -> dict[str, Any]:
        tally = finished.tally
        return {
            "prompt_tokens": tally.input_tokens,
            "completion_tokens": tally.output_tokens,
            "total_tokens": tally.input_tokens + tally.output_tokens,
            "prompt_tokens_details": {"cached_tokens": tally.cached_input_tokens},
        }
