"""What happens in the gateway, told to whoever watches (the dashboard's live stream).

A watcher that falls behind loses its oldest events, never anybody else's time.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from engine.energy.window import EnergyWindow

_LARGEST_BACKLOG = 1000


@dataclass(frozen=True, slots=True)
class EngineState:
    """`fetched` and `size` are bytes of the weights while `fetching`. `message`: one line."""

    name: Literal["fetching", "loading", "ready", "failed", "stopped"]
    message: str | None = None
    fetched: int | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class RequestStarted:
    """A request is on the ledger. Times are UTC epoch milliseconds."""

    request_id: int
    developer_id: int
    developer_name: str
    model: str
    input_tokens: int
    at: int


@dataclass(frozen=True, slots=True)
class RequestBegun:
    """The first token of a request's answer is there. Durations are milliseconds; `queue_ms` None:
    how long it waited is not known."""

    request_id: int
    developer_name: str
    model: str
    queue_ms: float | None
    ttft_ms: float


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """A request's row is complete. None: not known, or it never came so far."""

    request_id: int
    developer_id: int
    developer_name: str
    status: str
    input_tokens: int
    output_tokens: int
    energy_j: float | None
    energy_basis: str | None
    duration_ms: float
    at: int
    model: str
    cached_input_tokens: int | None
    queue_ms: float | None
    ttft_ms: float | None
    error_type: str | None


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """A request got an error and has no row. None: no address of the gateway's, no valid key, no
    name of a tool."""

    status: int
    error_type: str
    endpoint: str | None
    developer_name: str | None
    client: str | None


@dataclass(frozen=True, slots=True)
class UpstreamChanged:
    """An upstream answers from now on, or does not for this `problem`."""

    url: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class LoadTold:
    """The engine here or the upstreams told what they did in the last second."""


@dataclass(frozen=True, slots=True)
class EnergyMeasured:
    """An energy window, as it went to the ledger."""

    window: EnergyWindow


Event = (
    EngineState
    | RequestStarted
    | RequestBegun
    | RequestFinished
    | RequestRefused
    | UpstreamChanged
    | LoadTold
    | EnergyMeasured
)


class Broadcast:
    """Hands every event to every subscriber. Lives on one event loop."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event | None]] = set()

    def publish(self, event: Event) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    def close(self) -> None:
        """End every subscription."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    async def subscribe(self) -> AsyncIterator[Event]:
        """Events from now on, until the gateway stops."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_LARGEST_BACKLOG)
        self._queues.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._queues.discard(queue)
