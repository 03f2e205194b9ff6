"""The queue's simulation in a process of its own: seconds of arithmetic here would slow every
answer that the gateway gives meanwhile.

`python -m dashboard.planner.simulation` reads a scenario's JSON and writes a line of JSON at each
run's beginning, and the queue's in the last.
"""

import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from pydantic import BaseModel

from dashboard.costs.plan import Progress, QueuePlan, queue
from dashboard.costs.scenario import Scenario, from_json, to_json

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_S = 120
HEARD_EVERY_S = 0.3
COMMAND = (sys.executable, "-m", "dashboard.planner.simulation")


class SimulationError(RuntimeError):
    """There is no result, and why, in words."""


class Line(BaseModel):
    """One of both."""

    progress: Progress | None = None
    result: QueuePlan | None = None


def simulate(scenario: Scenario) -> Generator[Progress | QueuePlan | None]:
    """How far it is, time and again, and the result at last; None where there is nothing new, so
    that whoever waits can stop. Closing the iterator ends the process.

    SimulationError after two minutes, or where the process was ended.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT
        )
        try:
            _send(process, to_json(scenario))
            lines = _lines(process)
            deadline = time.monotonic() + LONGEST_S
            while time.monotonic() < deadline:
                try:
                    text = lines.get(timeout=HEARD_EVERY_S)
                except Empty:
                    yield None
                    continue
                if not text:
                    raise _no_result(errors)
                line = Line.model_validate_json(text)
                if line.result is not None:
                    yield line.result
                    return
                yield line.progress
        finally:
            process.kill()
            process.wait()
    raise SimulationError(
        f"The simulation was stopped after {LONGEST_S} seconds. Plan for a smaller team, or "
        "shorter prompts and answers."
    )


def _send(process: "subprocess.Popen[bytes]", text: str) -> None:
    """It reads all before it writes anything. What it died of is told when its lines end."""
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(text.encode())


def _lines(process: "subprocess.Popen[bytes]") -> "SimpleQueue[bytes]":
    """What it writes, line by line; an empty one after the last."""
    lines: SimpleQueue[bytes] = SimpleQueue()

    def read() -> None:
        if process.stdout is not None:
            with process.stdout as pipe:
                for line in pipe:
                    lines.put(line)
        lines.put(b"")

    threading.Thread(target=read, daemon=True).start()
    return lines


def _no_result(errors: IO[bytes]) -> SimulationError:
    errors.seek(0)
    log.error("The queue's simulation failed: %s", errors.read().decode(errors="replace"))
    return SimulationError("The simulation ended without a result; the server's log says why.")


def main() -> None:
    def tell(line: Line) -> None:
        sys.stdout.write(line.model_dump_json() + "\n")
        sys.stdout.flush()

    found = queue(from_json(sys.stdin.read()), lambda progress: tell(Line(progress=progress)))
    tell(Line(result=found))


if __name__ == "__main__":
    main()
