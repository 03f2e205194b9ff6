"""One request from its admission to its completed row, whatever becomes of the client.

The work runs in a task of its own. The HTTP side only reads what it produces and may vanish at any
moment: it then calls `cancel`, and the row is completed with what was computed until then.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from db.errors import LedgerUnavailable
from db.ids import now_ms
from db.ledger import Ledger
from db.records import NewRequest, RequestOutcome
from engine.api.errors import ApiError
from engine.api.failures import EngineFailed, GatewayStopped, Unanswerable
from engine.api.limiter import Grant
from engine.api.source import Piece, Source, Tally
from engine.runtime.client import WorkerCrashed, WorkerUnavailable

log = logging.getLogger(__name__)

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{2,39}")

Status = Literal["ok", "error", "cancelled", "interrupted"]


class EnergyTally:
    """A request's share of the energy windows so far, in joules; `joules` None: not known."""

    def __init__(self) -> None:
        self.joules: float | None = None
        self.basis: str | None = None  # as the ledger's `energy_basis`
        self.source: str | None = None

    def add(self, share_j: float | None, basis: str, source: str) -> None:
        if share_j is None:
            basis = "unknown"
        else:
            self.joules = (self.joules or 0.0) + share_j
        if self.basis is None or self.basis == basis:
            self.basis = basis
        elif {"unknown", "partial"} & {self.basis, basis}:
            self.basis = "partial"
        else:
            self.basis = "estimated"
        if self.source is None:
            self.source = source
        elif source not in self.source.split(", "):
            self.source = f"{self.source}, {source}"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a request ended, once its row is durable. Durations are milliseconds from its arrival.
    `ends` has each answer's last piece."""

    status: Status
    ends: list[Piece]
    tally: Tally
    duration_ms: float
    ttft_ms: float | None
    finished_at: int  # UTC epoch milliseconds
    error_type: str | None


class Answer:
    """One request's computation, of one answer or several. `next` yields its pieces, then its
    `Finished` or its error.

    `arrived` is the monotonic time at which the request came;
    `on_admitted`, `on_begun` and `on_closed` are called when the row is durable, when the first
    token is there (after so many milliseconds) and when all is over.
    """

    def __init__(
        self,
        row: NewRequest,
        source: Source,
        grant: Grant,
        ledger: Ledger,
        *,
        arrived: float,
        on_admitted: Callable[["Answer"], None],
        on_begun: Callable[["Answer", float], None],
        on_closed: Callable[["Answer"], None],
    ) -> None:
        self.row = row
        self.source = source
        self.grant = grant
        self.energy = EnergyTally()
        self.finished: Finished | None = None
        self._ledger = ledger
        self._on_admitted = on_admitted
        self._on_begun = on_begun
        self._on_closed = on_closed
        self._arrived = arrived
        self._first_token_at: int | None = None
        self._ttft_ms: float | None = None
        self._last = [Piece(index) for index in range(source.answers)]
        self._cancelled: Literal["client", "gateway"] | None = None
        self._outbox: asyncio.Queue[Piece | Finished | Exception] = asyncio.Queue()
        self.task = asyncio.create_task(self._run(), name=f"answer-{row.id:x}")

    async def next(self, within_s: float | None = None) -> Piece | Finished | None:
        """The next piece; None where it takes longer than `within_s`. Raises what ended the
        answer. Not to be called after the end."""
        try:
            async with asyncio.timeout(within_s):
                item = await self._outbox.get()
        except TimeoutError:
            return None
        if isinstance(item, Exception):
            raise item
        return item

    def cancel(self, by: Literal["client", "gateway"] = "client") -> None:
        """Stop computing; the row is completed as `cancelled`, or `interrupted` by the gateway."""
        if self._cancelled is None and self.finished is None:
            self._cancelled = by
            self.source.abort()

    async def _run(self) -> None:
        try:
            self._outbox.put_nowait(await self._compute())
        except Exception as error:
            self._outbox.put_nowait(error)
        finally:
            self._on_closed(self)

    async def _compute(self) -> Finished:
        await asyncio.wrap_future(self._ledger.admit(self.row))
        error: Exception | None = None
        try:
            self._on_admitted(self)
            if self._cancelled is None:
                await self._generate()
        except Exception as failure:  # whatever it was, the row must not stay open
            error = failure
        if error is None and self._cancelled == "gateway" and self._is_cut:
            error = GatewayStopped("Breakeven is being stopped; try again when it is back.")
        self.finished = self._finished(error)
        await self._close_row(self.finished)
        if error is not None:
            raise error
        return self.finished

    async def _generate(self) -> None:
        tally, told = self.source.tally, self.row.input_tokens
        async for piece in self.source.pieces(self.row.id):
            at = now_ms()
            self._note_first_token(at)
            self._last[piece.index] = piece
            # An upstream's count of the prompt may differ from the row's until the row is closed.
            cached = min(tally.cached_input_tokens, told)
            self._ledger.progress(self.row.id, tally.output_tokens, at, cached)
            self._outbox.put_nowait(piece)
        self._note_first_token(now_ms())  # of an answer without words, such as an end at once

    def _note_first_token(self, at: int) -> None:
        if self.source.tally.output_tokens and self._first_token_at is None:
            self._first_token_at = at
            self._ttft_ms = self._elapsed_ms()
            self._ledger.first_token(self.row.id, at)
            self._on_begun(self, self._ttft_ms)

    @property
    def _is_cut(self) -> bool:
        return any(last.finish_reason in (None, "cancelled") for last in self._last)

    def _finished(self, error: Exception | None) -> Finished:
        status: Status = "ok"
        if isinstance(error, GatewayStopped):
            status = "interrupted"
        elif error is not None:
            status = "error"
        elif self._is_cut:
            status = "cancelled"
        return Finished(
            status=status,
            ends=self._last,
            tally=self.source.tally,
            duration_ms=self._elapsed_ms(),
            ttft_ms=self._ttft_ms,
            finished_at=now_ms(),
            error_type=_error_type(error),
        )

    async def _close_row(self, finished: Finished) -> None:
        tally = finished.tally
        outcome = RequestOutcome(
            request_id=self.row.id,
            status=finished.status,
            finished_at=finished.finished_at,
            duration_ms=finished.duration_ms,
            input_tokens=tally.input_tokens,
            cached_input_tokens=tally.cached_input_tokens,
            output_tokens=tally.output_tokens,
            counts_exact=tally.exact,
            first_token_at=self._first_token_at,
            queue_ms=tally.queue_ms,
            ttft_ms=finished.ttft_ms,
            finish_reason=finished.ends[0].finish_reason,
            error_type=finished.error_type,
            experts_active_mean=tally.experts_active_mean,
        )
        try:
            await asyncio.wrap_future(self._ledger.finish(outcome))
        except LedgerUnavailable:
            # The ledger keeps the outcome and writes it when it can; the client must not take an
            # answer for complete that is not on the ledger yet.
            log.warning("The row of request %x is completed late.", self.row.id)
            raise
        except Exception:
            # It cannot be written as it is; the row must not stay open all the same.
            await asyncio.wrap_future(self._ledger.finish(_bare(outcome)))
            raise

    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self._arrived) * 1000


def _bare(outcome: RequestOutcome) -> RequestOutcome:
    return RequestOutcome(
        request_id=outcome.request_id,
        status="error",
        finished_at=outcome.finished_at,
        duration_ms=outcome.duration_ms,
        output_tokens=0,
        counts_exact=False,
        error_type="internal_error",
    )


def _error_type(error: Exception | None) -> str | None:
    match error:
        case None:
            return None
        case ApiError():
            # An upstream's own words may hold anything.
            return error.code if _IDENTIFIER.fullmatch(error.code or "") else "upstream_refused"
        case WorkerCrashed():
            return "worker_crashed"
        case WorkerUnavailable():
            return "worker_unavailable"
        case GatewayStopped():
            return "gateway_stopped"
        case Unanswerable():
            return "unanswerable"
        case EngineFailed():
            return "engine_failed"
        case _:
            return "internal_error"
