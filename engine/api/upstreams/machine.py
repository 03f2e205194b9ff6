"""A machine that upstreams run on: its meters, and the requests that its servers have.

A window ends with a reading of the meter (of several, of the one that tells last): with an exporter
that refreshes its page every 30 s, windows are of 30 s. So all that was drawn in a window is known
when it is divided, and goes to those who were there. A window is held back until each request in
flight in it has its first token or has ended, for `HELD_AT_MOST_S` at most: only then is it known
over what time a prompt's tokens spread. Then what is known by then decides.

On a clean stop all windows are settled; what was drawn after the last reading is unknown, and
marked so on the requests of that time. A crash loses the windows that are held back, so that the
figures of their requests are lower bounds.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from engine.api.source import Tally
from engine.api.upstreams.flight import Flight
from engine.api.upstreams.metered_window import Metered, split
from engine.api.upstreams.recorded import Recorded
from engine.api.upstreams.sharing import busy_part, in_flight
from engine.energy.devices import Devices
from engine.energy.meter_set import MeterSet
from engine.energy.remote.config import MeterConfig
from engine.energy.remote.meter import RemoteMeter
from engine.energy.whole import Whole
from engine.energy.window import EnergyWindow

log = logging.getLogger(__name__)

WINDOW_S = 0.9  # at least, so that of readings every second each ends one
HELD_AT_MOST_S = 30.0
_LOOK_EVERY_S = 0.2
_USUALLY_LATE_S = 1.0  # until a meter was heard
_CONTIGUOUS_MS = 50


class Machine:
    """Lives on one event loop; `health` may be called from any thread. Without meters it tells
    nothing."""

    def __init__(
        self,
        name: str,
        configs: Sequence[MeterConfig],
        on_window: Callable[[EnergyWindow], None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self._configs, self._on_window = configs, on_window
        self._clock, self._wall = clock, wall
        self._flights: list[Flight] = []
        self._held: deque[Metered] = deque()
        self._meters: list[Recorded] = []
        self._moment = 0.0  # as of which meters are read
        self._devices = Devices(MeterSet(()))
        self._whole = Whole()
        self._opened = clock()  # of the window that comes next
        self._opened_ms = int(wall() * 1000)
        self._late_s = _USUALLY_LATE_S
        self._answering: list[bool] = []
        self._known_until: float | None = None
        self._opening: asyncio.Task[list[Recorded]] | None = None
        self._metering: asyncio.Task[None] | None = None

    def begin(self, request_id: int, tally: Tally, *, streamed: bool) -> Flight:
        """A request is sent to one of its servers."""
        flight = Flight(request_id, tally, self._clock, streamed=streamed)
        if self._configs:
            self._flights.append(flight)
        return flight

    def start(self) -> None:
        if self._configs:
            self._opened, self._opened_ms = self._clock(), int(self._wall() * 1000)
            self._opening = asyncio.create_task(_open(self._configs))
            self._metering = asyncio.create_task(self._meter(), name=f"energy-{self.name}")

    async def stop(self) -> None:
        """Tell all that is known."""
        if self._opening is None or self._metering is None:
            return
        self._metering.cancel()
        await asyncio.gather(self._metering, return_exceptions=True)
        if not self._meters:
            self._take(await self._opening)
        self._close_all()
        await asyncio.gather(*(asyncio.to_thread(one.meter.close) for one in self._meters))

    def health(self) -> list[dict[str, Any]]:
        """Its meters, in JSON's types; `problem` None: it gives figures."""
        if not self._meters:
            return [_health(config, "remote", "It is being opened.") for config in self._configs]
        return [
            _health(config, one.source, one.meter.problem)
            for config, one in zip(self._configs, self._meters, strict=True)
        ]

    async def _meter(self) -> None:
        assert self._opening is not None
        self._take(await asyncio.shield(self._opening))
        while True:
            try:
                self._look()
            except Exception:  # metering goes on, whatever a meter says
                log.exception("The energy of %s cannot be told.", self.name)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _take(self, meters: list[Recorded]) -> None:
        self._meters = meters
        self._devices = Devices(MeterSet(tuple(meters)), lambda: self._moment)

    def _look(self) -> None:
        told = [meter.note(needed_from=self._opened) for meter in self._meters]
        until = min((moment for moment in told if moment is not None), default=None)
        answering = [moment is not None for moment in told]
        if answering != self._answering:
            # What is known and what is not are windows apart.
            self._close(until if self._known_until is None else self._known_until)
        if until is not None and until != self._known_until:
            self._late_s = self._clock() - until
        self._answering, self._known_until = answering, until
        reached = self._clock() - self._late_s if until is None else until
        if reached - self._opened >= WINDOW_S:
            self._close(reached)
        self._settle()

    def _close(self, closed: float | None) -> None:
        """Hold back the window from the last one's end, if there is any time in it."""
        if closed is None or closed <= self._opened:
            return
        opened, duration = self._opened, closed - self._opened
        stays = [flight.stay(self._clock()) for flight in self._flights]
        quiet = not in_flight(stays, opened, closed)
        for moment in (opened, closed):
            self._read_as_of(moment)
        drawn = self._devices.close(closed, duration, quiet=quiet)
        counted = self._whole.count(drawn, duration, quiet=quiet)
        busy = busy_part(stays, opened, closed)
        times_ms = self._wall_times(closed, duration)
        self._held.append(Metered(opened, closed, times_ms, counted, drawn, busy))
        self._opened, self._opened_ms = closed, times_ms[1]

    def _read_as_of(self, moment: float) -> None:
        for meter in self._meters:
            meter.since, meter.moment = self._opened, moment
        self._moment = moment
        self._devices.sample()

    def _wall_times(self, closed: float, duration: float) -> tuple[int, int]:
        """UTC milliseconds of a window's ends; windows touch unless the clock was set."""
        ended = int((self._wall() - (self._clock() - closed)) * 1000)
        started = ended - round(duration * 1000)
        if abs(started - self._opened_ms) <= _CONTIGUOUS_MS:
            started = self._opened_ms
        return started, max(started, ended)

    def _settle(self, *, all_of_them: bool = False) -> None:
        """Tell the windows that are held back for nothing any more, in their order."""
        while self._held and (all_of_them or self._is_ready(self._held[0])):
            metered = self._held.popleft()
            now = self._clock()
            window = split(metered, [flight.stay(now) for flight in self._flights], self.name)
            self._on_window(window)
        untold = self._held[0].opened if self._held else self._opened
        self._flights = [f for f in self._flights if f.ended is None or f.ended > untold]
        for flight in self._flights:
            flight.forget(untold)

    def _is_ready(self, metered: Metered) -> bool:
        if self._clock() - metered.closed >= HELD_AT_MOST_S:
            return True
        return all(flight.is_clear or flight.began >= metered.closed for flight in self._flights)

    def _close_all(self) -> None:
        self._look()
        self._close(self._known_until)
        now = self._clock()
        if in_flight([flight.stay(now) for flight in self._flights], self._opened, now):
            self._close(now)  # of which no meter tells any more
        self._settle(all_of_them=True)


async def _open(configs: Sequence[MeterConfig]) -> list[Recorded]:
    """Takes some seconds where one does not answer."""
    meters = await asyncio.gather(*(asyncio.to_thread(RemoteMeter, one) for one in configs))
    return [Recorded(meter) for meter in meters]


def _health(config: MeterConfig, source: str, problem: str | None) -> dict[str, Any]:
    return {"name": config.name, "source": source, "problem": problem}
