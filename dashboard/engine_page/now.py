"""What the running service says of its engine and upstreams, read at one moment."""

from dataclasses import dataclass
from typing import Any, Literal

from db.ids import now_ms
from engine.api import current
from engine.api.activity import Recent
from engine.api.events import EngineState
from engine.runtime.protocol import Ready

Minutes = Literal[10, 30]
WINDOWS: tuple[Minutes, ...] = (10, 30)
_BUCKETS_BEFORE_MS = 10_000  # a window begins up to a bucket's length earlier


@dataclass(frozen=True, slots=True)
class EngineView:
    """How far back a reader looks, and in which time zone."""

    minutes: Minutes
    timezone: str


@dataclass(frozen=True, slots=True)
class EngineNow:
    """`model` None: none has been loaded yet. `places` are the requests that the engine computes
    at once. `upstreams` as `/health` has them, addresses included; `upstream_waiting` wait here for
    a place at one."""

    at_ms: int
    state: EngineState
    computes_here: bool
    model: Ready | None
    experts_per_token: int | None
    places: int
    running: int
    waiting: int
    upstreams: list[dict[str, Any]]
    upstream_waiting: int
    recent: Recent

    @property
    def all_running(self) -> int:
        return self.running + sum(int(one["running"]) for one in self.upstreams)

    @property
    def all_waiting(self) -> int:
        return self.waiting + self.upstream_waiting


def engine_now(view: EngineView) -> EngineNow:
    """Any thread."""
    service = current.get()
    at = now_ms()
    worker = service.embedded.worker
    return EngineNow(
        at_ms=at,
        state=service.state,
        computes_here=service.computes_here,
        model=service.model if service.computes_here else None,
        experts_per_token=service.experts_per_token,
        places=service.settings.max_running,
        running=worker.running if worker else 0,
        waiting=worker.waiting if worker else 0,
        upstreams=service.upstreams.health(),
        upstream_waiting=service.upstreams.dispatch.waiting,
        recent=service.activity.recent(at - view.minutes * 60_000 - _BUCKETS_BEFORE_MS),
    )
