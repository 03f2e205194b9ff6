"""Looks at the product once a second while it is under load: memory, files, budgets."""

import sqlite3
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import psutil

from tests.product import Product
from tests.soak.team import Seat

EVERY_S = 1.0
WARM_UP = 0.2  # of the time, in which buffers and caches still fill


@dataclass(frozen=True, slots=True)
class Memory:
    """A process's resident memory in MiB at each minute, and a line fitted to it over the time
    after warming up: where it begins, and how far it rises until the end."""

    name: str
    by_minute: list[float]
    first: float
    growth: float


@dataclass(slots=True)
class _Process:
    name: str
    process: psutil.Process
    resident: list[tuple[float, float]] = field(default_factory=list)  # seconds, MiB
    files: list[int] = field(default_factory=list)


class Watch:
    """Looks while it is entered. `most_held[developer]`: the most tokens that a budget had used
    and reserved at once; `most_at_once[developer]`: the most requests that ran."""

    def __init__(self, product: Product, seats: list[Seat]) -> None:
        gateway, *others = product.processes()
        workers = [one for one in others if "engine.runtime.worker" in one.cmdline()]
        self._processes = [_Process("gateway", gateway)]
        self._processes += [_Process("worker", one) for one in workers]
        self._ledger = product.home / "ledger.db"
        self._seats = {seat.developer_id: seat for seat in seats}
        self.most_held: dict[str, int] = {}
        self.most_at_once: dict[str, int] = {}
        self.samples = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self._began = time.monotonic()

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def open_files(self) -> dict[str, int]:
        """How many files and sockets each process has open now."""
        return {one.name: one.process.num_fds() for one in self._processes}

    def memory(self) -> list[Memory]:
        return [_fitted(one.name, one.resident) for one in self._processes]

    def _run(self) -> None:
        reading = sqlite3.connect(f"file:{self._ledger}?mode=ro", uri=True)
        while not self._stopping.wait(EVERY_S):
            at = time.monotonic() - self._began
            for one in self._processes:
                one.resident.append((at, one.process.memory_info().rss / 2**20))
            self._look_at_ledger(reading)
            self.samples += 1
        reading.close()

    def _look_at_ledger(self, reading: sqlite3.Connection) -> None:
        """What each developer holds: what ended requests used, what running ones may take."""
        rows = reading.execute(
            "SELECT developer_id, SUM(status = 'running'), SUM(CASE status WHEN 'running'"
            " THEN MAX(reserved_tokens, input_tokens + output_tokens)"
            " ELSE input_tokens + output_tokens END) FROM requests GROUP BY developer_id"
        )
        for developer_id, running, tokens in rows:
            name = self._seats[developer_id].member.name
            self.most_at_once[name] = max(self.most_at_once.get(name, 0), running)
            self.most_held[name] = max(self.most_held.get(name, 0), tokens)


def _fitted(name: str, resident: list[tuple[float, float]]) -> Memory:
    by_minute = [mib for _, mib in resident[:: round(60 / EVERY_S)]]
    seconds, mib = np.array(resident[round(len(resident) * WARM_UP) :]).T
    slope, start = np.polyfit(seconds, mib, 1)
    first, last = (float(slope * at + start) for at in (seconds[0], seconds[-1]))
    return Memory(name, by_minute, first, last - first)
