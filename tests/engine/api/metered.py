"""Upstreams on machines with an energy meter: what they draw follows what they do."""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from db.settings import Settings
from tests.engine.api.gateway import Gateway, wait_until
from tests.engine.api.upstream_server import UpstreamServer
from tests.engine.energy.remote.bodies import dcgm
from tests.engine.energy.remote.server import MeterServer, Page

IDLE_W = 100.0
ACTIVE_W = 300.0  # above idling, while any request is at one of its servers
_TICK_S = 0.005


class Computer:
    """Servers and the DCGM exporter of their machine. `read_j` is what its counter stood at, by
    the wall clock in milliseconds."""

    def __init__(self, servers: Sequence[UpstreamServer]) -> None:
        self.servers = servers
        self._joules = 5000.0
        self._history: list[tuple[float, float]] = [(time.time() * 1000, self._joules)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="computer")
        self._thread.start()
        self.refreshed_every_s = 0.0
        self._page: tuple[float, str] = (0.0, "")
        self.exporter = MeterServer({"/metrics": Page(self._tell)})

    def _tell(self) -> str:
        now = time.monotonic()
        if now - self._page[0] >= self.refreshed_every_s:
            self._page = now, dcgm(self._joules)
        return self._page[1]

    def _draw(self) -> None:
        last = time.monotonic()
        while not self._stopping.wait(_TICK_S):
            now = time.monotonic()
            busy = any(server.running for server in self.servers)
            self._joules += (now - last) * (IDLE_W + ACTIVE_W * busy)
            self._history.append((time.time() * 1000, self._joules))
            last = now

    def read_j(self, at_ms: float) -> float:
        return self._history[bisect_left(self._history, (at_ms, 0.0))][1]

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self.exporter.stop()


class Metered(Gateway):
    """A gateway, with what is on the ledger of its upstreams' energy."""

    def intervals(self, machine: str) -> dict[str, Any]:
        """The sums over a machine's windows that were measured, whole or in part."""
        with self.service.database.connect() as connection:
            found = connection.execute(
                text(
                    "SELECT coalesce(sum(total_j), 0) total_j, coalesce(sum(idle_j), 0) idle_j,"
                    " coalesce(sum(attributed_j), 0) attributed_j,"
                    " coalesce(sum(other_j), 0) other_j, coalesce(sum(duration_ms), 0) duration_ms,"
                    " min(started_at) started_at, max(ended_at) ended_at"
                    " FROM energy_intervals WHERE machine = :machine AND total_j IS NOT NULL"
                ),
                {"machine": machine},
            )
            return dict(found.mappings().one())

    def wait_for_energy(self, machine: str, until_ms: float) -> None:
        """Until the ledger holds all windows that began before a moment."""
        wait_until(lambda: (self.intervals(machine)["ended_at"] or 0) >= until_ms)


Build = Callable[..., tuple[Metered, list[Computer]]]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """A gateway before `machines`, each with so many servers of one model and one meter."""
    running: list[Any] = []

    def go(
        *machines: int, meter: bool = True, every_s: float = 0.2
    ) -> tuple[Metered, list[Computer]]:
        computers = []
        lines = []
        for number, count in enumerate(machines):
            computers.append(Computer([UpstreamServer() for _ in range(count)]))
            running.extend([*computers[-1].servers, computers[-1]])
            for server in computers[-1].servers:
                lines += ["[[upstream]]", f'url = "{server.url}"', f'machine = "box-{number}"']
                if meter:
                    url = computers[-1].exporter.url("/metrics")
                    lines += [f'meters = [{{url = "{url}", every_s = 0.2}}]']
        path = tmp_path / "upstreams.toml"
        path.write_text("\n".join(lines))
        gateway = Metered(Settings(home=tmp_path / "home", model="none", upstreams=str(path)))
        running.insert(0, gateway)
        wait_until(lambda: all(one["up"] for one in gateway.service.upstreams.health()))
        if meter:  # so that it knows what they draw when idle
            for number in range(len(machines)):
                wait_until(lambda: gateway.intervals(f"box-{number}")["idle_j"] > IDLE_W)  # noqa: B023
        return gateway, computers

    yield go
    for one in running:
        one.stop()
