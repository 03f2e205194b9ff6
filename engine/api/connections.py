"""Ends connections that hold on without getting anywhere: requests whose head does not arrive, and
answers that nobody reads.

uvicorn knows neither limit, and `streamlit run` makes uvicorn's configuration by itself, so its
protocol is told of every connection here.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_WITHIN_S = 20.0

_connection_made = H11Protocol.connection_made


def limit_connections() -> None:
    """From now on, for every server of this process. Calling it twice changes nothing."""
    H11Protocol.connection_made = _limited  # type: ignore[method-assign, assignment]


def _limited(protocol: H11Protocol, transport: asyncio.Transport) -> None:
    _connection_made(protocol, transport)
    protocol.loop.call_later(HEAD_WITHIN_S, _look, protocol, None, 0)


def _look(protocol: H11Protocol, last: RequestResponseCycle | None, last_unsent: int) -> None:
    """`last` and `last_unsent`: what was seen here before."""
    transport = protocol.transport
    unsent = transport.get_write_buffer_size()
    if transport.is_closing():
        if unsent:
            transport.abort()  # it would wait for its reader for ever
        return
    if transport.get_protocol() is not protocol:  # it became a WebSocket
        return
    cycle = protocol.cycle
    waits = cycle is None or cycle.response_complete
    if waits and cycle is last and unsent == last_unsent:
        transport.abort()
    else:
        protocol.loop.call_later(HEAD_WITHIN_S, _look, protocol, cycle, unsent)
