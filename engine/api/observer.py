"""Tells what the gateway does to whoever operates it: metrics, spans and a log.

Nothing here learns a prompt, an answer or a key.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.ledger import Ledger
from db.records import NewRequest
from engine.api.answer import EnergyTally, Finished
from engine.api.events import RequestRefused
from engine.api.gateway_log import GatewayLog
from engine.api.incoming import incoming
from engine.api.metrics import Metrics
from engine.api.otlp import is_tracing_wanted
from engine.energy.window import EnergyWindow

if TYPE_CHECKING:
    from engine.api.tracing import Tracing

log = logging.getLogger(__name__)


class Observer:
    """`start` and `stop` may block for a while and belong on a thread; all else returns at once.
    `on_refused` hears of every request that got an error and has no row."""

    def __init__(
        self,
        home: Path,
        ledger: Ledger,
        health: Callable[[], dict[str, Any]],
        on_refused: Callable[[RequestRefused], None],
    ) -> None:
        self._on_refused = on_refused
        self.metrics = Metrics(ledger, health)
        self._log = GatewayLog(home / "gateway.log")
        self._tracing: Tracing | None = None

    def start(self) -> None:
        self._log.start()
        if is_tracing_wanted():
            self._tracing = _start_tracing()

    def stop(self) -> None:
        """Send and write what is left, within about 2 s."""
        if self._tracing is not None:
            self._tracing.stop()
        self._log.stop()

    def request_started(self, row: NewRequest) -> None:
        """A request is on the ledger."""
        if (request := incoming.get()) is not None:
            request.on_ledger = True
        self.metrics.request_started(row)

    def request_over(self, row: NewRequest, finished: Finished, energy: EnergyTally) -> None:
        """A request's row is complete; of its energy, what is known by now."""
        self.metrics.request_over(row, finished)
        self._log.request_over(row, finished, energy)
        if self._tracing is not None:
            request = incoming.get()
            parent = None if request is None else request.trace_parent
            self._tracing.request_over(row, finished, energy, parent)

    def energy_measured(self, window: EnergyWindow) -> None:
        """An energy window went to the ledger."""
        self.metrics.energy_measured(window)

    def refused(
        self,
        *,
        status: int,
        error_type: str,
        endpoint: str | None,
        developer_id: int | None,
        developer_name: str | None,
        client: str | None,
    ) -> None:
        """A request was answered with an error and has no row. None: no address of the gateway's,
        no valid key, no name."""
        self.metrics.refused(status)
        self._log.refused(
            status=status,
            error_type=error_type,
            endpoint=endpoint,
            developer_id=developer_id,
            client=client,
        )
        self._on_refused(RequestRefused(status, error_type, endpoint, developer_name, client))


def _start_tracing() -> "Tracing | None":
    """Imported here: most gateways run without it. A wrong variable costs the spans only."""
    try:
        from engine.api.tracing import Tracing

        return Tracing()
    except Exception as error:
        log.error("No spans are sent: OpenTelemetry cannot be set up (%s).", error)
        return None
