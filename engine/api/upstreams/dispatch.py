"""Sends requests to upstreams: each to the least busy server that has its model, in turns."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.api.errors import ApiError, unavailable
from engine.api.upstreams.replica import Replica


@dataclass(frozen=True, slots=True)
class _Waiting:
    model: str
    tenant: int
    passed_over: frozenset[Replica]


class Dispatch:
    """A place that becomes free goes to the one of those who wait who holds fewest places, so that
    nobody's many requests keep another's one out; of these to who has waited longest."""

    def __init__(self, replicas: Sequence[Replica]) -> None:
        self.replicas = replicas
        self._held: Counter[int] = Counter()  # places, by tenant
        self._waiting: dict[asyncio.Future[Replica], _Waiting] = {}  # in order of arrival

    @property
    def running(self) -> int:
        return self._held.total()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def serving(self, model: str) -> list[Replica]:
        """Those that have a model, by its name in lower case."""
        return [replica for replica in self.replicas if model in replica.models]

    async def take(self, model: str, tenant: int, passed_over: Collection[Replica]) -> Replica:
        """A place at a server, to be given back. A 503 where none is up; the servers of
        `passed_over` are not asked again."""
        wanted = _Waiting(model, tenant, frozenset(passed_over))
        self._require_any(wanted)
        turn: asyncio.Future[Replica] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = wanted
        self.go_on()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give_back(turn.result(), tenant)  # it had just got its place
            raise
        finally:
            self._waiting.pop(turn, None)

    def give_back(self, replica: Replica, tenant: int) -> None:
        replica.running -= 1
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
        self.go_on()

    def go_on(self) -> None:
        """Places or servers have come or gone: who waits gets a place, or is told that none will
        come."""
        while self._next_goes_on():
            pass

    def _next_goes_on(self) -> bool:
        """Whether somebody got a place, so that another may hold fewest now."""
        for turn, wanted in sorted(self._waiting.items(), key=lambda w: self._held[w[1].tenant]):
            if turn.done():  # who waited was cancelled and has not run since
                del self._waiting[turn]
                continue
            try:
                self._require_any(wanted)
            except ApiError as error:
                del self._waiting[turn]
                turn.set_exception(error)
                continue
            if free := self._free_for(wanted):
                del self._waiting[turn]
                self._give(free, wanted.tenant)
                turn.set_result(free)
                return True
        return False

    def _give(self, replica: Replica, tenant: int) -> None:
        replica.running += 1
        self._held[tenant] += 1

    def _free_for(self, wanted: _Waiting) -> Replica | None:
        fit = [r for r in self.serving(wanted.model) if r.is_free and r not in wanted.passed_over]
        return min(fit, key=lambda replica: replica.load, default=None)

    def _require_any(self, wanted: _Waiting) -> None:
        replicas = self.serving(wanted.model)
        if not any(replica.is_up and replica not in wanted.passed_over for replica in replicas):
            down = next((r.problem for r in replicas if r.problem), "None of its servers is left.")
            raise unavailable(
                f"No server of the model {wanted.model!r} answers now. {down}",
                "upstream_unavailable",
                retry_after_s=5,
            )
