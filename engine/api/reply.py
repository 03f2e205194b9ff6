"""How an answer goes out, whichever dialect it is put into."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from db.ids import id_to_text
from engine.api.answer import Answer, Finished
from engine.api.source import Piece
from engine.api.sse import EventStream, unless_left

HEADERS_WITHIN_S = 1.0  # an error until then gets its HTTP status, also in a stream
KEEP_ALIVE_EVERY_S = 10.0


class Reply(Protocol):
    """Puts an answer's pieces into a vendor's words."""

    answer: Answer
    headers: dict[str, str]

    async def collect(self) -> dict[str, Any]:
        """The whole answer."""
        ...

    def events(self, item: Piece | Finished | None) -> AsyncIterator[bytes]:
        """The answer as encoded events, `item` the first piece (None: not yet)."""
        ...


async def respond(reply: Reply, request: Request, *, stream: bool) -> Response:
    """A client that leaves before its answer begins to go out cancels it."""
    try:
        return await (_stream(reply, request) if stream else _whole(reply, request))
    except ClientDisconnect:
        return Response(status_code=499)  # nobody reads it


async def _whole(reply: Reply, request: Request) -> Response:
    try:
        content = await unless_left(reply.collect(), request)
    finally:
        reply.answer.cancel()  # changes nothing once it is complete
    return JSONResponse(content, headers=reply.headers)


async def _stream(reply: Reply, request: Request) -> Response:
    try:
        first = await unless_left(reply.answer.next(HEADERS_WITHIN_S), request)
    except BaseException:
        reply.answer.cancel()
        raise
    return EventStream(reply.events(first), reply.headers, on_end=reply.answer.cancel)


def extension(answer: Answer, finished: Finished) -> dict[str, Any]:
    """What Breakeven adds to a vendor's answer: energy in joules (None: not known), times in
    milliseconds, and where asked for `experts[layer][expert]`, how often each was chosen."""
    energy, tally = answer.energy, finished.tally
    told = {
        "request_id": id_to_text(answer.row.id),
        "energy_j": energy.joules,
        "energy_basis": energy.basis,
        "energy_source": energy.source,
        "experts_per_token": tally.experts_per_token,
        "experts_active_mean": tally.experts_active_mean,
        "duration_ms": round(finished.duration_ms, 1),
        "ttft_ms": None if finished.ttft_ms is None else round(finished.ttft_ms, 1),
        "queue_ms": None if tally.queue_ms is None else round(tally.queue_ms, 1),
    }
    return told if tally.experts is None else {**told, "experts": tally.experts}
