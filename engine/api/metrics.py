"""The gateway's figures for Prometheus, named as OpenTelemetry's GenAI conventions where it has a
name for them.

Labels take values from small sets only: models that are served, known addresses, ways to end. The
counters begin at 0 with the process; the ledger keeps what must last.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from db.ledger import Ledger
from db.records import NewRequest
from engine.api.answer import Finished
from engine.energy.window import EnergyWindow

# They double the page and few read them.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

# In seconds: from a data centre's accelerators to a laptop that reads its experts from disk.
_FIRST_TOKEN_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_PER_TOKEN_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2.5, 5)
_REQUEST_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
_QUEUE_S = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

# Energy windows last about a second, so the last share of a request comes soon after its end.
_ENDED_REMEMBERED = 10_000
_UNKNOWN = ("unknown", "unknown")


class Metrics:
    """One gateway's metrics, in a registry of their own. Lives on the gateway's event loop."""

    def __init__(self, ledger: Ledger, health: Callable[[], dict[str, Any]]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Present(ledger, health))
        self._sources: dict[int, tuple[str, str]] = {}  # request → its model and engine
        self._ended: deque[int] = deque()
        who = ["model", "engine"]
        self._requests = self._counter(
            "breakeven_requests", "Requests that ended.", [*who, "endpoint", "status"]
        )
        self._tokens = self._counter(
            "breakeven_tokens",
            "Tokens of requests that ended; input includes cached_input.",
            [*who, "type"],
        )
        self._joules = self._counter(
            "breakeven_energy_joules",
            "Energy of served requests, also of those that still run.",
            [*who, "basis"],
        )
        self._unserved_joules = self._counter(
            "breakeven_unserved_energy_joules",
            "Energy that no request used; with the served energy the meters' total.",
            ["machine", "use", "basis"],
        )
        self._refused = self._counter(
            "breakeven_refused_requests",
            "Requests that got an error and have no row on the ledger, by HTTP status.",
            ["status"],
        )
        self._first_token = self._histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "From a request's arrival to its first token, where it succeeded.",
            _FIRST_TOKEN_S,
        )
        self._per_token = self._histogram(
            "gen_ai_server_time_per_output_token_seconds",
            "Time per token after the first, where the request succeeded.",
            _PER_TOKEN_S,
        )
        self._duration = self._histogram(
            "gen_ai_server_request_duration_seconds",
            "From a request's arrival to its end, however it ended.",
            _REQUEST_S,
        )
        self._queued = self._histogram(
            "breakeven_queue_seconds",
            "How long a request waited for its computation to begin.",
            _QUEUE_S,
        )

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        labels = ["model", "engine"]
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def request_started(self, row: NewRequest) -> None:
        self._sources[row.id] = (row.model, row.engine)

    def request_over(self, row: NewRequest, finished: Finished) -> None:
        who, tally = (row.model, row.engine), finished.tally
        self._requests.labels(*who, row.endpoint, finished.status).inc()
        self._tokens.labels(*who, "input").inc(tally.input_tokens)
        self._tokens.labels(*who, "cached_input").inc(tally.cached_input_tokens)
        self._tokens.labels(*who, "output").inc(tally.output_tokens)
        self._duration.labels(*who).observe(finished.duration_ms / 1000)
        if tally.queue_ms is not None:
            self._queued.labels(*who).observe(tally.queue_ms / 1000)
        if finished.status == "ok" and finished.ttft_ms is not None:
            self._first_token.labels(*who).observe(finished.ttft_ms / 1000)
            # Answers to the same prompt are computed side by side: by their mean length.
            further = tally.output_tokens / len(finished.ends) - 1
            if further > 0:
                generating_s = (finished.duration_ms - finished.ttft_ms) / 1000
                self._per_token.labels(*who).observe(generating_s / further)
        self._ended.append(row.id)
        if len(self._ended) > _ENDED_REMEMBERED:
            self._sources.pop(self._ended.popleft(), None)

    def energy_measured(self, window: EnergyWindow) -> None:
        """Count a window's joules; where the meter gave nothing there is nothing to count."""
        if window.total_j is None or window.idle_j is None:
            return
        for request_id, share_j in window.shares.items():
            if share_j is not None:  # else it is within the idle part
                who = self._sources.get(request_id, _UNKNOWN)
                self._joules.labels(*who, window.basis).inc(share_j)
        unserved = {
            "idle": window.idle_j,
            "overhead": window.overhead_j,
            "loading": window.loading_j,
            "other": window.other_j,
        }
        for use, joules in unserved.items():
            self._unserved_joules.labels(window.machine, use, window.basis).inc(joules)

    def refused(self, status: int) -> None:
        self._refused.labels(str(status)).inc()


class _Present(Collector):
    """What holds at the moment of reading."""

    def __init__(self, ledger: Ledger, health: Callable[[], dict[str, Any]]) -> None:
        self._ledger = ledger
        self._health = health

    def collect(self) -> Iterator[Metric]:
        health = self._health()
        running = health["running"] + sum(one["running"] for one in health["upstreams"])
        yield _gauge("requests_running", "Requests being computed, here or upstream.", running)
        yield _gauge("requests_waiting", "Requests in the engine's queue.", health["waiting"])
        yield _gauge(
            "ledger_waiting_writes",
            "Changes that the ledger has not made durable yet.",
            self._ledger.health().waiting,
        )
        yield _gauge(
            "engine_up",
            "Whether the engine takes requests (1) or not (0).",
            health["state"] == "ready",
        )


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"breakeven_{name}", text, value=float(value))
