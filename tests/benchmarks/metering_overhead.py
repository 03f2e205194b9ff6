"""What metering costs the engine: the same steps in turn with and without it, in this process.

With it: the sampling thread, each step's work, and windows, encoded as the worker sends them.
Without it: the engine alone.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from platformdirs import user_cache_path

from engine.energy.attribution import SAMPLE_EVERY_S, Attributor
from engine.energy.devices import Devices
from engine.energy.meter_set import MeterSet, detect
from engine.energy.processor import with_gateway
from engine.model.load import load, shipped_carving
from engine.model.threads import thread_count
from engine.model.tokenizer import Tokenizer
from engine.runtime.engine import Engine
from engine.runtime.metered import MeteredEngine
from engine.runtime.protocol import Energy, SamplingParams, Submit, encode

STEPS = 32  # a block
LONGEST = 600  # tokens of an answer and its prompt
SAMPLES = 50


@dataclass(frozen=True)
class Took:
    wall_s: float
    processor_s: float


def ratios(weights: Path, together: int, pairs: int) -> list[Took]:
    """Without metering over with it, of each pair of blocks: by the clock and by processor time.

    Blocks are short, and which comes first changes from pair to pair, because on shared machines
    the speed drifts by more than metering costs.
    """
    threads = thread_count(0)
    torch.set_num_threads(threads)
    kernels = user_cache_path("breakeven-tests", appauthor=False) / "kernels"
    model = load(weights, shipped_carving(weights), None, None, threads, kernels)
    engine = Engine(model, Tokenizer.open(weights), 8)
    meters = detect()
    found = []
    for pair in range(pairs):
        _keep_busy(engine, together)
        if pair % 2:
            on, off = _metered(engine, meters), _plain(engine)
        else:
            off, on = _plain(engine), _metered(engine, meters)
        found.append(Took(off.wall_s / on.wall_s, off.processor_s / on.processor_s))
    return found


def sampling_s() -> float:
    """Processor seconds of one reading of all meters, ten a second as the sampler takes them."""
    devices = Devices(detect())
    devices.sample()
    taken = []
    for _ in range(SAMPLES):
        time.sleep(SAMPLE_EVERY_S)
        started = time.thread_time()
        devices.sample()
        taken.append(time.thread_time() - started)
    return statistics.median(taken)


def _keep_busy(engine: Engine, together: int) -> None:
    """So many answers under way, none of which ends within the next two blocks."""
    running = [sequence.request_id for sequence in engine.scheduler.running]
    if len(running) == together and all(
        len(sequence.token_ids) + 2 * STEPS < LONGEST for sequence in engine.scheduler.running
    ):
        return
    for request in running:
        engine.abort(request)
    for request in range(together):
        sampling = SamplingParams(LONGEST, 5.0, seed=request)
        engine.submit(Submit(request, [list(range(100, 116))], sampling))
    while any(sequence.pending > 1 for sequence in engine.scheduler.running) or (
        len(engine.scheduler.running) < together
    ):
        engine.step()
    _plain(engine)  # the processor's caches are warm again


def _plain(engine: Engine) -> Took:
    started, processor_s = time.perf_counter(), time.process_time()
    for _ in range(STEPS):
        engine.step()
    return Took(time.perf_counter() - started, time.process_time() - processor_s)


def _metered(engine: Engine, meters: MeterSet) -> Took:
    """A window at each block's end is more often than each second."""
    with Attributor(meters, processor=with_gateway) as attributor:
        metered = MeteredEngine(engine, attributor)
        started, processor_s = time.perf_counter(), time.process_time()
        for _ in range(STEPS):
            metered.step()
        encode(Energy(metered.close_window()))
        return Took(time.perf_counter() - started, time.process_time() - processor_s)
