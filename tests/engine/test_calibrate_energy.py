"""`python -m engine calibrate`, and the worker that uses what it wrote."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.calibrate_energy import NothingRead, calibrate
from engine.energy import calibration
from engine.energy.calibration import Calibration, Setup
from engine.energy.meter_set import MeterSet
from engine.energy.work import StepCosts
from engine.model.model import Model
from engine.model.tokenizer import Tokenizer
from engine.runtime.calibrating import shapes_of
from engine.runtime.engine import Engine
from engine.runtime.protocol import Ready
from tests.engine.energy.machine import Machine
from tests.engine.runtime.test_worker import Gateway

COMMAND = [sys.executable, "-m", "engine", "calibrate"]


def earlier() -> Calibration:
    setup = Setup("another model", "int8", "torch", 2, False, "rapl")
    return Calibration("2026-01-01T00:00:00+00:00", setup, StepCosts(), 0.5, "rapl")


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "BREAKEVEN_HOME": str(home)}


@pytest.mark.slow
def test_what_was_calibrated_is_what_the_worker_charges_by(home: Path, gguf_path: Path) -> None:
    earlier().save(home)
    done = subprocess.run(COMMAND, env=environment(home), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = calibration.read(home)
    assert found is not None
    assert (found.setup.model, found.setup.precision) == ("SmolLM2-135M-Instruct", "int4")
    assert 0 < found.error < 1
    assert found.costs.prefill_flop > 0
    assert all(watts > 0 for watts in found.idle_w.values())
    assert f"median error {found.error:.1%}" in done.stdout
    assert "mixed steps, which were not used to find them" in done.stdout
    assert "from the engine's next start" in done.stdout
    assert ("an estimate" in done.stdout) == ("cpu-estimate" in found.source)

    gateway = Gateway(gguf_path, home)
    ready = gateway.next()
    gateway.close()
    assert isinstance(ready, Ready)
    assert ready.calibration == {
        "at": found.at, "error": found.error, "source": found.source,
    }  # fmt: skip
    assert not list(home.glob("calibration.json.*"))


def test_an_interruption_leaves_the_earlier_calibration(home: Path) -> None:
    earlier().save(home)
    before = (home / "calibration.json").read_bytes()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        COMMAND,
        env=environment(home),
        stderr=theirs,
        stdout=subprocess.DEVNULL,
        # Where the tests run in a shell's background, it ignores interruptions, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + 60
    while b"Idling" not in seen:
        assert time.monotonic() < deadline, seen
        seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert b"Interrupted: nothing was changed." in os.read(ours, 4096)
    os.close(ours)
    assert (home / "calibration.json").read_bytes() == before
    assert calibration.read(home) == earlier()


def test_without_a_reading_nothing_is_calibrated(dense_int4: Model, tokenizer: Tokenizer) -> None:
    dead = MeterSet((Machine(fails=True),))
    with pytest.raises(NothingRead, match="No energy meter gives a reading"):
        calibrate(Engine(dense_int4, tokenizer, 8), dead, threads=2, offload=False)


def test_a_model_that_cannot_be_had_is_one_clear_line(home: Path) -> None:
    command = [*COMMAND, "--model", "no-such-model"]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("There is no model 'no-such-model'")
    assert "Traceback" not in done.stderr


def test_steps_are_measured_with_few_and_all_experts_where_these_can_be_set(
    dense_int4: Model,
) -> None:
    shapes = shapes_of(dense_int4)
    assert {shape.experts for shape in shapes} == {None}  # a dense model has none
    assert {shape.answers for shape in shapes if not shape.prompt} >= {1, 2, 4, 8}
    assert any(shape.is_mixed for shape in shapes)
    assert max(shape.context for shape in shapes) == 1024


def test_a_file_of_another_version_is_no_calibration(home: Path) -> None:
    earlier().save(home)
    kept = json.loads((home / "calibration.json").read_text())
    kept["costs"] = {"flop": 1.0, "byte": 8.0}
    (home / "calibration.json").write_text(json.dumps(kept))
    assert calibration.read(home) is None
