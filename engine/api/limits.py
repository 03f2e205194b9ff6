"""What a request may weigh: its body's size and the time it may take to arrive."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from engine.api.errors import ApiError, body_too_large

BODY_WITHIN_S = 60.0
_DRAIN_AT_MOST = 16  # times the limit, so that a client still sending can read the refusal


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body; 413 where it is larger than `limit` bytes, announced or not, 408 where
    it does not arrive in time."""
    parts: list[bytes] = []
    size = 0
    announced = request.headers.get("content-length", "")
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for part in request.stream():
                size += len(part)
                if size <= limit:
                    parts.append(part)
                elif size > limit * _DRAIN_AT_MOST:
                    break
    except TimeoutError:
        raise ApiError(
            408,
            f"The request's body did not arrive within {BODY_WITHIN_S:.0f} s.",
            code="request_timeout",
            headers={"connection": "close"},
        ) from None
    except ClientDisconnect:
        raise ApiError(400, "The client went away before its request was complete.") from None
    if size > limit or (announced.isdecimal() and int(announced) > limit):
        raise body_too_large(limit)
    return b"".join(parts)
