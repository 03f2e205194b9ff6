"""One computation for everybody who looks at the same view.

While somebody looks, a view is computed anew when the ledger changed, at most once a second, and
every few seconds besides, since the hardware's cost grows by itself. Nothing runs for nobody, and
one view is computed at a time: others wait their turn.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)

AT_MOST_EVERY_S = 1.0
AT_LEAST_EVERY_S = 5.0
MOST_VIEWS = 128
MOST_SUBSCRIBERS = 400

View = TypeVar("View")
Newest = asyncio.Queue[dict[str, Any] | None]


class TooMany(Exception):  # noqa: N818
    """More pages are open than this process feeds."""


@dataclass(slots=True)
class _Channel:
    """A view that somebody looks at: its newest payload and the places to put the next one."""

    subscribers: set[Newest] = field(default_factory=set)
    newest: dict[str, Any] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Hub(Generic[View]):
    """`compute` turns a view into a payload, in a thread. A payload's `at` alone is no news."""

    def __init__(self, compute: Callable[[View], dict[str, Any]]) -> None:
        self._compute = compute
        self._channels: dict[View, _Channel] = {}
        self._closed = False
        self._turn = asyncio.Lock()

    def announce(self) -> None:
        """The ledger changed: compute what is being looked at."""
        for channel in self._channels.values():
            channel.changed.set()

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        for channel in self._channels.values():
            for queue in channel.subscribers:
                _put_newest(queue, None)

    @asynccontextmanager
    async def subscribe(self, view: View) -> AsyncIterator[Newest]:
        """A place where the view's payloads appear, the present one first; None: the end."""
        if self._closed or not self._has_room(view):
            raise TooMany
        channel = self._channels.setdefault(view, _Channel())
        newest: Newest = asyncio.Queue(maxsize=1)
        channel.subscribers.add(newest)
        if channel.newest is not None:
            newest.put_nowait(channel.newest)
        if channel.task is None:
            channel.task = asyncio.create_task(self._feed(view, channel))
        try:
            yield newest
        finally:
            channel.subscribers.discard(newest)
            if not channel.subscribers:
                channel.task.cancel()
                self._channels.pop(view, None)

    def _has_room(self, view: View) -> bool:
        subscribers = sum(len(channel.subscribers) for channel in self._channels.values())
        known = view in self._channels or len(self._channels) < MOST_VIEWS
        return known and subscribers < MOST_SUBSCRIBERS

    async def _feed(self, view: View, channel: _Channel) -> None:
        while True:
            async with self._turn:
                took = await self._renew(view, channel)
                # A slow ledger is not asked more than half of the time for all views together…
                await asyncio.sleep(took)
            # … and not more than a quarter of it for one.
            await asyncio.sleep(max(AT_MOST_EVERY_S, 2 * took))
            with suppress(TimeoutError):
                await asyncio.wait_for(channel.changed.wait(), AT_LEAST_EVERY_S - AT_MOST_EVERY_S)

    async def _renew(self, view: View, channel: _Channel) -> float:
        """How many seconds it took."""
        channel.changed.clear()
        started = time.monotonic()
        payload: dict[str, Any] | None
        try:
            payload = await asyncio.to_thread(self._compute, view)
        except Exception:
            log.exception("The live view %s could not be computed; trying again.", view)
            payload = channel.newest
        took = time.monotonic() - started
        if payload is not None and _without_time(payload) != _without_time(channel.newest):
            channel.newest = payload
            for queue in channel.subscribers:
                _put_newest(queue, payload)
        return took


def _put_newest(queue: Newest, payload: dict[str, Any] | None) -> None:
    """A reader who is behind gets the newest only."""
    with suppress(asyncio.QueueEmpty):
        queue.get_nowait()
    queue.put_nowait(payload)


def _without_time(payload: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if payload is None else {key: payload[key] for key in payload if key != "at"}
