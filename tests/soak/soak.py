"""The soak itself: clients that keep a request open all the time, until their time is over."""

import asyncio
import random
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop

from tests.product import Product
from tests.soak.exchange import Exchange, exchange
from tests.soak.questions import Question, filler, question
from tests.soak.team import Seat, members, seated
from tests.soak.watch import Memory, Watch

Row = dict[str, Any]

WARM_UP_S = 3.0
FILLERS = 24  # more tokens than the engine's cache holds, half as many again
MEASURABLE_MINUTES = 1.0
IDLE_WITHIN_S = 60.0
LAST_ENERGY_S = 2.5  # windows are closed about every second
REFUSED_PAUSE_S = 0.3


@dataclass(frozen=True)
class Soaked:
    """What was seen from outside while it lasted, and what the product holds afterwards.

    `interval_j`: idle and total joules of the meters. `files`: open ones of each process, before
    and after. `check`: what `python -m db check` says, `log` what the product wrote.
    """

    seats: list[Seat]
    exchanges: list[Exchange]
    rows: list[Row]
    interval_j: tuple[float, float]
    metrics: str
    health: dict[str, Any]
    most_held: dict[str, int]
    most_at_once: dict[str, int]
    samples: int
    memory: list[Memory]
    files: dict[str, tuple[int, int]]
    check: str
    log: str


class Clients:
    """As many as there are streams; each asks in the name of a member drawn anew."""

    def __init__(self, port: int, seats: list[Seat]) -> None:
        self.exchanges: list[Exchange] = []
        self._port = port
        self._seats = seats
        self._weights = [seat.member.weight for seat in seats]
        self._chance = random.Random(64)
        self._asked = 0

    async def fill_cache(self) -> None:
        """The engine's cache takes its memory as it is first written."""
        await asyncio.gather(*[self._ask(self._seats[0], filler(i)) for i in range(FILLERS)])

    async def keep_asking(self, streams: int, seconds: float) -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*[self._client(until) for _ in range(streams)])

    async def _client(self, until: float) -> None:
        while time.monotonic() < until:
            [seat] = self._chance.choices(self._seats, self._weights)
            told = await self._ask(seat, question(self._chance))
            if told.is_refused:
                await asyncio.sleep(REFUSED_PAUSE_S)

    async def _ask(self, seat: Seat, asked: Question) -> Exchange:
        self._asked += 1
        mark = f"soak-{self._asked}"
        told = await exchange(self._port, seat.key, mark, seat.member.name, asked)
        self.exchanges.append(told)
        return told


def soak(home: Path, minutes: float, streams: int) -> Soaked:
    """Run the product on a fresh home under load until it is idle again, and stop it.

    Memory is told only where there is time to see it grow.
    """
    seats = seated(home, members(minutes, streams))
    product = Product(home, "serve").start()
    try:
        clients = Clients(product.port, seats)
        measurable = minutes >= MEASURABLE_MINUTES
        if measurable:
            uvloop.run(clients.fill_cache())
        # What is opened at first use is open then.
        uvloop.run(clients.keep_asking(streams, WARM_UP_S))
        _await_idle(product)
        watch = Watch(product, seats)
        before = watch.open_files()
        with watch:
            uvloop.run(clients.keep_asking(streams, minutes * 60))
        health = _await_idle(product)
        metrics = httpx.get(f"{product.url}/metrics").text
        after = watch.open_files()
    finally:
        product.stop()
    rows, interval_j = _ledger(home / "ledger.db")
    return Soaked(
        seats=seats,
        exchanges=clients.exchanges,
        rows=rows,
        interval_j=interval_j,
        metrics=metrics,
        health=health,
        most_held=watch.most_held,
        most_at_once=watch.most_at_once,
        samples=watch.samples,
        memory=watch.memory() if measurable else [],
        files={name: (before[name], after[name]) for name in before},
        check=_checked(product),
        log=product.log(),
    )


def _await_idle(product: Product) -> dict[str, Any]:
    """Nothing runs or waits, and the last energy is booked; gives the last /health."""
    deadline = time.monotonic() + IDLE_WITHIN_S
    while True:
        health: dict[str, Any] = httpx.get(f"{product.url}/health").json()
        if health["running"] == health["waiting"] == 0:
            break
        if time.monotonic() > deadline:
            return health
        time.sleep(0.1)
    time.sleep(LAST_ENERGY_S)
    return health


def _checked(product: Product) -> str:
    try:
        return product.run("db", "check")
    except AssertionError as error:
        return str(error)


def _ledger(path: Path) -> tuple[list[Row], tuple[float, float]]:
    """Every request's row, oldest first; unserved and total joules of the meters."""
    with sqlite3.connect(path) as ledger:
        unserved = "idle_j + overhead_j + loading_j + other_j"
        sums = ledger.execute(
            f"SELECT SUM({unserved}), SUM(total_j) FROM energy_intervals"
        ).fetchone()
        ledger.row_factory = sqlite3.Row
        rows = [dict(row) for row in ledger.execute("SELECT * FROM requests ORDER BY id")]
    return rows, (sums[0] or 0.0, sums[1] or 0.0)
