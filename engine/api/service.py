"""The gateway's life in one process: ledger, engines, and the answers in flight."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db.errors import InvalidInput, LedgerUnavailable
from db.ids import new_id, now_ms
from db.ledger import Ledger
from db.records import NewRequest
from db.settings import Settings
from engine.api.activity import Activity
from engine.api.answer import Answer
from engine.api.auth import Authenticator, Caller
from engine.api.connections import limit_connections
from engine.api.embedded import EmbeddedEngine, served_name
from engine.api.energy_rates import EnergyRates
from engine.api.energy_record import energy_record, require_meters
from engine.api.errors import unavailable, unknown_model
from engine.api.events import (
    Broadcast,
    EnergyMeasured,
    EngineState,
    Event,
    LoadTold,
    RequestBegun,
    RequestFinished,
    RequestStarted,
)
from engine.api.limiter import Limiter
from engine.api.observer import Observer
from engine.api.power import PowerNow
from engine.api.source import Engine as EngineOfModel
from engine.api.source import Source
from engine.api.upkeep import Upkeep
from engine.api.upstreams.config import read_upstreams
from engine.api.upstreams.flow import UpstreamLoad
from engine.api.upstreams.registry import UpstreamModel, Upstreams
from engine.api.upstreams.sampler import Sampler
from engine.energy.window import EnergyWindow
from engine.runtime.protocol import Load, Ready

log = logging.getLogger(__name__)

ANSWERS_END_WITHIN_S = 1.5
UPSTREAMS_STOP_WITHIN_S = 1.5
NO_MODEL = "none"  # BREAKEVEN_MODEL, where only upstreams serve


@dataclass(frozen=True, slots=True)
class Call:
    """How a request came: `arrived` by the monotonic clock, `client` the tool's name if told."""

    caller: Caller
    endpoint: str
    arrived: float
    client: str | None


@dataclass(frozen=True, slots=True)
class Served:
    """A model as clients may name it; `context_length` in tokens, None: unknown."""

    name: str
    owner: str
    context_length: int | None


class Service:
    """Everything behind the gateway's routes. Lives on one event loop; what other threads may
    call says so."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        upstreams = read_upstreams(settings.upstreams)
        require_meters(settings.meters, upstreams)
        self.ledger = Ledger(settings.ledger_url)
        self.upkeep = Upkeep(lambda: self.ledger.engine)
        self.auth = Authenticator(lambda: self.ledger.engine, self.ledger.note_damage)
        self.started_at = now_ms()
        self.observer = Observer(settings.home, self.ledger, self.health, self._tell)
        self.embedded = EmbeddedEngine(settings, self._tell, self._take_energy, self._take_load)
        self.upstreams = Upstreams(upstreams, self._take_energy, self._tell)
        self.activity = Activity()
        self.limiter = Limiter()
        self.power = PowerNow()
        self._energy_rates = EnergyRates()
        self._events = Broadcast()
        self._answers: dict[int, Answer] = {}
        self._sampler = Sampler(self.upstreams.dispatch, self._answers.values, self._take_flow)
        self._stopping = False
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None

    # Starting and stopping

    async def start(self) -> None:
        """Open the ledger, then fetch weights and load the model in the background.

        Raises LedgerUnavailable (LedgerInUse) where the ledger cannot be had. `state` and
        `subscribe` tell how the rest goes.
        """
        self._loop = asyncio.get_running_loop()
        limit_connections()
        await asyncio.to_thread(self._open_ledger)
        self.upkeep.start()
        await asyncio.to_thread(self.observer.start)
        self.upstreams.start()
        if self.upstreams:
            self._sampler.start()
        if self.computes_here:
            self.embedded.start()

    def begin_stop(self) -> None:
        """End all answers now and take no more. For signal handlers, from any thread: open streams
        would otherwise keep the server from closing."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end_answers)

    async def stop(self) -> None:
        """End the answers, the worker and the ledger; within 5 s every row is complete."""
        self._end_answers()
        self._sampler.stop()
        await self.embedded.stop_starting()
        await self._answers_end()
        await self.embedded.stop()
        await self._answers_end()
        try:
            async with asyncio.timeout(UPSTREAMS_STOP_WITHIN_S):
                await self.upstreams.stop()
        except Exception:  # the ledger is to be closed all the same
            log.exception("The upstreams' meters did not stop in time.")
        await asyncio.to_thread(self.upkeep.stop)
        await asyncio.to_thread(self.ledger.close)
        await asyncio.to_thread(self.observer.stop)
        self._stopped = True
        self._tell(self.state)
        self._events.close()

    def _open_ledger(self) -> None:
        home = self.settings.home
        try:
            home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerUnavailable(
                f"The folder {home} cannot be made ({error.strerror}); make it, or set"
                " BREAKEVEN_HOME to another one."
            ) from error
        self.ledger.open()

    def _end_answers(self) -> None:
        self._stopping = True
        for answer in self._answers.values():
            answer.cancel(by="gateway")

    async def _answers_end(self) -> None:
        if tasks := [answer.task for answer in self._answers.values()]:
            await asyncio.wait(tasks, timeout=ANSWERS_END_WITHIN_S)

    def _tell(self, event: Event) -> None:
        self.activity.note(event)
        self._events.publish(event)

    def _take_load(self, load: Load) -> None:
        self.activity.note_load(load)
        self._events.publish(LoadTold())

    def _take_flow(self, flow: UpstreamLoad) -> None:
        self.activity.note_flow(flow)
        self._events.publish(LoadTold())

    # Answers

    @property
    def computes_here(self) -> bool:
        """Whether there is an engine on this machine, beside or instead of upstreams."""
        return self.settings.model != NO_MODEL

    def engine_for(self, model: str) -> EngineOfModel:
        """Who serves a model: a 404 where nobody does, a 503 where nobody can yet."""
        if self.computes_here and model.lower() == self.embedded.name:
            return self.embedded
        if upstream := self.upstreams.serving(model):
            return upstream
        raise unknown_model(model, [served.name for served in self.require_served()])

    def upstream_of(self, model: str) -> UpstreamModel | None:
        """The model, if it is one that upstreams alone serve."""
        if self.computes_here and model.lower() == self.embedded.name:
            return None
        return self.upstreams.serving(model)

    def require_served(self) -> list[Served]:
        """All models; a 503 where none is known yet."""
        served = []
        if self.computes_here and (model := self.embedded.model):
            served.append(Served(served_name(model), "breakeven", model.context_length))
        for other in self.upstreams.models():
            served.append(Served(other.name, "upstream", other.context_length))
        if self.computes_here and self.embedded.model is None:
            if not served:
                self.embedded.require_ready()
        elif not served:
            problem = self.upstreams.problem or "No upstream serves a model."
            raise unavailable(problem, "upstream_unavailable", retry_after_s=5)
        return served

    def answer(self, call: Call, source: Source, *, streamed: bool) -> Answer:
        """Start a request: admitted to the ledger first, computed then. A 503 where too many are
        waiting already, a 403 or 429 where the caller's limits do not allow it."""
        if self._stopping:
            raise unavailable("Breakeven is being stopped.", "gateway_stopped", retry_after_s=10)
        caller = call.caller
        self._require_place(caller, source)
        grant = self.limiter.grant(caller, source.model, source.most_tokens)
        row = NewRequest(
            id=new_id(),
            started_at=now_ms() - round((time.monotonic() - call.arrived) * 1000),
            developer_id=caller.developer_id,
            developer_name=caller.developer_name,
            api_key_id=caller.key_id,
            model=source.model,
            engine=source.engine,
            endpoint=call.endpoint,
            streamed=streamed,
            input_tokens=source.tally.input_tokens,
            counts_exact=source.tally.exact,
            client=call.client or caller.tool,
            reserved_tokens=source.most_tokens,
            reserved_energy_j=self._energy_rates.most_j(source.model, source.most_tokens),
        )
        answer = Answer(
            row,
            source,
            grant,
            self.ledger,
            arrived=call.arrived,
            on_admitted=self._announce_start,
            on_begun=self._announce_begin,
            on_closed=self._forget,
        )
        self._answers[row.id] = answer
        return answer

    def _require_place(self, caller: Caller, source: Source) -> None:
        """Once all places are taken, only those get one who hold less than their fair share."""
        at_once = self.settings.max_running
        if source.engine == "upstream":
            at_once = self.upstreams.max_running
        places = at_once + self.settings.max_waiting
        alike = [a.row for a in self._answers.values() if a.row.engine == source.engine]
        if len(alike) < places:
            return
        held = Counter(row.developer_id for row in alike)
        if held[caller.developer_id] >= places // len(held | {caller.developer_id: 1}):
            raise unavailable(
                f"{len(alike)} requests are running or waiting already; try again shortly.",
                "queue_full",
            )

    def _announce_start(self, answer: Answer) -> None:
        row = answer.row
        self.observer.request_started(row)
        self._tell(
            RequestStarted(
                row.id,
                row.developer_id,
                row.developer_name,
                row.model,
                row.input_tokens,
                row.started_at,
            )
        )

    def _announce_begin(self, answer: Answer, ttft_ms: float) -> None:
        row, tally = answer.row, answer.source.tally
        self._tell(RequestBegun(row.id, row.developer_name, row.model, tally.queue_ms, ttft_ms))

    def _forget(self, answer: Answer) -> None:
        row, finished = answer.row, answer.finished
        del self._answers[row.id]
        answer.grant.settle(0 if finished is None else finished.tally.total)
        if finished is None:  # it was not admitted
            return
        self._energy_rates.note(row.id, row.model, finished.tally.total, answer.energy.joules)
        self.observer.request_over(row, finished, answer.energy)
        if row.engine == "upstream":
            self._sampler.over(row.id, finished.tally)
        self._tell(
            RequestFinished(
                row.id,
                row.developer_id,
                row.developer_name,
                finished.status,
                finished.tally.input_tokens,
                finished.tally.output_tokens,
                answer.energy.joules,
                answer.energy.basis,
                finished.duration_ms,
                now_ms(),
                row.model,
                finished.tally.cached_input_tokens if finished.tally.cached_is_known else None,
                finished.tally.queue_ms,
                finished.ttft_ms,
                finished.error_type,
            )
        )

    def _take_energy(self, window: EnergyWindow) -> None:
        for request_id, share_j in window.shares.items():
            if answer := self._answers.get(request_id):
                answer.energy.add(share_j, window.basis, window.source)
            elif share_j is not None:
                self._energy_rates.add(request_id, share_j)
        self.power.note(window)
        try:
            self.ledger.record_energy(energy_record(window))
        except InvalidInput as error:
            log.error("An energy window of %s is refused: %s", window.machine, error)
        else:
            self.observer.energy_measured(window)
        self._events.publish(EnergyMeasured(window))

    # What pages and routes ask

    @property
    def state(self) -> EngineState:
        """Whether requests are served. Any thread."""
        if self._stopped:
            return EngineState("stopped")
        if self.computes_here:
            return self.embedded.state
        if not self.upstreams:
            nothing = "Nothing serves a model: BREAKEVEN_MODEL is none, and there are no upstreams."
            return EngineState("failed", nothing)
        if problem := self.upstreams.problem:
            asked = self.upstreams.all_asked
            return EngineState("failed" if asked else "loading", problem)
        return EngineState("ready")

    @property
    def model(self) -> Ready | None:
        """The embedded model, also while its worker restarts; None before it was first loaded."""
        return self.embedded.model

    @property
    def model_path(self) -> Path | None:
        """The embedded model's files, once they are there."""
        return self.embedded.model_path

    @property
    def experts_per_token(self) -> int | None:
        """Routed experts a token now; None before the model is loaded."""
        return self.embedded.experts_per_token

    def set_experts_per_token(self, count: int | None) -> None:
        """Routed experts a token from the next step on; None: the model's own. Any thread.
        InvalidInput where the model has no such number."""
        self.embedded.set_experts_per_token(count)

    @property
    def database(self) -> Engine:
        """The ledger's engine, for reads and for people, keys and prices. Any thread."""
        return self.ledger.engine

    def health(self) -> dict[str, Any]:
        """The state of engine, ledger and queue, in JSON's types. Any thread."""
        ledger, worker, model = self.ledger.health(), self.embedded.worker, self.model
        return {
            "state": self.state.name,
            "message": self.state.message,
            "weights": {"fetched_bytes": self.state.fetched, "size_bytes": self.state.size},
            "model": self.embedded.name,
            "experts_per_token": self.experts_per_token,
            "running": worker.running if worker else 0,
            "waiting": worker.waiting if worker else 0,
            "ledger": {"state": ledger.state, "message": ledger.message},
            "meters": [dict(meter) for meter in model.meters] if model else [],
            "upstreams": self.upstreams.health(),
            "started_at": self.started_at,
        }

    def subscribe(self) -> AsyncIterator[Event]:
        """Events from now on, until the gateway stops. Only on the gateway's event loop."""
        return self._events.subscribe()

    def session_key(self, developer_id: int, tool: str) -> str:
        """A bearer for the dashboard's own requests as this developer. Any thread."""
        return self.auth.session_key(developer_id, tool)
