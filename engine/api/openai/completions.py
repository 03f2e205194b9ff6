"""`POST /v1/completions`: texts continued as they are, as OpenAI's older clients expect it."""

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.clients import client_name
from engine.api.limits import read_body
from engine.api.openai.choices import COMPLETION, ChoicesReply
from engine.api.openai.completions_schema import parse_completion_request
from engine.api.openai.continuation import Continuation
from engine.api.openai.preparing import Fields, prepared
from engine.api.reply import respond
from engine.api.service import Call, Service

ENDPOINT = "/v1/completions"

router = APIRouter()


@router.post(ENDPOINT)
async def completions(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    wanted = parse_completion_request(await read_body(request, service.settings.max_body_bytes))
    engine = service.engine_for(wanted.model)
    source = await prepared(engine, wanted.ask(), caller.developer_id, Fields("prompt"))
    stream = bool(wanted.stream)
    call = Call(caller, ENDPOINT, arrived, stream, client_name(request.headers))
    answer = service.answer(call, source)
    choices = [
        Continuation(index, before=wanted.before(index), with_logprobs=wanted.logprobs is not None)
        for index in range(source.answers)
    ]
    reply = ChoicesReply(answer, COMPLETION, choices, wanted.stream_options)
    return await respond(reply, request, stream=stream)
