"""All upstreams: found at the start, watched from then on."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import aiohttp

from engine.api.ask import Ask
from engine.api.errors import prompt_too_long
from engine.api.events import UpstreamChanged
from engine.api.source import Source
from engine.api.upstreams import counting
from engine.api.upstreams.config import UpstreamConfig, meters_by_machine
from engine.api.upstreams.dispatch import Dispatch
from engine.api.upstreams.machine import Machine
from engine.api.upstreams.replica import Replica, ServedModel
from engine.api.upstreams.source import Job, UpstreamSource
from engine.api.upstreams.translate import body_of
from engine.energy.window import EnergyWindow

log = logging.getLogger(__name__)

CHAT_PATH = "/chat/completions"
KEPT_FOR_S = 2.0  # servers close connections that are idle for 5 s
CHECK_EVERY_S = 10.0
CHECK_AGAIN_AFTER_S = 2.0  # one that does not answer


class Upstreams:
    """Lives on one event loop; `models`, `problem` and `health` may be called from any thread.
    `on_energy` gets the energy windows of the machines that have meters, `on_change` hears when one
    begins or ceases to answer."""

    def __init__(
        self,
        configs: Sequence[UpstreamConfig],
        on_energy: Callable[[EnergyWindow], None],
        on_change: Callable[[UpstreamChanged], None],
    ) -> None:
        self._on_change = on_change
        self.machines = {
            name: Machine(name, meters, on_energy)
            for name, meters in meters_by_machine(configs).items()
        }
        self.replicas = [Replica(config, self.machines[config.machine]) for config in configs]
        self.dispatch = Dispatch(self.replicas)
        self._session: aiohttp.ClientSession | None = None
        self._watchers: list[asyncio.Task[None]] = []

    def __bool__(self) -> bool:
        return bool(self.replicas)

    def start(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_FOR_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self._watchers = [
            asyncio.create_task(self._watch(replica), name=f"upstream-{replica.url}")
            for replica in self.replicas
        ]
        for machine in self.machines.values():
            machine.start()

    async def stop(self) -> None:
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        await asyncio.gather(*(machine.stop() for machine in self.machines.values()))
        if self._session is not None:
            await self._session.close()

    async def _watch(self, replica: Replica) -> None:
        told: str | None = ""
        while True:
            try:
                await replica.check(self.session)
                if replica.problem != told:
                    told = replica.problem
                    self._on_change(UpstreamChanged(replica.url, told))
                self.dispatch.go_on()
            except Exception:  # the watch goes on, whatever a server says
                log.exception("The upstream %s cannot be checked.", replica.url)
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_EVERY_S if replica.is_up else CHECK_AGAIN_AFTER_S):
                    await replica.doubted.wait()
            if replica.doubted.is_set():
                self.dispatch.go_on()
                replica.doubted.clear()
                if not replica.is_up:
                    await asyncio.sleep(CHECK_AGAIN_AFTER_S)

    @property
    def session(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session

    def models(self) -> list[ServedModel]:
        """Every model once, also those whose servers are down."""
        found: dict[str, ServedModel] = {}
        for replica in self.replicas:
            for name, model in replica.models.items():
                found.setdefault(name, model)
        return list(found.values())

    def serving(self, model: str) -> "UpstreamModel | None":
        """The model by its name, whatever the case of its letters."""
        replicas = self.dispatch.serving(model.lower())
        if not replicas:
            return None
        # A replica that is up knows the context length best.
        best = min(replicas, key=lambda replica: not replica.is_up)
        return UpstreamModel(best.models[model.lower()], self)

    @property
    def problem(self) -> str | None:
        """Why none of them answers; None where one does."""
        if not self.replicas or any(replica.is_up for replica in self.replicas):
            return None
        first = self.replicas[0]
        return f"No upstream answers. {first.problem}"

    @property
    def max_running(self) -> int:
        """Requests that all of them together are sent at once."""
        return sum(replica.config.max_running for replica in self.replicas)

    @property
    def all_asked(self) -> bool:
        return all(replica.asked for replica in self.replicas)

    def health(self) -> list[dict[str, Any]]:
        """In JSON's types."""
        return [
            {
                "url": replica.url,
                "models": [model.name for model in replica.models.values()],
                "up": replica.is_up,
                "problem": replica.problem,
                "running": replica.running,
                "max_running": replica.config.max_running,
                "machine": replica.machine.name,
                "meters": replica.machine.health(),
            }
            for replica in self.replicas
        ]


class UpstreamModel:
    """A model that upstreams serve."""

    def __init__(self, model: ServedModel, upstreams: Upstreams) -> None:
        self.name = model.name
        self._model = model
        self._upstreams = upstreams

    async def prepare(self, ask: Ask, tenant: int) -> Source:
        """The request as a chat completion."""
        body = body_of(ask, self.name)
        context = self._model.context_length
        short = False
        if context is not None and ask.max_tokens is not None:
            # Servers refuse what may not fit, but clients such as Claude Code ask for more than
            # smaller models have room for.
            tokens, exact = await self._count(body)
            if exact and tokens >= context:
                raise prompt_too_long(tokens, context)
            room = max(context - tokens, 1) if exact else context
            short = exact and room < ask.max_tokens
            body["max_tokens"] = min(ask.max_tokens, room)
        size = counting.size_of(body)
        job = Job(
            body, CHAT_PATH, size, tenant, ask.answers, body.get("max_tokens"), with_parts=True
        )
        source = self.source(job)
        source.short = short
        return source

    def source(self, job: Job) -> UpstreamSource:
        """Computes what a job says, under the name that the upstream gives the model."""
        body = {**job.body, "model": self.name}
        if body.get("stream"):
            options = body.get("stream_options") or {}
            body["stream_options"] = {**options, "include_usage": True}
        upstreams = self._upstreams
        return UpstreamSource(
            self._model, replace(job, body=body), upstreams.dispatch, upstreams.session
        )

    async def count(self, ask: Ask, tenant: int) -> int:
        """Exact where the upstream tells, else an estimate by length."""
        return (await self._count(body_of(ask, self.name)))[0]

    async def _count(self, body: dict[str, Any]) -> tuple[int, bool]:
        replicas = self._upstreams.dispatch.serving(self.name.lower())
        replica = min(replicas, key=lambda replica: (not replica.is_up, replica.load))
        return await counting.count_prompt(self._upstreams.session, replica, body)
