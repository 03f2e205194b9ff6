"""How fast the energy of a long time is read: `python -m tests.benchmarks.energy_queries`.

Ledgers with a minute of energy for every minute of a quarter of a year, or of a year, by one or
three machines of three meters each; every query behind the Energy page and the Overview over all
of it, as a reader in Berlin and one in India ask it.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from db import energy_queries, energy_rollups, queries
from db.connect import connect, writing
from db.migrate import migrate
from db.schema import EnergyInterval, MeterReading

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
YEAR_DAYS = 365
LEDGERS = ((91, 1), (YEAR_DAYS, 1), (91, 3), (YEAR_DAYS, 3))  # days, machines
END = 1_767_225_600_000 - 37 * MINUTE - 12_345  # shortly before 2026
RUNS = 20
METERS = (("rapl", "processor", 40.0), ("nvml", "accelerator", 250.0), ("wall", "machine", 330.0))


def main() -> None:
    for days, machines in LEDGERS:
        with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".energy-benchmark-") as folder:
            path = Path(folder) / "ledger.db"
            engine = connect(f"sqlite:///{path}")
            migrate(engine)
            rebuilt_s = fill(engine, days, machines)
            print(f"{days} days of {machines} machines, {path.stat().st_size / 2**20:,.0f} MiB;")
            print(f"  added up anew in {rebuilt_s:.1f} s")
            report(engine, days)
            engine.dispose()


def fill(engine: Engine, days: int, machines: int) -> float:
    """Write the minutes; how many seconds adding all of them up takes."""
    first = END // MINUTE * MINUTE - days * DAY
    ats = range(first, END, MINUTE)
    with writing(engine) as connection:
        for rows in batches(interval(at, name) for at in ats for name in names(machines)):
            connection.execute(insert(EnergyInterval), rows)
        readings = (row for at in ats for name in names(machines) for row in reading(at, name))
        for rows in batches(readings):
            connection.execute(insert(MeterReading), rows)
    begin = time.perf_counter()
    with writing(engine) as connection:
        energy_rollups.rebuild(connection)
    return time.perf_counter() - begin


def names(machines: int) -> list[str]:
    return ["here", *(f"gpu-{number}" for number in range(1, machines))]


def batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    found = iter(rows)
    while batch := list(islice(found, 20_000)):
        yield batch


def interval(at: int, machine: str) -> dict[str, Any]:
    """A minute in five hundred is silent."""
    number = at // MINUTE
    known = number % 500 != 0
    served = 3_000.0 + number % 7_000
    joules = {
        "attributed_j": served, "idle_j": 4_000.0, "overhead_j": 2_000.0, "loading_j": 0.0,
        "other_j": 300.0, "unclaimed_j": 0.0, "uncertainty_j": 500.0, "total_j": served + 6_300.0,
    }  # fmt: skip
    return {
        "minute_at": at, "machine": machine, "started_at": at, "ended_at": at + MINUTE,
        "duration_ms": MINUTE, "source": f"nvml+rapl@{machine}",
        "basis": "measured" if known else "unknown",
        **(joules if known else dict.fromkeys(joules)),
    }  # fmt: skip


def reading(at: int, machine: str) -> Iterator[dict[str, Any]]:
    for meter, kind, watts in METERS:
        yield {
            "minute_at": at, "machine": machine, "meter": meter, "device": "0", "kind": kind,
            "basis": "measured", "accuracy": 0.05, "energy_j": watts * 60, "known_ms": MINUTE,
            "unknown_ms": 0,
        }  # fmt: skip


def report(engine: Engine, days: int) -> None:
    berlin, india = END - days * DAY, END - days * DAY
    berlin -= berlin % DAY + 60 * MINUTE - DAY
    india -= india % DAY + 330 * MINUTE - DAY
    for name, query in asked(engine, berlin, india).items():
        engine.dispose()
        begin = time.perf_counter()
        query()
        first_ms = (time.perf_counter() - begin) * 1000
        times = []
        for _ in range(RUNS):
            begin = time.perf_counter()
            query()
            times.append((time.perf_counter() - begin) * 1000)
        p95 = statistics.quantiles(times, n=20)[18]
        print(
            f"  {name:38}p50 {statistics.median(times):7.1f} ms   p95 {p95:7.1f} ms"
            f"   with a new connection {first_ms:7.1f} ms"
        )


def asked(engine: Engine, berlin: int, india: int) -> dict[str, Callable[[], Any]]:
    """Each query, from local midnights; `odd` is a range cut by a change of prices."""
    q, e = queries, energy_queries
    odd = berlin + 7_654_321
    piece = -(-(END - odd) // 48 // MINUTE) * MINUTE
    return {
        "energy_between": lambda: q.energy_between(engine, berlin, END),
        "energy_between, odd": lambda: q.energy_between(engine, odd, END - 5 * DAY),
        "energy_timeline, days": lambda: q.energy_timeline(engine, berlin, END, DAY),
        "energy_timeline, days, India": lambda: q.energy_timeline(engine, india, END, DAY),
        "energy_timeline, 48 odd pieces": lambda: q.energy_timeline(engine, odd, END, piece),
        "energy_by_time, days": lambda: e.energy_by_time(engine, berlin, END, DAY),
        "energy_by_time, days, India": lambda: e.energy_by_time(engine, india, END, DAY),
        "energy_by_quarter, whole hours": lambda: e.energy_by_quarter(
            engine, berlin, END, whole_hours=True, changes=[odd]
        ),
        "energy_by_quarter, India": lambda: e.energy_by_quarter(engine, india, END),
        "meters": lambda: e.meters(engine, berlin, END),
        "meters, India": lambda: e.meters(engine, india, END),
        "whole_and_parts": lambda: e.whole_and_parts(engine, berlin, END),
        "energy_timeline, today": lambda: q.energy_timeline(engine, END - DAY, END, 15 * MINUTE),
        "has_energy": lambda: e.has_energy(engine),
    }


if __name__ == "__main__":
    main()
