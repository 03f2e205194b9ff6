"""The engine's own process: `python -m engine.runtime.worker --fd N --weights PATH …`.

Speaks `engine.runtime.protocol` over the socket it is given and ends when that closes. Between
steps it reads what has arrived; without work it waits, but closes an energy window and tells how
busy it was every second.
"""

import argparse
import ctypes
import os
import select
import socket
import sys
import time
from pathlib import Path

# Before torch: threads that wait must sleep, or any other busy process slows every step.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import torch

from db.settings import settings
from engine.energy import calibration
from engine.energy.attribution import Attributor
from engine.energy.calibration import Calibration
from engine.energy.meter_set import MeterSet, detect
from engine.energy.processor import with_gateway
from engine.energy.remote.config import MeterSettingError, read_meters
from engine.energy.remote.meter import open_meters
from engine.model.errors import ModelFileError
from engine.model.load import load, shipped_carving
from engine.model.model import Model
from engine.model.precision import PRECISIONS
from engine.model.threads import thread_count
from engine.model.tokenizer import Tokenizer
from engine.runtime.engine import Engine
from engine.runtime.load_meter import LoadMeter
from engine.runtime.metered import MeteredEngine
from engine.runtime.protocol import (
    Abort,
    Configure,
    Energy,
    FromWorker,
    Ready,
    Step,
    Submit,
    ToWorker,
    WorkerError,
    decode_to_worker,
    encode,
)
from engine.runtime.work import setup_of

_WINDOW_S = 1.0  # an energy window is closed at least this often
_TIDY_EVERY_S = 20.0


class Connection:
    """The gateway's socket: whole messages in and out."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._partial = b""

    def send(self, *messages: FromWorker) -> None:
        self._socket.sendall(b"".join(encode(message) for message in messages))

    def receive(self, timeout: float) -> list[ToWorker]:
        """What has arrived, waiting for at most `timeout` seconds. EOFError: the gateway left."""
        if not select.select([self._socket], [], [], timeout)[0]:
            return []
        data = self._socket.recv(1 << 20)
        if not data:
            raise EOFError
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [decode_to_worker(line) for line in lines]


class Worker:
    """Drives the engine and tells the gateway what it did and what it took."""

    def __init__(self, connection: Connection, engine: Engine, attributor: Attributor) -> None:
        self._connection = connection
        self._engine = engine
        self._metered = MeteredEngine(engine, attributor)
        self._load = LoadMeter(engine)
        self._window_started = self._tidied = time.monotonic()

    def run(self) -> None:
        """Until the gateway leaves."""
        while True:
            left_s = min(self._window_left, self._load.left_s)
            wait = 0.0 if self._engine.has_work else max(0.0, left_s)
            for message in self._connection.receive(wait):
                self._take(message)
            if self._engine.has_work:
                self._step()
            elif self._window_left <= 0:
                self._connection.send(self._close_window())
            if self._load.left_s <= 0:
                self._connection.send(self._load.take())

    @property
    def _window_left(self) -> float:
        return self._window_started + _WINDOW_S - time.monotonic()

    def _take(self, message: ToWorker) -> None:
        match message:
            case Submit():
                self._engine.submit(message)
            case Abort():
                self._engine.abort(message.request_id)
            case Configure():
                self._engine.use_experts(message.experts_per_token)

    def _step(self) -> None:
        started = time.monotonic()
        result = self._metered.step()
        self._load.note(time.monotonic() - started, result.processed)
        scheduler = self._engine.scheduler
        step = Step(
            outputs=result.outputs,
            running=len(scheduler.running),
            waiting=len(scheduler.waiting),
            experts_per_token=self._engine.model.experts_per_token,
        )
        # A finish is told only after every joule of its request.
        finished = any(output.finish_reason for output in result.outputs)
        if finished or self._window_left <= 0:
            self._connection.send(self._close_window())
        if result.outputs:
            self._connection.send(step)

    def _close_window(self) -> Energy:
        self._window_started = time.monotonic()
        if self._window_started - self._tidied > _TIDY_EVERY_S:
            self._tidied = self._window_started
            give_back_memory()
        return Energy(self._metered.close_window())


def give_back_memory() -> None:
    """Of glibc's heap, what is free but in pieces: else that grows for hours. Takes some 5 ms."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def _ready(
    model: Model, threads: int, load_ms: float, meters: MeterSet, calibrated: Calibration | None
) -> Ready:
    return Ready(
        model=model.config.name,
        architecture=model.config.architecture,
        context_length=model.config.context_length,
        precision=model.precision,
        layers=model.config.layers,
        routed_experts=model.routed_experts,
        shared_experts=model.shared_experts,
        experts_per_token=model.experts_per_token,
        default_experts_per_token=model.default_experts_per_token,
        experts_adjustable=model.routing.routed > 0,
        total_parameters=model.total_parameters,
        active_parameters=model.active_parameters,
        weight_bytes=model.weight_bytes,
        threads=threads,
        kernel=model.kernel,
        load_ms=load_ms,
        meters=meters.describe(),
        energy_summary=meters.summary(),
        calibration=None if calibrated is None else calibrated.summary(),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.runtime.worker")
    parser.add_argument("--fd", type=int, required=True, help="the gateway's socket")
    parser.add_argument("--weights", type=Path, required=True, help="GGUF file or model folder")
    parser.add_argument("--carved", type=Path, help="the carving; default: the one shipped with it")
    parser.add_argument("--precision", choices=PRECISIONS, help="default: by the files")
    parser.add_argument("--offload", action="store_true", help="leave routed experts on disk")
    parser.add_argument("--threads", type=int, default=0, help="0: one a physical core")
    parser.add_argument("--experts-per-token", type=int, help="default: the model's own")
    parser.add_argument("--max-running", type=int, default=8, help="requests computed together")
    parser.add_argument("--cpu-tdp-w", type=float, help="for the energy estimate, in watts")
    parser.add_argument("--meters", help="energy meters by URL, or a file of them")
    return parser.parse_args()


def _load(arguments: argparse.Namespace, threads: int) -> Engine:
    model = load(
        arguments.weights,
        arguments.carved or shipped_carving(arguments.weights),
        arguments.precision,
        arguments.experts_per_token,
        threads,
        settings().home / "kernels",
        arguments.offload,
    )
    return Engine(model, Tokenizer.open(arguments.weights), arguments.max_running)


def main() -> None:
    arguments = _arguments()
    connection = Connection(arguments.fd)
    threads = thread_count(arguments.threads)
    torch.set_num_threads(threads)
    try:
        meters = detect(arguments.cpu_tdp_w, open_meters(read_meters(arguments.meters)))
    except MeterSettingError as error:
        connection.send(WorkerError(str(error)))
        sys.exit(1)
    calibrated = calibration.read(settings().home)
    idle_w = calibrated.idle_w if calibrated else None
    with Attributor(meters, idle_w=idle_w, processor=with_gateway) as attributor:
        started, processor_s = time.monotonic(), time.process_time()
        try:
            engine = _load(arguments, threads)
        except ModelFileError as error:
            connection.send(WorkerError(str(error)))
            sys.exit(1)
        loaded = time.monotonic()
        attributor.step(started, loaded, {}, time.process_time() - processor_s, loading=True)
        setup = setup_of(engine.model, threads, arguments.offload, meters)
        if calibrated and calibrated.setup == setup:
            attributor.costs = calibrated.costs
        else:
            calibrated = None
        try:
            load_ms = (loaded - started) * 1000
            ready = _ready(engine.model, threads, load_ms, meters, calibrated)
            connection.send(ready, Energy(attributor.close_window()))
            Worker(connection, engine, attributor).run()
        except (EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
            return  # the gateway is gone, and with it everyone to answer


if __name__ == "__main__":
    main()
