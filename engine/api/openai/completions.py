"""`POST /v1/completions`: texts continued as they are, as OpenAI's older clients expect it."""

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.clients import client_name
from engine.api.limits import read_body
from engine.api.openai.choices import ChoicesReply
from engine.api.openai.completions_schema import parse_completion_request
from engine.api.openai.continuation import Continuation
from engine.api.openai.kinds import COMPLETION
from engine.api.openai.preparing import Fields, prepared
from engine.api.openai.relay import relayed
from engine.api.reply import respond
from engine.api.service import Call, Service

ENDPOINT = "/v1/completions"

router = APIRouter()


@router.post(ENDPOINT)
async def completions(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    body = await read_body(request, service.settings.max_body_bytes)
    call = Call(caller, ENDPOINT, arrived, client_name(request.headers))
    reply = relayed(service, call, body, COMPLETION) or await _computed(service, call, body)
    return await respond(reply, request, stream=reply.streamed)


async def _computed(service: Service, call: Call, body: bytes) -> ChoicesReply:
    wanted = parse_completion_request(body)
    engine = service.engine_for(wanted.model)
    source = await prepared(engine, wanted.ask(), call.caller.developer_id, Fields("prompt"))
    answer = service.answer(call, source, streamed=bool(wanted.stream))
    choices = [
        Continuation(index, before=wanted.before(index), with_logprobs=wanted.logprobs is not None)
        for index in range(source.answers)
    ]
    return ChoicesReply(answer, COMPLETION, choices, wanted.stream_options)
