"""How long pages take on a ledger of years: `python -m tests.benchmarks.scale`.

For each size of ledger, written by `db.sample`, every read behind every page is timed: warm (p50
and p95 of 20 repetitions) and cold (the first in a process that has done nothing yet, the
file dropped from the system's cache). A mark ▲ says what is over the goals: 100 ms at p95, 500 ms
cold, 1.3 times as long on the largest ledger as on the smallest (of what takes over 2 ms). Beside
them stand whole pages' figures: all their reads, and the cost model's exact sums over the team.
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
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import click
import psutil
from sqlalchemy import Engine

from db.connect import connect
from db.sample import write_large_sample
from tests.benchmarks.scale_queries import Query, Subject, queries_of, subject_of

ROWS = (100_000, 1_000_000, 10_000_000)
REPETITIONS = 20
WARM_MS, COLD_MS, GROWTH, NOISE_MS = 100.0, 500.0, 1.3, 2.0
UNTIL_MS = 1_779_886_800_000  # 27 May 2026, a Wednesday, at 15:00 in Berlin


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


def made(folder: Path, rows: int) -> Path:
    """The sample of this many requests; it is kept between runs."""
    name = f"{Decimal(rows).normalize():e}".replace("+", "")
    path = folder / f"sample-{name}.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        begin = time.perf_counter()
        with click.progressbar(length=rows, label=path.name, file=sys.stderr) as bar:
            unfinished = path.with_suffix(".making")
            unfinished.unlink(missing_ok=True)
            write_large_sample(
                f"sqlite:///{unfinished}", rows, until_ms=UNTIL_MS, progress=bar.update
            )
            unfinished.rename(path)
        print(f"{path.name} was written in {time.perf_counter() - begin:.0f} s", file=sys.stderr)
    return path


def measure(ledgers: dict[int, Path], repetitions: int) -> dict[int, Measured]:
    """Time everything, in processes of its own. The cold timings come first: what forks off must
    not have asked anything itself. Warm, the ledgers take turns, so that whatever else the machine
    does slows them alike."""
    subjects: list[Subject] = [_forked(partial(_subject, path)) for path in ledgers.values()]
    asked = list(zip(ledgers.values(), subjects, strict=True))
    plan: list[str] = _forked(lambda: [query.name for query in _queries(*asked[0])])
    cold = [_cold_of_all(path, subject, len(plan)) for path, subject in asked]
    warm: list[list[list[float]]] = _forked(lambda: _warm(asked, repetitions))
    found = {}
    for number, (rows, path) in enumerate(ledgers.items()):
        timings = {
            name: Timing(statistics.median(times), _p95(times), cold[number][place])
            for place, name in enumerate(plan)
            for times in [warm[place][number]]
        }
        tables = _forked(partial(_table_bytes, path))
        found[rows] = Measured(timings, path.stat().st_size, tables)
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


def _warm(asked: list[tuple[Path, Subject]], repetitions: int) -> list[list[list[float]]]:
    """By query and ledger, what each repetition took."""
    print("measuring all of them, warm …", file=sys.stderr)
    engines = [_open(path) for path, _ in asked]
    gc.freeze()  # as a server does once it has started
    of_ledgers = [
        queries_of(engine, subject) for engine, (_, subject) in zip(engines, asked, strict=True)
    ]
    return [_in_turn(list(zip(same, engines, strict=True)), repetitions)
            for same in zip(*of_ledgers, strict=True)]  # fmt: skip


def _in_turn(same: list[tuple[Query, Engine]], repetitions: int) -> list[list[float]]:
    for query, engine in same:
        query.run(engine)
    times: list[list[float]] = [[] for _ in same]
    for _ in range(repetitions):
        for (query, engine), taken in zip(same, times, strict=True):
            begin = time.perf_counter()
            query.run(engine)
            taken.append((time.perf_counter() - begin) * 1000)
    return times


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


def report(measured: dict[int, Measured]) -> None:
    """The markdown tables."""
    sizes = sorted(measured)
    names = list(measured[sizes[0]].timings)
    pages = [name for name in names if ".compute " in name]
    reads = [name for name in names if name not in pages]
    over = _table("query", reads, measured)
    print(f"\n{over} of {len(reads)} queries are over a goal (▲).\n")
    _table("a whole page's figures", pages, measured)
    print()
    for rows in sizes:
        its = measured[rows]
        largest = sorted(its.table_bytes.items(), key=lambda item: -item[1])[:6]
        parts = ", ".join(f"{name} {size / rows:,.0f}" for name, size in largest)
        print(f"{rows:,} requests: {its.file_bytes / rows:,.0f} bytes a request; of them {parts}")


def _table(title: str, names: list[str], measured: dict[int, Measured]) -> int:
    """Print the timings of these; returns how many are over a goal."""
    sizes = sorted(measured)
    head = [title, *[f"{rows:,} p50 / p95 / cold ms" for rows in sizes], "growth"]
    print("| " + " | ".join(head) + " |")
    print("|---" + "|---:" * (len(sizes) + 1) + "|")
    over = 0
    for name in names:
        times = [measured[rows].timings[name] for rows in sizes]
        growth = times[-1].p50 / times[0].p50
        grows = growth > GROWTH and times[-1].p50 > NOISE_MS
        over += grows or any(timing.p95 > WARM_MS or timing.cold > COLD_MS for timing in times)
        cells = [
            f"{timing.p50:.1f} / {_mark(timing.p95, WARM_MS)} / {_mark(timing.cold, COLD_MS)}"
            for timing in times
        ]
        print(f"| {name} | " + " | ".join([*cells, f"{growth:.2f}{' ▲' * grows}"]) + " |")
    return over


def _mark(milliseconds: float, most: float) -> str:
    return f"{milliseconds:.1f}{' ▲' * (milliseconds > most)}"


@click.command()
@click.option("--rows", multiple=True, type=click.IntRange(1_000), default=ROWS)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("scale-benchmark"))
@click.option("--repetitions", type=click.IntRange(2), default=REPETITIONS, show_default=True)
def main(rows: tuple[int, ...], folder: Path, repetitions: int) -> None:
    """Time every read behind every page on ledgers of these sizes, which stay in the folder."""
    measured = measure({count: made(folder, count) for count in sorted(rows)}, repetitions)
    memory = psutil.virtual_memory().total / 2**30
    print(f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB\n")
    report(measured)


if __name__ == "__main__":
    main()
