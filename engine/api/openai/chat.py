"""`POST /v1/chat/completions`, streaming and not, as OpenAI's clients expect it."""

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from db.ids import id_to_text
from engine.api.clients import client_name
from engine.api.limits import read_body
from engine.api.openai.choice import Choice
from engine.api.openai.choices import CHAT, ChoicesReply
from engine.api.openai.preparing import Fields, prepared
from engine.api.openai.schema import parse_chat_request
from engine.api.reply import respond
from engine.api.service import Call, Service

ENDPOINT = "/v1/chat/completions"
_FIELDS = Fields(
    "messages", "response_format.json_schema.schema", "tools[{}].function.parameters".format
)

router = APIRouter()


@router.post(ENDPOINT)
async def chat_completions(request: Request) -> Response:
    arrived = time.monotonic()
    service: Service = request.app.state.service
    caller = await service.auth.caller(request.headers)
    wanted = parse_chat_request(await read_body(request, service.settings.max_body_bytes))
    engine = service.engine_for(wanted.model)
    source = await prepared(engine, wanted.ask(), caller.developer_id, _FIELDS)
    stream = bool(wanted.stream)
    call = Call(caller, ENDPOINT, arrived, stream, client_name(request.headers))
    answer = service.answer(call, source)
    choices = [
        Choice(id_to_text(answer.row.id), index, with_logprobs=bool(wanted.logprobs))
        for index in range(source.answers)
    ]
    reply = ChoicesReply(answer, CHAT, choices, wanted.stream_options)
    return await respond(reply, request, stream=stream)
