"""The queue's simulation in a process of its own: seconds of arithmetic here would slow every
answer that the gateway gives meanwhile.

`python -m dashboard.planner.simulation` reads a scenario's JSON and writes the queue's.
"""

import logging
import subprocess
import sys
from pathlib import Path

from dashboard.costs.plan import QueuePlan, queue
from dashboard.costs.scenario import Scenario, from_json, to_json

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_S = 120


class SimulationError(RuntimeError):
    """There is no result, and why, in words."""


def simulate(scenario: Scenario) -> QueuePlan:
    """Takes seconds. SimulationError after two minutes, or where the process was ended."""
    command = [sys.executable, "-m", "dashboard.planner.simulation"]
    try:
        done = subprocess.run(
            command,
            input=to_json(scenario).encode(),
            capture_output=True,
            cwd=ROOT,
            timeout=LONGEST_S,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise SimulationError(
            f"The simulation was stopped after {LONGEST_S} seconds. Plan for a smaller team, or "
            "shorter prompts and answers."
        ) from error
    except subprocess.CalledProcessError as error:
        log.error("The queue's simulation failed: %s", error.stderr.decode(errors="replace"))
        raise SimulationError(
            "The simulation ended without a result; the server's log says why."
        ) from error
    return QueuePlan.model_validate_json(done.stdout)


def main() -> None:
    found = queue(from_json(sys.stdin.read()))
    sys.stdout.write(found.model_dump_json())


if __name__ == "__main__":
    main()
