"""What the gateway adds, beside LiteLLM's proxy: `python -m tests.benchmarks.gateway`.

Both front the same upstream, which answers at once, in the same run on this machine, one process
each. First as many requests a second as each answers over 32 connections; then the time of a
request at half of LiteLLM's rate, arriving at random, from which the upstream's own time without a
gateway is taken off. The sides take turns, and a ratio is the median of the rounds' ratios. Every
answer is checked word for word. The ledger must hold each answered request, durably.

LiteLLM needs an environment of its own (`--litellm`, by default ~/.cache/breakeven-litellm); how
it logs what each request spent is told in `litellm_spend_log.py` and `litellm_proxy.py`.
"""

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from tests.benchmarks.litellm_proxy import HOW_TO_INSTALL, LiteLLM
from tests.benchmarks.load import Client, Run, Target, at_rate, flat_out, without_pauses
from tests.product import ROOT, Product, free_port

CONNECTIONS = 32
ROWS_WITHIN_S = 15.0
KINDS = {False: "whole", True: "stream"}

Load = Callable[[Client], Coroutine[Any, Any, Run]]


@contextmanager
def upstream() -> Iterator[Target]:
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.instant_upstream", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield Target("direct", port)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def breakeven(folder: Path, upstream_port: int) -> Iterator[Target]:
    """The gateway alone, without a model of its own, on a fresh ledger."""
    os.environ["BREAKEVEN_UPSTREAMS"] = f"http://127.0.0.1:{upstream_port}/v1"
    os.environ["BREAKEVEN_MODEL"] = "none"
    folder.mkdir()
    product = Product(folder, "serve")
    created = product.run("db", "key", "create", "--developer", "bench")
    key = "bk-" + created.split("bk-")[1].split()[0]

    def rows() -> int:
        with sqlite3.connect(folder / "ledger.db") as ledger:
            answered = "select count(*) from requests where status = 'ok'"
            return int(ledger.execute(answered).fetchone()[0])

    try:
        product.start()
        yield Target("Breakeven", product.port, key, rows)
    finally:
        product.stop()


@contextmanager
def litellm(proxy: LiteLLM) -> Iterator[Target]:
    try:
        proxy.start()
        yield proxy.target
    finally:
        proxy.stop()


def measured(target: Target, load: Load, *, stream: bool) -> Run:
    """One run, after which the target's log has had time to hold all of its requests."""
    before = target.rows() if target.rows else 0
    run = without_pauses(lambda: uvloop.run(load(Client(target, stream=stream))))
    if target.rows:
        deadline = time.monotonic() + ROWS_WITHIN_S
        while target.rows() - before < run.answered and time.monotonic() < deadline:
            time.sleep(0.1)
        run.rows = target.rows() - before
    return run


def in_turns(targets: list[Target], load: Load, rounds: int, *, stream: bool) -> list[list[Run]]:
    """Each target's runs, one a round; another target begins each round."""
    runs: list[list[Run]] = [[] for _ in targets]
    for number in range(rounds):
        for turn in range(len(targets)):
            index = (number + turn) % len(targets)
            runs[index].append(measured(targets[index], load, stream=stream))
    return runs


def compare(targets: list[Target], rounds: int, seconds: float) -> list[list[Run]]:
    """Load the upstream, LiteLLM and Breakeven and print the table; gives each one's runs."""
    print(f"{'':<32}{'direct':>10}{'LiteLLM':>10}{'Breakeven':>11}{'ratio':>10}")
    runs: list[list[Run]] = [[] for _ in targets]
    for stream, kind in KINDS.items():
        flat = partial(flat_out, connections=CONNECTIONS, seconds=seconds)
        fast = in_turns(targets[1:], flat, rounds, stream=stream)
        rates = [[run.rate for run in one] for one in fast]
        print_row(f"{kind}, requests/s", [[], *rates], ratio_of=rates, wanted="at least 5")
        rate = median(rates[0]) / 2
        # Quantiles need many requests, and LiteLLM answers few a second: hence twice as long.
        on_timetable = partial(at_rate, rate=rate, seconds=2 * seconds)
        paced = in_turns(targets, on_timetable, rounds, stream=stream)
        print_latency(f"{kind} at {rate:.0f}/s", paced)
        runs = [[*all_, *new] for all_, new in zip(runs, [[], *fast], strict=True)]
        runs = [[*all_, *new] for all_, new in zip(runs, paced, strict=True)]
    return runs


def print_latency(name: str, paced: list[list[Run]]) -> None:
    for percent, wanted in [(50, ""), (99, "at most 0.33")]:
        times = [[run.quantile_ms(percent) for run in one] for one in paced]
        print_row(f"{name}, p{percent} ms", times)
        added = [[ms - base for ms, base in zip(one, times[0], strict=True)] for one in times[1:]]
        print_row("  added by the gateway", [[], *added], ratio_of=added, wanted=wanted)


def print_row(
    name: str,
    columns: list[list[float]],
    *,
    ratio_of: list[list[float]] | None = None,
    wanted: str = "",
) -> None:
    """The median of each column's rounds, and the median of the last two's ratios by round."""
    figures = "".join(
        f"{median(column):>{width}.{0 if median(column) >= 100 else 1}f}" if column else " " * width
        for column, width in zip(columns, (10, 10, 11), strict=True)
    )
    line = f"{name:<32}{figures}"
    if ratio_of:
        theirs, ours = ratio_of
        ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
        line += f"{ratio:>8.2f} x"
    print(f"{line}  {wanted}".rstrip(), flush=True)


def print_rows(target: Target, runs: list[Run]) -> None:
    """What became of the target's requests, on the wire and in its log."""
    answered, rows = sum(run.answered for run in runs), sum(run.rows for run in runs)
    failures = [failure for run in runs for failure in run.failures]
    logged = f", {rows} rows logged" if target.rows else ""
    print(f"{target.name}: {answered} answered{logged}, {len(failures)} failed")
    for failure in failures[:3]:
        print(f"  {failure}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--litellm", type=Path, default=Path("~/.cache/breakeven-litellm"))
    parser.add_argument("--litellm-workers", type=int, default=1, help="its processes (default 1)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a run at full speed")
    asked = parser.parse_args()
    venv = asked.litellm.expanduser()
    if not (venv / "bin" / "litellm").exists():
        parser.error(f"no LiteLLM in {venv}; make it: {HOW_TO_INSTALL.format(venv)}")
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".gateway-benchmark-") as folder,
        upstream() as direct,
    ):
        proxy = LiteLLM(venv, Path(folder) / "litellm", direct.port, asked.litellm_workers)
        print(f"{proxy.version()}, {asked.litellm_workers} worker(s); spend by callback to SQLite")
        print(f"Breakeven, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
        print(f"{os.cpu_count()} processors, {asked.rounds} rounds, {CONNECTIONS} connections\n")
        with litellm(proxy) as theirs, breakeven(Path(folder) / "home", direct.port) as ours:
            targets = [direct, theirs, ours]
            runs = compare(targets, asked.rounds, asked.seconds)
    for target, all_ in zip(targets, runs, strict=True):
        print_rows(target, all_)
    assert all(run.rows == run.answered for run in runs[-1]), "the ledger misses requests"


if __name__ == "__main__":
    main()
