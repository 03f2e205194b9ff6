"""`POST /v1/chat/completions`, streaming and not, as OpenAI's clients expect it."""

import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.clients import client_name
from engine.api.errors import as_api_error, invalid
from engine.api.limits import read_body
from engine.api.openai_schema import ChatRequest, parse_chat_request
from engine.api.reply import KEEP_ALIVE_EVERY_S, extension, respond
from engine.api.requests import require_model, room_for_answer
from engine.api.service import Service
from engine.api.sse import DONE, KEEP_ALIVE, data
from engine.model.errors import ChatTemplateError
from engine.runtime.protocol import Output, Ready, TokenLogprob

ENDPOINT = "/v1/chat/completions"

router = APIRouter()


@router.post(ENDPOINT)
async def chat_completions(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    wanted = parse_chat_request(await read_body(request, service.settings.max_body_bytes))
    model = require_model(service, wanted.model)
    prompt = await _prompt(service, wanted)
    room = room_for_answer(model, prompt)
    answer = service.answer(
        caller,
        prompt,
        wanted.sampling(room, service.sampling_defaults),
        arrived=arrived,
        endpoint=ENDPOINT,
        streamed=bool(wanted.stream),
        client=client_name(request.headers),
        report_experts=wanted.breakeven is not None and wanted.breakeven.experts,
    )
    reply = ChatReply(answer, model, wanted)
    return await respond(reply, request, stream=bool(wanted.stream))


async def _prompt(service: Service, wanted: ChatRequest) -> list[int]:
    try:
        return await service.tokenize([message.for_template() for message in wanted.messages])
    except ChatTemplateError as error:
        raise invalid(str(error), "messages") from None


class ChatReply:
    """Puts an answer's outputs into OpenAI's words."""

    def __init__(self, answer: Answer, model: Ready, wanted: ChatRequest) -> None:
        self.answer = answer
        self.headers = {"x-request-id": id_to_text(answer.row.id)}
        self._include_usage = wanted.stream_options is not None and (
            wanted.stream_options.include_usage
        )
        self._with_logprobs = bool(wanted.logprobs)
        self._common = {
            "id": f"chatcmpl-{id_to_text(answer.row.id)}",
            "created": answer.row.started_at // 1000,
            "model": answer.row.model,
            "system_fingerprint": fingerprint(model),
        }

    async def collect(self) -> dict[str, Any]:
        """The whole answer as a `chat.completion`."""
        texts: list[str] = []
        logprobs: list[TokenLogprob] = []
        while not isinstance(item := await self.answer.next(), Finished):
            assert item is not None
            texts.append(item.text)
            logprobs += item.logprobs
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "".join(texts), "refusal": None},
            "logprobs": _logprobs(logprobs) if self._with_logprobs else None,
            "finish_reason": item.finish_reason,
        }
        return {
            **self._common,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage(item),
            "breakeven": extension(self.answer, item),
        }

    async def events(self, item: Output | Finished | None) -> AsyncIterator[bytes]:
        """The answer as `chat.completion.chunk` events, `item` the first piece (None: not yet).

        An error on the way is the last event. The end is told once the row is durable.
        """
        role_told = False
        try:
            while not isinstance(item, Finished):
                if item is None:
                    yield KEEP_ALIVE
                else:
                    for delta in self._deltas(item, with_role=not role_told):
                        yield data(delta)
                    role_told = True
                item = await self.answer.next(KEEP_ALIVE_EVERY_S)
        except Exception as error:
            yield data(as_api_error(error).body)
            return
        last = self._chunk({}, finish_reason=item.finish_reason)
        yield data({**last, "breakeven": extension(self.answer, item)})
        if self._include_usage:
            yield data({**self._chunk({}), "choices": [], "usage": self._usage(item)})
        yield DONE

    def _deltas(self, output: Output, *, with_role: bool) -> Iterator[dict[str, Any]]:
        if with_role:
            yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        if output.text or (self._with_logprobs and output.logprobs):
            logprobs = _logprobs(output.logprobs) if self._with_logprobs else None
            yield self._chunk({"content": output.text}, logprobs=logprobs)

    def _chunk(
        self,
        delta: dict[str, Any],
        *,
        logprobs: dict[str, Any] | None = None,
        finish_reason: str | None = None,
    ) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        chunk = {**self._common, "object": "chat.completion.chunk", "choices": [choice]}
        return {**chunk, "usage": None} if self._include_usage else chunk

    def _usage(self, finished: Finished) -> dict[str, Any]:
        prompt, completion = self.answer.row.input_tokens, finished.output_tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": finished.cached_input_tokens},
        }


def fingerprint(model: Ready) -> str:
    """Changes where the same seed may give another answer: other weights, precision or kernel."""
    parts = (model.model, model.precision, model.kernel, model.total_parameters)
    return "fp_" + hashlib.sha256(repr(parts).encode()).hexdigest()[:10]


def _logprobs(tokens: list[TokenLogprob]) -> dict[str, Any]:
    content = [
        {
            "token": token.token,
            "logprob": token.logprob,
            "bytes": token.token_bytes,
            "top_logprobs": [
                {"token": text, "logprob": value, "bytes": raw} for text, raw, value in token.top
            ],
        }
        for token in tokens
    ]
    return {"content": content, "refusal": None}
