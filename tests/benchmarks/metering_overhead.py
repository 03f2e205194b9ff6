"""What metering costs the engine: the same steps in turn with and without it, in this process.

With it: the sampling thread, each step's work, and windows each second and at each end, encoded as
the worker sends them. Without it: the engine alone.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from platformdirs import user_cache_path

from engine.energy.attribution import SAMPLE_EVERY_S, Attributor
from engine.energy.devices import Devices
from engine.energy.meter_set import detect
from engine.energy.processor import with_gateway
from engine.model.load import load, shipped_carving
from engine.model.threads import thread_count
from engine.model.tokenizer import Tokenizer
from engine.runtime.engine import Engine
from engine.runtime.metered import MeteredEngine
from engine.runtime.protocol import Energy, SamplingParams, Submit, encode

TOKENS = 160  # an answer
SAMPLES = 50


@dataclass(frozen=True)
class Took:
    wall_s: float
    processor_s: float


def ratios(weights: Path, together: int, pairs: int) -> list[Took]:
    """Without metering over with it, of each pair: by the clock and by processor time."""
    threads = thread_count(0)
    torch.set_num_threads(threads)
    kernels = user_cache_path("breakeven-tests", appauthor=False) / "kernels"
    model = load(weights, shipped_carving(weights), None, None, threads, kernels)
    engine = Engine(model, Tokenizer.open(weights), 8)
    _plain(engine, together)
    found = []
    for pair in range(pairs):
        if pair % 2:
            on, off = _metered(engine, together), _plain(engine, together)
        else:
            off, on = _plain(engine, together), _metered(engine, together)
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


def _submit(engine: Engine, together: int) -> None:
    for request in range(together):
        sampling = SamplingParams(TOKENS, 5.0, seed=request)
        engine.submit(Submit(request, [list(range(100, 116))], sampling))


def _plain(engine: Engine, together: int) -> Took:
    _submit(engine, together)
    started, processor_s = time.perf_counter(), time.process_time()
    while engine.has_work:
        engine.step()
    return Took(time.perf_counter() - started, time.process_time() - processor_s)


def _metered(engine: Engine, together: int) -> Took:
    with Attributor(detect(), processor=with_gateway) as attributor:
        metered = MeteredEngine(engine, attributor)
        _submit(engine, together)
        started, processor_s = time.perf_counter(), time.process_time()
        opened = started
        while engine.has_work:
            result = metered.step()
            ended = any(output.finish_reason for output in result.outputs)
            if ended or time.perf_counter() - opened > 1:
                opened = time.perf_counter()
                encode(Energy(metered.close_window()))
        return Took(time.perf_counter() - started, time.process_time() - processor_s)
