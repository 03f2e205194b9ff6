"""How fast the ledger is on this machine's disk: `python -m tests.benchmarks.ledger`.

With `--database postgresql://…`, an empty database, on that server. Every admission and every
completion counted here is durable (WAL, synchronous=FULL; synchronous_commit=on) when its time is
taken. For latency the energy comes as from a worker, a window a second for all that ran in it; for
throughput each request has a window of its own.
"""

import argparse
import asyncio
import gc
import random
import statistics
import tempfile
import time
from pathlib import Path

from db import keys, people
from db.ids import new_id, now_ms
from db.ledger import Ledger
from db.records import DeviceEnergy, EnergyRecord, NewRequest, RequestOutcome

CONCURRENT = 64
THROUGHPUT_S = 10.0
RATE_PER_S = 100
LATENCY_S = 20.0


class Bench:
    """A fresh ledger and the requests made of it."""

    def __init__(self, url: str) -> None:
        self.ledger = Ledger(url)
        self.ledger.open()
        person = people.add_developer(self.ledger.engine, "ada", actor="benchmark")
        key, _ = keys.create_key(self.ledger.engine, person.id, "editor", actor="benchmark")
        self.developer_id, self.key_id = person.id, key.id
        self.admit_ms: list[float] = []
        self.finish_ms: list[float] = []
        self.ran: list[int] = []  # since the last window

    async def request(self, *, metered: bool) -> None:
        """One request's two writes, timed as the gateway would wait for them; `metered`: and its
        window of energy."""
        started = now_ms()
        new = NewRequest(
            new_id(), started, self.developer_id, "ada", self.key_id, "SmolLM2-135M-Instruct",
            "breakeven", "/v1/chat/completions", True, 412, "OpenAI/Python 3.54",
        )  # fmt: skip
        begin = time.perf_counter()
        await asyncio.wrap_future(self.ledger.admit(new))
        self.admit_ms.append((time.perf_counter() - begin) * 1000)
        done = RequestOutcome(
            new.id, "ok", started + 1_834, 1_834.2, 187, cached_input_tokens=256,
            first_token_at=started + 212, queue_ms=3.1, ttft_ms=212.4, finish_reason="stop",
            experts_active_mean=17.3,
        )  # fmt: skip
        self.ran.append(new.id)
        energy = asyncio.create_task(self.window()) if metered else None
        await asyncio.sleep(0)  # so that the window is asked for first
        begin = time.perf_counter()
        await asyncio.wrap_future(self.ledger.finish(done))
        self.finish_ms.append((time.perf_counter() - begin) * 1000)
        if energy:
            await energy

    async def window(self) -> None:
        """The energy of what ran, in equal shares."""
        ran, self.ran = self.ran, []
        now, joules = now_ms(), 7.1 * len(ran)
        record = EnergyRecord(
            now - 1_000, now, 1.0, joules + 2.0, 2.0, dict.fromkeys(ran, 7.1), "measured", "rapl",
            prefill=dict.fromkeys(ran, 1.3), uncertainty_j=0.05 * (joules + 2.0),
            devices=(
                DeviceEnergy("rapl", "package-0", "processor", "measured", 0.05, joules + 2.0),
            ),
        )  # fmt: skip
        await asyncio.wrap_future(self.ledger.record_energy(record))

    async def meter(self) -> None:
        while True:
            await asyncio.sleep(1)
            await self.window()

    async def client(self, until: float) -> None:
        while time.perf_counter() < until:
            await self.request(metered=True)

    def clear(self) -> None:
        self.admit_ms.clear()
        self.finish_ms.clear()

    def bytes_per_request(self) -> float:
        """The file's growth by all requests so far, indexes included, the WAL folded in."""
        with self.ledger.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT count(*) FROM requests").scalar_one()
            if connection.dialect.name == "postgresql":
                size = "SELECT pg_database_size(current_database())"
                return float(connection.exec_driver_sql(size).scalar_one() / rows)
        self.ledger.close()
        return float(self.ledger.path.stat().st_size / rows)


async def throughput(bench: Bench) -> None:
    begin = time.perf_counter()
    await asyncio.gather(*[bench.client(begin + THROUGHPUT_S) for _ in range(CONCURRENT)])
    rate = len(bench.finish_ms) / (time.perf_counter() - begin)
    print(f"{CONCURRENT} concurrent clients: {rate:,.0f} requests/s admitted, metered, finished;")
    print(f"  that is {3 * rate:,.0f} durable writes/s")
    report(bench)


async def latency(bench: Bench) -> None:
    """Requests arrive at random, whatever the ledger does: waiting in line counts."""
    chance = random.Random(1)
    arrivals: list[asyncio.Task[None]] = []
    meter = asyncio.create_task(bench.meter())
    begin = at = time.perf_counter()
    while at < begin + LATENCY_S:
        await asyncio.sleep(max(at - time.perf_counter(), 0))
        arrivals.append(asyncio.create_task(bench.request(metered=False)))
        at += chance.expovariate(RATE_PER_S)
    await asyncio.gather(*arrivals)
    meter.cancel()
    await bench.window()
    print(f"{RATE_PER_S} requests/s, {len(arrivals)} of them:")
    report(bench)


def report(bench: Bench) -> None:
    for name, times in [("admit", bench.admit_ms), ("finish", bench.finish_ms)]:
        cuts = statistics.quantiles(times, n=100)
        print(
            f"  {name:7}p50 {cuts[49]:6.2f} ms   p99 {cuts[98]:6.2f} ms   max {max(times):6.2f} ms"
        )
    bench.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="Its URL; default: a fresh SQLite file here.")
    given = parser.parse_args().database
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".ledger-benchmark-") as folder:
        gc.freeze()  # as a server does once it has started
        bench = Bench(given or f"sqlite:///{Path(folder) / 'ledger.db'}")
        asyncio.run(latency(bench))
        asyncio.run(throughput(bench))
        print(f"{bench.bytes_per_request():.0f} bytes of disk a request, indexes included")
        bench.ledger.close()


if __name__ == "__main__":
    main()
