"""Whether requests are charged the joules that they took: `python -m tests.benchmarks.energy`.

The default model in a real worker process, calibrated first. Each figure is the median of several
runs. `--only` takes some of these parts:

reading    one request's joules against a second meter, read over the same time
twins      two equal requests at once
tokens     ten times the answer
order      the same four requests in other orders of arrival
experts    joules a token by the experts that it uses
overhead   tokens a second with metering and without
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from platformdirs import user_cache_path

from engine.runtime.protocol import Submit
from engine.weights import ensure_default_weights
from tests.benchmarks import metering_overhead
from tests.benchmarks.energy_worker import Charged, Machine, Served, machine
from tests.conftest import make_home

EXPERTS = (0, 4, 8, 12, 16, 20, 24, 26, 28, 32)
FOUR = ((24, 120), (60, 90), (120, 60), (200, 30))  # tokens of prompt and answer


def reading(worker: Machine, runs: int) -> None:
    idle_w = worker.idle_w(6)
    print(f"idle {idle_w:.2f} W by the benchmark's own meter, of which other programs are a part")
    print("     read    idle  request  overhead  others   read − sum   request ÷ (read − idle)")
    differences, plain = [], []
    for _ in range(runs):
        served = worker.serve(worker.request(100, 240))
        told = _parts(served)
        difference = (served.read_j - sum(told)) / told[1]
        above = served.read_j - idle_w * served.seconds
        differences.append(abs(difference))
        plain.append(told[1] / above)
        idle, request, overhead, others = told
        print(
            f"{served.read_j:7.2f} J {idle:7.2f} {request:8.2f} {overhead:9.2f} {others:7.2f}"
            f"   {difference:+9.2%}   {plain[-1]:9.1%}"
        )
    found = statistics.median(differences)
    print(f"the parts are off the second meter by {found:.2%} of the request {_verdict(found, 3)}")
    print(
        f"the request alone is {statistics.median(plain):.1%} of what was read above idling before:"
        " the rest is the engine's\nand this benchmark's work beside its steps, and what other"
        " programs took more, or less, than before"
    )


def _parts(served: Served) -> tuple[float, float, float, float]:
    """Joules of idling, of the requests, of work beside them, and of other programs."""
    return (
        served.total(lambda window: window.idle_j),
        sum(charged.whole_j for charged in served.charged.values()),
        served.total(lambda window: window.overhead_j + window.loading_j),
        served.total(lambda window: window.other_j),
    )


def twins(worker: Machine, runs: int) -> None:
    apart = []
    for run in range(runs):
        served = worker.serve(worker.request(100, 120, run), worker.request(100, 120, run))
        one, other = (charged.whole_j for charged in served.charged.values())
        apart.append(abs(one - other) / ((one + other) / 2))
    found = max(apart)
    print(f"two equal requests at once: {found:.3%} apart at most {_verdict(found, 2)}")


def tokens(worker: Machine, runs: int) -> None:
    after, beside, pair = [], [], []
    for run in range(runs):
        short = _only(worker.serve(worker.request(16, 31, run)))
        long = _only(worker.serve(worker.request(16, 301, run)))
        after.append(long.answer_j / short.answer_j)
        beside.append(_beside_ten(worker, run))
        two = worker.serve(worker.request(16, 31, run), worker.request(16, 301, run))
        one, other = two.charged.values()
        pair.append(other.answer_j / one.answer_j)
    print("an answer of 301 tokens over one of 31: ten times as many decoding steps")
    for name, found in (
        ("one after the other", after),
        ("beside ten short ones in a row", beside),
        ("begun together; the long one ends alone", pair),
    ):
        print(f"  {name:<42}{statistics.median(found):6.2f} ×")


def _beside_ten(worker: Machine, seed: int) -> float:
    """A long answer over the median short one, of which there is always one beside it."""
    long = worker.request(16, 301, seed)
    waiting = [worker.request(16, 31, seed) for _ in range(10)]
    first = waiting.pop()

    def then(ended: int) -> Submit | None:
        return waiting.pop() if waiting and ended != long.request_id else None

    served = worker.serve(long, first, then=then)
    shorts = [c.answer_j for number, c in served.charged.items() if number != long.request_id]
    return served.charged[long.request_id].answer_j / statistics.median(shorts)


def order(worker: Machine, runs: int) -> None:
    orders = [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1)]
    found: dict[tuple[int, ...], list[list[float]]] = {one: [] for one in orders}
    again: list[list[float]] = []
    for _ in range(runs):
        for one in orders:
            found[one].append(_in_order(worker, one))
        again.append(_in_order(worker, orders[0]))
    medians = [_medians(values) for values in found.values()]
    floor = [abs(a / b - 1) for a, b in zip(_medians(again), medians[0], strict=True)]
    print("four requests (prompt + answer), joules by order of arrival   most apart   noise")
    for index, (prompt, answer) in enumerate(FOUR):
        told = [values[index] for values in medians]
        apart = max(told) / min(told) - 1
        row = " ".join(f"{joules:8.2f}" for joules in told)
        print(f"  {prompt:3} + {answer:3} tokens  {row}   {apart:15.1%} {floor[index]:10.1%}")
    totals = [sum(values) for values in medians]
    row = " ".join(f"{joules:8.2f}" for joules in totals)
    print(f"  all four          {row}   {max(totals) / min(totals) - 1:15.1%}")


def _in_order(worker: Machine, one: Sequence[int]) -> list[float]:
    """Joules of each of the four, in the order of FOUR."""
    requests = {index: worker.request(*FOUR[index], seed=index) for index in one}
    served = worker.serve(*requests.values())
    return [served.charged[requests[index].request_id].whole_j for index in range(len(FOUR))]


def _medians(runs: Sequence[Sequence[float]]) -> list[float]:
    return [statistics.median(values) for values in zip(*runs, strict=True)]


def experts(worker: Machine, runs: int) -> None:
    ready = worker.ready
    found: dict[int, list[Charged]] = {count: [] for count in EXPERTS}
    for run in range(runs):
        for count in EXPERTS:
            worker.use_experts(count)
            found[count].append(_only(worker.serve(worker.request(128, 96, run))))
    worker.use_experts(None)
    print(
        f"routed experts a token, of {ready.routed_experts}, beside {ready.shared_experts} shared"
    )
    print("         mJ an answer's token    mJ a prompt's token")
    most = statistics.median(c.token_j for c in found[EXPERTS[-1]])
    for count, charged in found.items():
        answer = statistics.median(c.token_j for c in charged)
        prompt = statistics.median(c.prompt_j / c.prompt_tokens for c in charged)
        bar = "█" * round(30 * answer / most)
        default = " default" if count == ready.default_experts_per_token else ""
        print(f"  {count:3} {1000 * answer:16.2f} {1000 * prompt:24.2f}   {bar}{default}")


def overhead(weights: Path, runs: int) -> None:
    for together in (1, 8):
        pairs = metering_overhead.ratios(weights, together, pairs=20 * runs)
        wall = statistics.median(pair.wall_s for pair in pairs)
        processor = statistics.median(pair.processor_s for pair in pairs)
        print(
            f"{together} at once: tokens a second with metering over without {wall:.4f}, by "
            f"processor time {processor:.4f} ({len(pairs)} pairs) {_verdict(1 - wall, 1)}"
        )
    share = metering_overhead.sampling_s() * 10
    print(f"reading the meters ten times a second takes {share:.3%} of a processor")


def _only(served: Served) -> Charged:
    (charged,) = served.charged.values()
    return charged


def _verdict(found: float, percent: float) -> str:
    return f"(at most {percent:g}%: {'holds' if found <= percent / 100 else 'DOES NOT HOLD'})"


ON_WORKER: dict[str, Callable[[Machine, int], None]] = {
    "reading": reading,
    "twins": twins,
    "tokens": tokens,
    "order": order,
    "experts": experts,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.energy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=[*ON_WORKER, "overhead"], metavar="PART")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--calibration", type=Path, help="use this file instead of measuring anew")
    parser.add_argument("--uncalibrated", action="store_true", help="charge by the built-in costs")
    asked = parser.parse_args()
    wanted = asked.only or [*ON_WORKER, "overhead"]
    weights_dir = user_cache_path("breakeven-tests", appauthor=False) / "weights"
    weights = ensure_default_weights(weights_dir)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} processors, load average {load}")
    with tempfile.TemporaryDirectory(prefix="breakeven-energy-") as folder:
        calibration: Path | None = asked.calibration
        on_worker = [part for part in wanted if part in ON_WORKER]
        if on_worker and not calibration and not asked.uncalibrated:
            calibration = _calibrate(make_home(Path(folder) / "home", weights_dir))
        if on_worker:
            with machine(weights, calibration) as worker:
                _tell_meters(worker)
                worker.idle_w(5)  # so that the worker knows it as well
                for part in on_worker:
                    print(f"\n{part}", flush=True)
                    ON_WORKER[part](worker, asked.runs)
    if "overhead" in wanted:
        print("\noverhead", flush=True)
        overhead(weights, asked.runs)


def _calibrate(home: Path) -> Path:
    environment = {**os.environ, "BREAKEVEN_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "engine", "calibrate"], env=environment, check=True)
    return home / "calibration.json"


def _tell_meters(worker: Machine) -> None:
    ready = worker.ready
    used = ", ".join(meter["name"] for meter in ready.meters if meter["state"] == "used")
    how = "calibrated" if ready.calibration else "not calibrated"
    print(f"{ready.model}, {ready.precision}, {ready.threads} threads; meters: {used}; {how}")


if __name__ == "__main__":
    main()
