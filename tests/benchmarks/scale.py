"""How long pages take on a ledger of years: `python -m tests.benchmarks.scale`.

For each size of ledger, written by `db.sample`, every read behind every page is timed: warm (p50
and p95 of 20 repetitions) and cold (the first in a process that has done nothing yet, the
file dropped from the system's cache). A mark ▲ says what is over the goals: 100 ms at p95, 500 ms
cold, 1.3 times as long on the largest ledger as on the smallest (of what takes over 2 ms). Beside
them stand whole pages' figures: all their reads, and the cost model's exact sums over the team.

A year of 10 million requests has a hundred times as many in an hour as one of 100,000, and more
people in a day: answers about the last hour, today and this month's budgets are longer. Whether
the ledger's length makes those slower is told against the largest's last days alone, of as many
requests as the smallest's year.
"""

import gc
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import psutil
from sqlalchemy import Engine

from db.connect import connect
from tests.benchmarks.scale_ledgers import Size, ledgers
from tests.benchmarks.scale_queries import Query, Subject, queries_of, subject_of

ROWS = (100_000, 1_000_000, 10_000_000)
REPETITIONS = 20
RECENT = ("(hour", "(today", "month_use")
WARM_MS, COLD_MS, GROWTH, NOISE_MS = 100.0, 500.0, 1.3, 2.0


@dataclass(frozen=True, slots=True)
class Timing:
    """One query on one ledger, in milliseconds."""

    p50: float
    p95: float
    cold: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One ledger: the timing of each query by its name, and its bytes by table."""

    timings: dict[str, Timing]
    file_bytes: int
    table_bytes: dict[str, int]


def measure(ledgers: dict[Size, Path], repetitions: int) -> dict[Size, Measured]:
    """Time everything, in processes of its own. The cold timings come first: what forks off must
    not have asked anything itself. Warm, the ledgers take turns, so that whatever else the machine
    does slows them alike."""
    subjects: list[Subject] = [_forked(partial(_subject, path)) for path in ledgers.values()]
    asked = list(zip(ledgers.values(), subjects, strict=True))
    plan: list[str] = _forked(lambda: [query.name for query in _queries(*asked[0])])
    cold = [_cold_of_all(path, subject, len(plan)) for path, subject in asked]
    warm = _warm(asked, len(plan), repetitions)
    found = {}
    for number, (size, path) in enumerate(ledgers.items()):
        timings = {
            name: Timing(statistics.median(times), _p95(times), cold[number][place])
            for place, name in enumerate(plan)
            for times in [warm[place][number]]
        }
        tables = _forked(partial(_table_bytes, path))
        found[size] = Measured(timings, path.stat().st_size, tables)
    return found


def _subject(path: Path) -> Subject:
    return subject_of(_open(path))


def _open(path: Path) -> Engine:
    return connect(f"sqlite:///{path}", read_only=True)


def _queries(path: Path, subject: Subject) -> list[Query]:
    engine = _open(path)
    found = queries_of(engine, subject)
    engine.dispose()
    return found


def _cold_of_all(path: Path, subject: Subject, queries: int) -> list[float]:
    print(f"measuring {path.name}, cold …", file=sys.stderr)
    return [_forked(partial(_cold, path, subject, place)) for place in range(queries)]


def _cold(path: Path, subject: Subject, place: int) -> float:
    query = _queries(path, subject)[place]
    _drop_from_cache(path)
    engine = _open(path)
    begin = time.perf_counter()
    query.run(engine)
    return (time.perf_counter() - begin) * 1000


def _warm(
    asked: list[tuple[Path, Subject]], queries: int, repetitions: int
) -> list[list[list[float]]]:
    """By query and ledger, what each repetition took. Each ledger has a process of its own, as a
    product has: of four at once, the collector would go through four times as many objects."""
    print("measuring all of them, warm …", file=sys.stderr)
    context = multiprocessing.get_context("fork")
    orders = []
    for path, subject in asked:
        here, there = context.Pipe()
        context.Process(target=_serve, args=(path, subject, there), daemon=True).start()
        there.close()
        orders.append(here)
    return [_in_turn(orders, place, repetitions) for place in range(queries)]


def _in_turn(orders: list[Connection], place: int, repetitions: int) -> list[list[float]]:
    rounds = [[_ask(order, place) for order in orders] for _ in range(repetitions + 1)]
    return [list(times) for times in zip(*rounds[1:], strict=True)]


def _ask(order: Connection, place: int) -> float:
    try:
        order.send(place)
        taken: float = order.recv()
    except (EOFError, BrokenPipeError):
        sys.exit("A measuring process failed; its error is above.")
    return taken


def _serve(path: Path, subject: Subject, orders: Connection) -> None:
    """Run the queries that are asked for, and tell how many milliseconds each took."""
    engine = _open(path)
    found = queries_of(engine, subject)
    gc.freeze()  # as a server does once it has started
    while True:
        query = found[orders.recv()]
        begin = time.perf_counter()
        query.run(engine)
        orders.send((time.perf_counter() - begin) * 1000)


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[18]


def _drop_from_cache(path: Path) -> None:
    for file in (path, path.with_name(path.name + "-wal")):
        if file.exists():
            descriptor = os.open(file, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def _table_bytes(path: Path) -> dict[str, int]:
    """Of each table, its indexes included."""
    query = (
        "SELECT m.tbl_name, sum(s.pgsize) FROM dbstat s JOIN sqlite_master m ON m.name = s.name"
        " WHERE s.aggregate = 1 GROUP BY 1"
    )
    with _open(path).connect() as connection:
        return {row[0]: row[1] for row in connection.exec_driver_sql(query)}


def _forked(work: Callable[[], Any]) -> Any:
    """The result of work in a child process."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(work()))
    child.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        sys.exit("A measuring process failed; its error is above.")
    finally:
        child.join()


def report(measured: dict[Size, Measured]) -> None:
    """The markdown tables."""
    names = list(next(iter(measured.values())).timings)
    pages = [name for name in names if ".compute " in name]
    reads = [name for name in names if name not in pages]
    over = _table("query", reads, measured)
    print(f"\n{over} of {len(reads)} queries are over a goal (▲).\n")
    _table("a whole page's figures", pages, measured)
    print()
    for size, its in measured.items():
        largest = sorted(its.table_bytes.items(), key=lambda item: -item[1])[:6]
        parts = ", ".join(f"{name} {used / size.rows:,.0f}" for name, used in largest)
        print(f"{size}: {its.file_bytes / size.rows:,.0f} bytes a request; of them {parts}")


def _table(title: str, names: list[str], measured: dict[Size, Measured]) -> int:
    """Print the timings of these; returns how many are over a goal."""
    head = [title, *[f"{size} p50 / p95 / cold ms" for size in measured], "growth"]
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(measured) + 1) + "|")
    over = 0
    for name in names:
        times = {size: its.timings[name] for size, its in measured.items()}
        growth, p50 = _growth(name, times), list(times.values())[-1].p50
        grows = growth > GROWTH and p50 > NOISE_MS
        over += grows or any(
            timing.p95 > WARM_MS or timing.cold > COLD_MS for timing in times.values()
        )
        cells = [
            f"{timing.p50:.1f} / {_mark(timing.p95, WARM_MS)} / {_mark(timing.cold, COLD_MS)}"
            for timing in times.values()
        ]
        print(f"| {name} | " + " | ".join([*cells, f"{growth:.2f}{' ▲' * grows}"]) + " |")
    return over


def _growth(name: str, times: dict[Size, Timing]) -> float:
    """The largest ledger's time, to the smallest's; of what is recent, to its last days'."""
    sizes = list(times)
    recent = any(part in name for part in RECENT)
    base = next((size for size in sizes if size.of_last_days == recent), sizes[0])
    return times[sizes[-1]].p50 / times[base].p50


def _mark(milliseconds: float, most: float) -> str:
    return f"{milliseconds:.1f}{' ▲' * (milliseconds > most)}"


@click.command()
@click.option("--rows", multiple=True, type=click.IntRange(1_000), default=ROWS)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("scale-benchmark"))
@click.option("--repetitions", type=click.IntRange(2), default=REPETITIONS, show_default=True)
def main(rows: tuple[int, ...], folder: Path, repetitions: int) -> None:
    """Time every read behind every page on ledgers of these sizes, which stay in the folder."""
    measured = measure(ledgers(folder, sorted(rows)), repetitions)
    memory = psutil.virtual_memory().total / 2**30
    print(f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB\n")
    report(measured)


if __name__ == "__main__":
    main()
