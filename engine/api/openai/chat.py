"""`POST /v1/chat/completions`, streaming and not, as OpenAI's clients expect it."""

import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from db.ids import id_to_text
from engine.api.clients import client_name
from engine.api.limits import read_body
from engine.api.openai.choice import Choice
from engine.api.openai.choices import ChoicesReply
from engine.api.openai.kinds import CHAT
from engine.api.openai.preparing import Fields, prepared
from engine.api.openai.relay import relayed
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
    body = await read_body(request, service.settings.max_body_bytes)
    call = Call(caller, ENDPOINT, arrived, client_name(request.headers))
    reply = relayed(service, call, body, CHAT) or await _computed(service, call, body)
    return await respond(reply, request, stream=reply.streamed)


async def _computed(service: Service, call: Call, body: bytes) -> ChoicesReply:
    wanted = parse_chat_request(body)
    engine = service.engine_for(wanted.model)
    source = await prepared(engine, wanted.ask(), call.caller.developer_id, _FIELDS)
    answer = service.answer(call, source, streamed=bool(wanted.stream))
    choices = [
        Choice(id_to_text(answer.row.id), index, with_logprobs=bool(wanted.logprobs))
        for index in range(source.answers)
    ]
    return ChoicesReply(answer, CHAT, choices, wanted.stream_options)
