"""The engine on this machine: fetches its weights, keeps its worker running, computes answers."""

import asyncio
import hashlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from db.errors import InvalidInput
from db.settings import Settings
from engine.api.ask import Ask
from engine.api.errors import prompt_too_long, unavailable
from engine.api.events import EngineState
from engine.api.failures import EngineFailed, Unanswerable
from engine.api.prompts import Prompt, Prompts
from engine.api.source import EngineKind, Piece, Tally
from engine.energy.window import EnergyWindow
from engine.model.errors import ModelFileError
from engine.models import find_model
from engine.runtime.client import WorkerClient
from engine.runtime.protocol import Load, Output, Ready, SamplingParams, Submit
from engine.weights import WeightsError

log = logging.getLogger(__name__)

FAILED_AFTER = 3  # starts of the worker in a row without a Ready
FETCH_AGAIN_AFTER_S = 30.0


class EmbeddedEngine:
    """Lives on one event loop; what other threads may call says so. `on_state` hears of every
    change of `state`, `on_energy` gets every energy window, `on_load` what a second was used for.
    """

    def __init__(
        self,
        settings: Settings,
        on_state: Callable[[EngineState], None],
        on_energy: Callable[[EnergyWindow], None],
        on_load: Callable[[Load], None],
    ) -> None:
        self.state = EngineState("loading", "Breakeven is starting.")
        self.model_path: Path | None = None  # the weights that are served, once they are there
        self.worker: WorkerClient | None = None
        self._settings = settings
        self._on_state = on_state
        self._on_energy = on_energy
        self._on_load = on_load
        self._prompts: Prompts | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bring_up: asyncio.Task[None] | None = None

    # Starting and stopping

    def start(self) -> None:
        """Fetch weights and load the model in the background; `state` tells how it goes."""
        self._loop = asyncio.get_running_loop()
        self._bring_up = asyncio.create_task(self._bring_engine_up(), name="bring-engine-up")

    async def stop_starting(self) -> None:
        if self._bring_up is not None:
            self._bring_up.cancel()
            await asyncio.wait([self._bring_up])

    async def stop(self) -> None:
        """What it did not end in time fails now."""
        if self.worker is not None:
            await self.worker.stop()

    async def _bring_engine_up(self) -> None:
        path = self.model_path = await self._find_weights()
        self._enter(EngineState("loading", "The model is being loaded."))
        try:
            self._prompts = await asyncio.to_thread(Prompts.open, path)
        except Exception as error:
            log.exception("The tokenizer cannot be read from %s.", path)
            self._enter(EngineState("failed", f"The model's vocabulary cannot be read: {error}"))
            return
        self.worker = WorkerClient(
            self._worker_options(path),
            self._settings.home / "worker.log",
            on_energy=self._on_energy,
            on_load=self._on_load,
            on_change=self._follow_worker,
        )
        self.worker.start()

    async def _find_weights(self) -> Path:
        """The weights' path, fetched if need be; tried again every half minute until it works."""
        loop = asyncio.get_running_loop()

        def progress(fetched: int, size: int) -> None:
            state = EngineState("fetching", "The weights are being fetched.", fetched, size)
            loop.call_soon_threadsafe(self._enter, state)

        while True:
            try:
                return await _in_daemon_thread(
                    lambda: find_model(self._settings.model, self._settings, progress)
                )
            except (WeightsError, ModelFileError) as error:
                log.error("%s", error)
                self._enter(EngineState("failed", str(error)))
            await asyncio.sleep(FETCH_AGAIN_AFTER_S)

    def _worker_options(self, weights: Path) -> list[str]:
        settings = self._settings
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
        if settings.meters is not None:
            options += ["--meters", settings.meters]
        return options

    def _follow_worker(self) -> None:
        worker = self.worker
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
            self._on_state(state)

    # What it serves

    @property
    def model(self) -> Ready | None:
        """What the worker said of its model, also while it restarts; None before it first did."""
        return self.worker.ready if self.worker is not None else None

    @property
    def name(self) -> str | None:
        """The model's name in the API; None before it is known."""
        return served_name(self.model) if self.model is not None else None

    @property
    def experts_per_token(self) -> int | None:
        """Routed experts a token now; None before the model is loaded."""
        return self.worker.experts_per_token if self.worker is not None else None

    def require_ready(self) -> Ready:
        """The loaded model; a 503 that says how far it is where there is none."""
        worker = self.worker
        if self.state.name != "ready" or worker is None or worker.ready is None:
            raise unavailable(self._why_not_ready(), f"engine_{self.state.name}")
        return worker.ready

    def _why_not_ready(self) -> str:
        state = self.state
        message = state.message or "The engine is not there."
        if state.fetched is not None and state.size:
            message += f" {state.fetched / 1e6:.0f} of {state.size / 1e6:.0f} MB are here."
        return message if state.name == "failed" else f"{message} Try again in a moment."

    async def prepare(self, ask: Ask, tenant: int) -> "EmbeddedSource":
        """A 503 while there is no model, a 400 where the prompt is too long."""
        model = self.require_ready()
        assert self._prompts is not None
        assert self.worker is not None
        prompt = await self._prompts.prepare(ask, tenant)
        longest = max(map(len, prompt.token_ids))
        if longest >= model.context_length:
            raise prompt_too_long(longest, model.context_length)
        room = model.context_length - min(map(len, prompt.token_ids))  # the engine sees to the rest
        sampling = ask.sampling(room, self._prompts.sampling_defaults)
        submission = Submission(prompt, sampling, ask.answers, ask.report_experts, tenant)
        short = ask.max_tokens is not None and room < ask.max_tokens
        return EmbeddedSource(model, self.worker, submission, short=short)

    async def count(self, ask: Ask, tenant: int) -> int:
        self.require_ready()
        assert self._prompts is not None
        return (await self._prompts.prepare(ask, tenant)).tokens

    def set_experts_per_token(self, count: int | None) -> None:
        """Routed experts a token from the next step on; None: the model's own. Any thread.
        InvalidInput where the model has no such number."""
        model = self.model
        if model is None or self.worker is None or self._loop is None:
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
        self._loop.call_soon_threadsafe(self.worker.configure, count)


@dataclass(frozen=True, slots=True)
class Submission:
    """What is computed: `answers` answers to each text of a prompt. `tenant`: who shares cache and
    queue."""

    prompt: Prompt
    sampling: SamplingParams
    answers: int
    report_experts: bool
    tenant: int


class EmbeddedSource:
    """One request's computation by the worker."""

    engine: EngineKind = "embedded"

    def __init__(
        self, model: Ready, worker: WorkerClient, submission: Submission, *, short: bool
    ) -> None:
        prompt = submission.prompt
        self.model = served_name(model)
        self.fingerprint: str | None = _fingerprint(model)
        self.answers = len(prompt.token_ids) * submission.answers
        self.short = short
        self.tally = Tally(prompt.tokens)
        self.most_tokens = prompt.tokens + self.answers * submission.sampling.max_tokens
        self._worker = worker
        self._submission = submission
        self._request_id: int | None = None
        self._readers = [prompt.reader() for _ in range(self.answers)]
        self._last = [Output(0, "", 0, index=index) for index in range(self.answers)]

    async def pieces(self, request_id: int) -> AsyncIterator[Piece]:
        self._request_id = request_id
        wanted, prompt = self._submission, self._submission.prompt
        submit = Submit(
            request_id,
            prompt.token_ids,
            wanted.sampling,
            wanted.report_experts,
            prompt.grammar,
            prompt.shown,
            wanted.answers,
            wanted.tenant,
        )
        async for output in self._worker.generate(submit):
            self._last[output.index] = output
            self._count(output)
            if output.unanswerable:
                raise Unanswerable(output.error or "This cannot be answered.")
            if output.finish_reason == "error":
                raise EngineFailed(output.error or "The engine could not compute this answer.")
            yield self._piece(output)

    def abort(self) -> None:
        if self._request_id is not None:
            self._worker.abort(self._request_id)

    def _piece(self, output: Output) -> Piece:
        reader = self._readers[output.index]
        parts = reader.add(output.text)
        if output.finish_reason is not None:
            parts += reader.finish()
        return Piece(output.index, parts, output.logprobs, output.finish_reason, output.stopped_by)

    def _count(self, output: Output) -> None:
        tally = self.tally
        tally.output_tokens = sum(last.output_tokens for last in self._last)
        # A prompt counts once, however many answers it gets.
        firsts = self._last[:: self._submission.answers]
        tally.cached_input_tokens = sum(first.cached_input_tokens for first in firsts)
        if tally.queue_ms is None:
            tally.queue_ms = output.queue_ms
        if output.finish_reason is not None:
            tally.experts_per_token = self._worker.experts_per_token
            means = [o.experts_active_mean for o in self._last if o.experts_active_mean is not None]
            tally.experts_active_mean = sum(means) / len(means) if means else None
            tally.experts = _summed([o.experts for o in self._last if o.experts is not None])


def served_name(model: Ready) -> str:
    """The model's name in the API, in lower case as people type it."""
    return model.model.lower()


def _fingerprint(model: Ready) -> str:
    """Of weights, precision and kernel."""
    parts = (model.model, model.precision, model.kernel, model.total_parameters)
    return "fp_" + hashlib.sha256(repr(parts).encode()).hexdigest()[:10]


def _summed(counts: list[list[list[int]]]) -> list[list[int]] | None:
    """[layer][expert] of all answers together."""
    if not counts:
        return None
    return [
        [sum(expert) for expert in zip(*layers, strict=True)]
        for layers in zip(*counts, strict=True)
    ]


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
