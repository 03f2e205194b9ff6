"""The gateway's end of the engine worker: starts it, talks to it, starts it again when it dies.

Knows nothing of torch, HTTP or the ledger. One task reads the worker's messages and hands each
request its own; everything here runs on one event loop.
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Literal

from engine.energy.window import EnergyWindow
from engine.runtime.protocol import (
    Abort,
    Configure,
    Energy,
    FromWorker,
    Load,
    Output,
    Ready,
    Step,
    Submit,
    ToWorker,
    WorkerError,
    decode_from_worker,
    encode,
)

log = logging.getLogger(__name__)

WorkerState = Literal["stopped", "starting", "ready", "restarting"]

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 10.0
HEALTHY_AFTER_S = 60.0
LOADING_LIMIT_S = 900.0
SILENCE_LIMIT_S = 60.0  # a living worker sends an Energy about every second
EXIT_LIMIT_S = 3.0
LONGEST_LINE = 64 * 2**20
LARGEST_LOG = 4 * 2**20

_ROOT = Path(__file__).resolve().parents[2]
# Threads that spin while they wait take the processor from the gateway beside them.
_WORKER_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


class WorkerUnavailable(Exception):  # noqa: N818 (a state, as people read it)
    """The engine cannot take a request now: it is loading, restarting or stopped."""


class WorkerCrashed(Exception):  # noqa: N818
    """The engine died while it computed this request."""


class WorkerClient:
    """One worker process, kept alive.

    `options` are the worker's command-line options, `log_path` takes its stderr. `on_energy` gets
    every energy window, `on_load` what the engine did in a second; `on_change` is called after
    every change of `state`, `message` or `ready`.
    """

    def __init__(
        self,
        options: Sequence[str],
        log_path: Path,
        *,
        on_energy: Callable[[EnergyWindow], None],
        on_load: Callable[[Load], None],
        on_change: Callable[[], None],
    ) -> None:
        self.state: WorkerState = "stopped"
        self.message: str | None = None  # why the worker is not there, in one line
        self.ready: Ready | None = None  # what the worker last said of its model
        self.failures = 0  # starts and crashes since the last Ready
        self.running = 0
        self.waiting = 0
        self.experts_per_token: int | None = None
        self._wanted_experts: int | None = None
        self._options = list(options)
        self._log_path = log_path
        self._on_energy = on_energy
        self._on_load = on_load
        self._on_change = on_change
        self._inboxes: dict[int, asyncio.Queue[Output | WorkerCrashed]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready_since: float | None = None
        self._is_ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None

    # Starting and stopping

    def start(self) -> None:
        """Start the worker and keep it running; returns at once."""
        self._stopping.clear()
        self._supervisor = asyncio.create_task(self._supervise(), name="worker-supervisor")

    async def wait_ready(self) -> Ready:
        """Wait until the model is loaded."""
        await self._is_ready.wait()
        assert self.ready is not None
        return self.ready

    async def stop(self) -> None:
        """Let the worker end by itself, kill it after 3 s; what it still computes is lost."""
        if self._supervisor is None:
            return
        self._stopping.set()
        if self.state == "ready" and self._writer is not None:
            self._writer.write_eof()  # its last energy window still arrives
            await asyncio.wait([self._supervisor], timeout=EXIT_LIMIT_S)
        self._kill()
        await self._supervisor
        self._supervisor = None
        self._enter("stopped", None)

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        return self._process.pid if self._process is not None else None

    # Requests

    async def generate(self, submit: Submit) -> AsyncIterator[Output]:
        """Compute a request: its outputs as they come, the last of each answer with a
        `finish_reason`.

        Raises WorkerUnavailable where nothing was started, WorkerCrashed where the worker died.
        """
        if self.state != "ready" or self._writer is None:
            raise WorkerUnavailable(self.message or "The engine is not ready yet.")
        inbox: asyncio.Queue[Output | WorkerCrashed] = asyncio.Queue()
        self._inboxes[submit.request_id] = inbox
        self._send(submit)
        unfinished = submit.answers
        try:
            while unfinished:
                item = await inbox.get()
                if isinstance(item, WorkerCrashed):
                    unfinished = 0
                    raise item
                unfinished -= item.finish_reason is not None
                yield item
        finally:
            if unfinished:
                self.abort(submit.request_id)
            del self._inboxes[submit.request_id]

    def abort(self, request_id: int) -> None:
        """Stop a request; `generate` then yields its final output ("cancelled")."""
        if request_id in self._inboxes and self._writer is not None:
            self._send(Abort(request_id))

    def configure(self, experts_per_token: int | None) -> None:
        """Routed experts per token from the next step on (None: the model's own), kept over
        restarts."""
        self._wanted_experts = experts_per_token
        if self.state == "ready":
            self._send(Configure(experts_per_token))

    def _send(self, message: ToWorker) -> None:
        assert self._writer is not None
        self._writer.write(encode(message))

    # The worker's life

    async def _supervise(self) -> None:
        delay = FIRST_DELAY_S
        while not self._stopping.is_set():
            self._enter("restarting" if self.failures else "starting", self.message)
            self._ready_since = None
            cause = await self._live_once()
            self._fail_requests(cause)
            if self._stopping.is_set():
                return
            log.error("%s It is started again in %.1f s.", cause, delay)
            if self._lived_long():
                delay = FIRST_DELAY_S
            self.failures += 1
            self._enter("restarting", cause)
            await _first_of(self._stopping, delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    async def _live_once(self) -> str:
        """Run one worker process to its end; returns why it ended, in one line."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.to_thread(self._spawn, theirs)
        except OSError as error:
            ours.close()
            return f"The engine's process cannot be started: {error.strerror}."
        finally:
            theirs.close()
        self._process = process
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LONGEST_LINE)
        self._writer = writer
        try:
            if self._stopping.is_set():
                self._kill()
            complaint = await self._read(reader)
        finally:
            self._writer = None
            self._is_ready.clear()
            writer.close()
            code = await asyncio.to_thread(_reap, process)
            self._process = None
        return complaint or _exit_cause(code, self._log_path)

    def _spawn(self, theirs: socket.socket) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "engine.runtime.worker", "--fd", str(theirs.fileno())]
        too_large = self._log_path.exists() and self._log_path.stat().st_size > LARGEST_LOG
        with self._log_path.open("wb" if too_large else "ab") as log_file:
            return subprocess.Popen(
                [*command, *self._options],
                cwd=_ROOT,
                env=_WORKER_ENVIRONMENT | os.environ,
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is the gateway's to handle
            )

    async def _read(self, reader: asyncio.StreamReader) -> str | None:
        """Handle the worker's messages until it hangs up; returns its own last words, if any."""
        complaint: str | None = None
        while True:
            limit = SILENCE_LIMIT_S if self.state == "ready" else LOADING_LIMIT_S
            try:
                async with asyncio.timeout(limit):
                    line = await reader.readline()
                if not line.endswith(b"\n"):
                    return complaint
                message = decode_from_worker(line)
            except TimeoutError:
                self._kill()
                return f"The engine said nothing for {limit:.0f} s and was stopped."
            except ConnectionError:
                return complaint
            except (ValueError, KeyError, TypeError) as error:
                self._kill()
                return f"The engine's message cannot be read ({error}); it was stopped."
            if isinstance(message, WorkerError):
                complaint = message.message
            else:
                self._handle(message)

    def _handle(self, message: FromWorker) -> None:
        match message:
            case Step():
                self.running, self.waiting = message.running, message.waiting
                self.experts_per_token = message.experts_per_token
                for output in message.outputs:
                    if inbox := self._inboxes.get(output.request_id):
                        inbox.put_nowait(output)
            case Energy():
                self._on_energy(message.window)
            case Load():
                self._on_load(message)
            case Ready():
                self.ready = message
                self.experts_per_token = message.experts_per_token
                self.failures = 0
                self._ready_since = time.monotonic()
                if self._wanted_experts is not None:
                    self._send(Configure(self._wanted_experts))
                self._is_ready.set()
                self._enter("ready", None)

    def _fail_requests(self, cause: str) -> None:
        self.running = self.waiting = 0
        for inbox in self._inboxes.values():
            inbox.put_nowait(WorkerCrashed(cause))

    def _lived_long(self) -> bool:
        since = self._ready_since
        return since is not None and time.monotonic() - since > HEALTHY_AFTER_S

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _enter(self, state: WorkerState, message: str | None) -> None:
        self.state, self.message = state, message
        self._on_change()


async def _first_of(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass


def _reap(process: "subprocess.Popen[bytes]") -> int:
    """The exit status of a worker that has hung up; kills one that lingers."""
    try:
        return process.wait(timeout=EXIT_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _exit_cause(code: int, log_path: Path) -> str:
    how = f"with status {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
    return f"The engine's process ended {how}; {log_path} may say why."
