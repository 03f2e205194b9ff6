"""`python -m engine calibrate`: measures what this model's steps cost on this machine, in joules.

The result stays in the home as `calibration.json`. Workers divide the energy of a step over its
requests by it from their next start on.
"""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

# Before torch, as in the worker: threads that spin while they wait would be measured too.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import click
import torch

from db.settings import Settings
from engine.energy.attribution import Attributor
from engine.energy.calibration import FILE, Calibration
from engine.energy.fit import fit, median_error
from engine.energy.meter_set import MeterSet
from engine.energy.work import StepCosts
from engine.local_engine import load_engine
from engine.machine_meters import machine_meters
from engine.model.errors import ModelFileError
from engine.model.threads import thread_count
from engine.runtime.calibrating import TOGETHER, Bench, Block, Idling, shapes_of
from engine.runtime.engine import Engine
from engine.runtime.work import setup_of
from engine.weights import WeightsError

ENOUGH_S = 45.0  # after the first round over all shapes no more are begun
ROUNDS = 3
BUSY = 0.15

_IN_WORDS = (
    ("prefill_flop", "an operation on a prompt", 1e12, "pJ"),
    ("decode_flop", "an operation on an answer", 1e12, "pJ"),
    ("weight_byte", "a byte of weights read", 1e9, "nJ"),
    ("cache_byte", "a byte of cache read", 1e9, "nJ"),
    ("step", "a step in itself", 1e3, "mJ"),
)


class NothingRead(Exception):  # noqa: N818 (a state, as people read it)
    """The meters gave nothing to calibrate with."""


def run(settings: Settings) -> None:
    """Measures, tells and saves; exits 1 with one line where it cannot."""
    try:
        threads = thread_count(settings.threads)
        torch.set_num_threads(threads)
        _progress("Loading the model")
        engine = load_engine(settings, threads, TOGETHER)
        calibrated = calibrate(engine, machine_meters(settings), threads, settings.offload)
    except (WeightsError, ModelFileError, NothingRead) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("\nInterrupted: nothing was changed.", err=True)
        sys.exit(130)
    calibrated.save(settings.home)
    click.echo(
        f"Saved in {settings.home / FILE}. Requests are charged by it from the engine's next start."
    )


def calibrate(engine: Engine, meters: MeterSet, threads: int, offload: bool) -> Calibration:
    """Measures with the machine's meters and tells what was found. Raises NothingRead."""
    began = time.monotonic()
    with Attributor(meters) as attributor:
        settle_s = max((meter.settle_s for meter in meters.meters), default=0.0)
        bench = Bench(engine, attributor, settle_s)
        bench.warm_up()
        _progress("Idling, for the power with nothing to do")
        idling = bench.idle()
        if idling.window.total_j is None:
            raise NothingRead(
                "No energy meter gives a reading, so nothing can be calibrated: "
                "`python -m engine meters` says why."
            )
        blocks = _measure(bench, engine, began + ENOUGH_S)
    _progress(None)
    fitted = [(block.work, block.joules) for block in blocks if not block.shape.is_mixed]
    held_out = [(block.work, block.joules) for block in blocks if block.shape.is_mixed]
    if not fitted:
        raise NothingRead("The energy meters gave no reading while steps ran: try again.")
    costs = fit(fitted)
    calibrated = Calibration(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        setup=setup_of(engine.model, threads, offload, meters),
        costs=costs,
        error=median_error(costs, fitted),
        source=meters.source,
        idle_w={
            (device.meter, device.device): device.idle_w
            for device in idling.window.devices
            if device.idle_w is not None
        },
    )
    _tell(calibrated, meters, idling)
    click.echo(f"median error {calibrated.error:.1%} over {len(fitted)} shapes of steps", nl=False)
    if held_out:
        told = median_error(costs, held_out)
        click.echo(f"; {told:.1%} on mixed steps, which were not used to find them", nl=False)
    click.echo()
    return calibrated


def _measure(bench: Bench, engine: Engine, until: float) -> list[Block]:
    """Of each shape the block in the middle of all rounds, by its joules a step."""
    shapes = shapes_of(engine.model)
    found: dict[str, list[Block]] = {str(shape): [] for shape in shapes}
    for number in range(ROUNDS):
        for index, shape in enumerate(shapes):
            if number and time.monotonic() > until:
                break
            done = (number * len(shapes) + index) / (ROUNDS * len(shapes))
            _progress(f"{done:4.0%}  {shape}")
            block = bench.measure(shape)
            if block is not None:
                found[str(shape)].append(block)
    return [_middle(blocks) for blocks in found.values() if blocks]


def _middle(blocks: Sequence[Block]) -> Block:
    return sorted(blocks, key=lambda block: block.joules / block.steps)[len(blocks) // 2]


def _tell(calibrated: Calibration, meters: MeterSet, idling: Idling) -> None:
    setup = calibrated.setup
    click.echo(f"{setup.model}, {setup.precision}, {setup.kernel}, {setup.threads} threads")
    for (source, device), watts in calibrated.idle_w.items():
        click.echo(f"idle, model loaded          {watts:10.2f} W   ({source}, {device})")
    for line in _cost_lines(calibrated.costs):
        click.echo(line)
    if idling.others > BUSY:
        click.echo(
            f"Other programs kept {idling.others:.0%} of the processors busy while this one idled, "
            "so these figures are less sure: run this again when the machine is quiet."
        )
    if any(meter.basis == "estimated" for meter in meters.meters):
        click.echo(
            "The processor's joules are an estimate: its costs follow processor time, not a sensor."
        )


def _cost_lines(costs: StepCosts) -> list[str]:
    lines = []
    for name, words, scale, unit in _IN_WORDS:
        value = getattr(costs, name) * scale
        told = f"{value:10.4g} {unit}" if value else f"{'0':>10} {unit}  (not told from the others)"
        lines.append(f"{words:<28}{told}")
    return lines


def _progress(text: str | None) -> None:
    """One line that changes; None ends it. Where nobody watches, the line is left out."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text or ''}", nl=False, err=True)
