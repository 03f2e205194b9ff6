"""The gateway's life in one process: ledger, weights, worker, and the answers in flight."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db.errors import InvalidInput
from db.ids import new_id, now_ms
from db.ledger import Ledger
from db.records import EnergyRecord, NewRequest
from db.settings import Settings
from engine.api.answer import Answer
from engine.api.auth import Authenticator, Caller
from engine.api.errors import unavailable
from engine.api.events import (
    Broadcast,
    EnergyMeasured,
    EngineState,
    Event,
    RequestFinished,
    RequestStarted,
)
from engine.api.observer import Observer
from engine.api.prompts import Chat, Prompt, Prompts
from engine.model.errors import ModelFileError
from engine.model.sampling_defaults import SamplingDefaults
from engine.models import find_model
from engine.runtime.client import WorkerClient
from engine.runtime.protocol import Energy, Ready, SamplingParams, Submit
from engine.weights import WeightsError

log = logging.getLogger(__name__)

FAILED_AFTER = 3  # starts of the worker in a row without a Ready
ANSWERS_END_WITHIN_S = 1.5
FETCH_AGAIN_AFTER_S = 30.0


class Service:
    """Everything behind the gateway's routes. Lives on one event loop; what other threads may
    call says so."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.ledger = Ledger(settings.ledger_url)
        self.auth = Authenticator(lambda: self.ledger.engine)
        self.state = EngineState("loading", "Breakeven is starting.")
        self.started_at = now_ms()
        self.observer = Observer(settings.home, self.ledger, self.health)
        self._events = Broadcast()
        self.model_path: Path | None = None  # the weights that are served, once they are there
        self._prompts: Prompts | None = None
        self._worker: WorkerClient | None = None
        self._answers: dict[int, Answer] = {}
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bring_up: asyncio.Task[None] | None = None

    # Starting and stopping

    async def start(self) -> None:
        """Open the ledger, then fetch weights and load the model in the background.

        Raises LedgerUnavailable (LedgerInUse) where the ledger cannot be had. `state` and
        `subscribe` tell how the rest goes.
        """
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._open_ledger)
        await asyncio.to_thread(self.observer.start)
        self._bring_up = asyncio.create_task(self._bring_engine_up(), name="bring-engine-up")

    def begin_stop(self) -> None:
        """End all answers now and take no more. For signal handlers, from any thread: open streams
        would otherwise keep the server from closing."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_answers)

    async def stop(self) -> None:
        """End the answers, the worker and the ledger; within 5 s every row is complete."""
        self._end_answers()
        if self._bring_up is not None:
            self._bring_up.cancel()
            await asyncio.wait([self._bring_up])
        if tasks := [answer.task for answer in self._answers.values()]:
            await asyncio.wait(tasks, timeout=ANSWERS_END_WITHIN_S)
        if self._worker is not None:
            await self._worker.stop()  # what it did not end in time fails now
        if tasks := [answer.task for answer in self._answers.values()]:
            await asyncio.wait(tasks, timeout=ANSWERS_END_WITHIN_S)
        await asyncio.to_thread(self.ledger.close)
        await asyncio.to_thread(self.observer.stop)
        self._enter(EngineState("stopped"))
        self._events.close()

    def _open_ledger(self) -> None:
        self.settings.home.mkdir(parents=True, exist_ok=True)
        self.ledger.open()

    def _end_answers(self) -> None:
        self._stopping = True
        for answer in self._answers.values():
            answer.cancel(by="gateway")

    async def _bring_engine_up(self) -> None:
        path = self.model_path = await self._find_weights()
        self._enter(EngineState("loading", "The model is being loaded."))
        try:
            self._prompts = await asyncio.to_thread(Prompts.open, path)
        except Exception as error:
            log.exception("The tokenizer cannot be read from %s.", path)
            self._enter(EngineState("failed", f"The model's vocabulary cannot be read: {error}"))
            return
        self._worker = WorkerClient(
            self._worker_options(path),
            self.settings.home / "worker.log",
            on_energy=self._take_energy,
            on_change=self._follow_worker,
        )
        self._worker.start()

    async def _find_weights(self) -> Path:
        """The weights' path, fetched if need be; tried again every half minute until it works."""
        loop = asyncio.get_running_loop()

        def progress(fetched: int, size: int) -> None:
            state = EngineState("fetching", "The weights are being fetched.", fetched, size)
            loop.call_soon_threadsafe(self._enter, state)

        while True:
            try:
                return await _in_daemon_thread(
                    lambda: find_model(self.settings.model, self.settings, progress)
                )
            except (WeightsError, ModelFileError) as error:
                log.error("%s", error)
                self._enter(EngineState("failed", str(error)))
            await asyncio.sleep(FETCH_AGAIN_AFTER_S)

    def _worker_options(self, weights: Path) -> list[str]:
        settings = self.settings
        options = ["--weights", str(weights.resolve())]
        if settings.precision is not None:
            options += ["--precision", settings.precision]
        options += ["--threads", str(settings.threads), "--max-running", str(settings.max_running)]
        if settings.offload:
            options.append("--offload")
        if settings.experts_per_token is not None:
            options += ["--experts-per-token", str(settings.experts_per_token)]
        if settings.cpu_tdp_w is not None:
            options += ["--cpu-tdp-w", str(settings.cpu_tdp_w)]
        return options

    def _follow_worker(self) -> None:
        worker = self._worker
        assert worker is not None
        if worker.state == "ready":
            self._enter(EngineState("ready"))
        elif worker.failures >= FAILED_AFTER:
            self._enter(EngineState("failed", worker.message))
        elif worker.state != "stopped":
            again = "The engine stopped and is being restarted."
            message = again if worker.failures else "The model is being loaded."
            self._enter(EngineState("loading", message))

    def _enter(self, state: EngineState) -> None:
        if state != self.state:
            self.state = state
            self._events.publish(state)

    # Answers

    @property
    def sampling_defaults(self) -> SamplingDefaults:
        """The model's own, for what a request leaves out."""
        assert self._prompts is not None
        return self._prompts.sampling_defaults

    async def prepare(self, chat: Chat) -> Prompt:
        """A chat as the model takes it. Raises ChatTemplateError and BadSchema; a 503 while there
        is no model."""
        self.require_ready()
        assert self._prompts is not None
        return await self._prompts.prepare(chat)

    def answer(
        self,
        caller: Caller,
        prompt: Prompt,
        sampling: SamplingParams,
        *,
        arrived: float,
        endpoint: str,
        streamed: bool,
        client: str | None,
        report_experts: bool = False,
        n: int = 1,
    ) -> Answer:
        """Start a request: admitted to the ledger first, computed then. A 503 where the engine is
        not there or its queue is full."""
        model = self.require_ready()
        assert self._worker is not None
        if len(self._answers) >= self.settings.max_running + self.settings.max_waiting:
            raise unavailable(
                f"{len(self._answers)} requests are running or waiting already; try again shortly.",
                "queue_full",
            )
        request_id = new_id()
        row = NewRequest(
            id=request_id,
            started_at=now_ms() - round((time.monotonic() - arrived) * 1000),
            developer_id=caller.developer_id,
            developer_name=caller.developer_name,
            api_key_id=caller.key_id,
            model=served_name(model),
            engine="embedded",
            endpoint=endpoint,
            streamed=streamed,
            input_tokens=len(prompt.token_ids),
            client=client or caller.tool,
        )
        answer = Answer(
            row,
            Submit(
                request_id,
                prompt.token_ids,
                sampling,
                report_experts,
                prompt.grammar,
                prompt.shown,
                n,
            ),
            self.ledger,
            self._worker,
            arrived=arrived,
            on_admitted=self._announce_start,
            on_closed=self._forget,
        )
        self._answers[request_id] = answer
        return answer

    def _announce_start(self, answer: Answer) -> None:
        row = answer.row
        self.observer.request_started(row)
        self._events.publish(
            RequestStarted(
                row.id,
                row.developer_id,
                row.developer_name,
                row.model,
                row.input_tokens,
                row.started_at,
            )
        )

    def _forget(self, answer: Answer) -> None:
        row, finished = answer.row, answer.finished
        del self._answers[row.id]
        if finished is None:  # it was not admitted
            return
        self.observer.request_over(row, finished, answer.energy)
        self._events.publish(
            RequestFinished(
                row.id,
                row.developer_id,
                row.developer_name,
                finished.status,
                row.input_tokens,
                finished.output_tokens,
                answer.energy.joules,
                answer.energy.basis,
                finished.duration_ms,
                now_ms(),
            )
        )

    def _take_energy(self, window: Energy) -> None:
        for request_id, share_j in window.shares.items():
            if answer := self._answers.get(request_id):
                answer.energy.add(share_j, window.basis, window.source)
        try:
            self.ledger.record_energy(
                EnergyRecord(
                    started_at=window.started_at,
                    ended_at=window.ended_at,
                    duration_s=window.duration_s,
                    total_j=window.total_j,
                    idle_j=window.idle_j,
                    shares=window.shares,
                    basis=window.basis,
                    source=window.source,
                )
            )
        except InvalidInput as error:
            log.error("An energy window of the engine is refused: %s", error)
        else:
            self.observer.energy_measured(window)
        self._events.publish(EnergyMeasured(window))

    # What pages and routes ask

    def require_ready(self) -> Ready:
        """The loaded model; a 503 that says how far it is where there is none."""
        worker = self._worker
        if self._stopping:
            raise unavailable("Breakeven is being stopped.", "gateway_stopped", retry_after_s=10)
        if self.state.name != "ready" or worker is None or worker.ready is None:
            raise unavailable(self._why_not_ready(), f"engine_{self.state.name}")
        return worker.ready

    def _why_not_ready(self) -> str:
        state = self.state
        message = state.message or "The engine is not there."
        if state.fetched is not None and state.size:
            message += f" {state.fetched / 1e6:.0f} of {state.size / 1e6:.0f} MB are here."
        return message if state.name == "failed" else f"{message} Try again in a moment."

    @property
    def model(self) -> Ready | None:
        """What the worker said of its model, also while it restarts; None before it first did."""
        return self._worker.ready if self._worker is not None else None

    @property
    def experts_per_token(self) -> int | None:
        """Routed experts a token now; None before the model is loaded."""
        return self._worker.experts_per_token if self._worker is not None else None

    @property
    def database(self) -> Engine:
        """The ledger's engine, for reads and for people, keys and prices. Any thread."""
        return self.ledger.engine

    def health(self) -> dict[str, Any]:
        """The state of engine, ledger and queue, in JSON's types. Any thread."""
        ledger, worker, model = self.ledger.health(), self._worker, self.model
        return {
            "state": self.state.name,
            "message": self.state.message,
            "weights": {"fetched_bytes": self.state.fetched, "size_bytes": self.state.size},
            "model": served_name(model) if model else None,
            "experts_per_token": self.experts_per_token,
            "running": worker.running if worker else 0,
            "waiting": worker.waiting if worker else 0,
            "ledger": {"state": ledger.state, "message": ledger.message},
            "meters": model.meters if model else [],
            "started_at": self.started_at,
        }

    def subscribe(self) -> AsyncIterator[Event]:
        """Events from now on, until the gateway stops. Only on the gateway's event loop."""
        return self._events.subscribe()

    def session_key(self, developer_id: int, tool: str) -> str:
        """A bearer for the dashboard's own requests as this developer. Any thread."""
        return self.auth.session_key(developer_id, tool)

    def set_experts_per_token(self, count: int | None) -> None:
        """Routed experts a token from the next step on; None: the model's own. Any thread.
        InvalidInput where the model has no such number."""
        model = self.model
        if model is None or self._worker is None or self._loop is None:
            raise InvalidInput("experts_per_token", "The model is not loaded yet.")
        if not model.experts_adjustable:
            raise InvalidInput(
                "experts_per_token",
                f"{model.model} was trained with {model.default_experts_per_token} routed experts "
                "a token; that cannot be changed.",
            )
        if count is not None and not 0 <= count <= model.routed_experts:
            raise InvalidInput(
                "experts_per_token",
                f"This model has {model.routed_experts} routed experts; choose 0 to that.",
            )
        self._loop.call_soon_threadsafe(self._worker.configure, count)


def served_name(model: Ready) -> str:
    """The model's name in the API, in lower case as people type it."""
    return model.model.lower()


async def _in_daemon_thread(work: Callable[[], Path]) -> Path:
    """As asyncio.to_thread, but a stop of the gateway does not wait for it to end."""
    result: Future[Path] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, name="fetch-weights", daemon=True).start()
    return await asyncio.shield(asyncio.wrap_future(result))
