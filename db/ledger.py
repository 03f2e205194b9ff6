"""A process's one writer of a ledger: group commit on a thread of its own.

Every call of `admit`, `finish` and `record_energy` returns a Future that resolves once the change
is durable. While one transaction is being committed, the calls that arrive wait for the next one
together, so a hundred requests a second cost a few dozen commits.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, IntegrityError

from db import admission, months, usage, writers, writes
from db.connect import connect, writing
from db.copy import require_whole
from db.energy_writes import book_energy
from db.errors import (
    BudgetExceeded,
    CommitUnknown,
    InvalidInput,
    KeyRevoked,
    LedgerDamaged,
    LedgerUnavailable,
)
from db.ids import now_ms, write_as
from db.migrate import migrate
from db.postgresql import was_committed
from db.presence import presence_on
from db.records import (
    Checkpoint,
    EnergyBooked,
    EnergyRecord,
    FinishResult,
    NewRequest,
    RequestOutcome,
)
from db.urls import database_path, is_postgresql, parse, shown

log = logging.getLogger(__name__)

CHECKPOINT_EVERY_S = 1.0
ATTEND_EVERY_S = 5.0
LOOK_FOR_DEAD_EVERY_S = 15.0
LARGEST_BATCH = 500

Payload = NewRequest | RequestOutcome | EnergyRecord


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """`waiting` counts calls not yet durable. `message` says what is wrong, if anything."""

    state: Literal["open", "unavailable", "closed"]
    message: str | None
    since: int  # UTC epoch milliseconds
    waiting: int


@dataclass(slots=True)
class _Job:
    payload: Payload
    future: "Future[Any] | None"  # None: nobody waits any more, but it has to be written


class Ledger:
    """The writer of one ledger: an SQLite file, which no other process may write to meanwhile, or a
    PostgreSQL database, where each gateway has a writer and they take turns.

    When the disk or server refuses (full, read-only, locked, damaged, gone), calls fail with
    LedgerUnavailable until it works again, which the writer finds out by itself within a second or
    so. Outcomes and energy that were refused are kept in memory and written then, so no row stays
    `running` and no joule is lost unless the process dies first (then the row becomes
    `interrupted`). An admission that was refused is forgotten: nothing was computed for it. A file
    once found damaged takes no request until it is opened anew, though some writes may still work.
    """

    def __init__(self, url: str) -> None:
        self.address = shown(parse(url))
        self.interrupted_at_open = 0
        self._url = url
        self._presence = presence_on(url)
        self._writer_id = 0
        self._engine: Engine | None = None
        self._writer: Engine | None = None
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._queue: deque[_Job] = deque()
        self._owed: deque[_Job] = deque()
        self._repaying = 0  # of those owed, how many are being written
        self._in_doubt: tuple[str, list[Payload]] | None = None
        self._running: set[int] = set()
        self._checkpoints: dict[int, Checkpoint] = {}
        self._checkpointed_at = 0.0
        self._attended_at = self._looked_at = 0.0
        self._closing = self._damaged = False
        self._keys_used: dict[int, int] = {}
        self._state: Literal["open", "unavailable", "closed"] = "closed"
        self._message: str | None = None
        self._since = now_ms()

    # Opening and closing

    def open(self) -> None:
        """Take the ledger, bring its schema up to date and end what a crash left `running`.

        Raises LedgerInUse where another process has it, LedgerUnavailable where it cannot be used.
        """
        self._presence.enter()
        try:
            self._engine = self._writer = connect(self._url)
            if is_postgresql(self._url):  # whose connections are counted: one is always left
                self._writer = connect(self._url)
            migrate(self._writer)
            with writing(self._writer) as connection:
                require_whole(connection)
                self._writer_id = writers.join(connection)
            write_as(self._writer_id)
            self._presence.hold(self._writer_id)
            with writing(self._writer) as connection:
                self.interrupted_at_open = writers.interrupt_dead(connection, self._writer_id)
        except BaseException:
            self._release()
            raise
        self._closing = self._damaged = False
        self._attended_at = self._looked_at = time.monotonic()
        self._enter("open", None)
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is waiting, then give the ledger back."""
        if self._thread is None:
            return
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._thread = None
        self._enter("closed", "The ledger is closed.")
        self._release()

    def _release(self) -> None:
        for engine in {self._engine, self._writer} - {None}:
            assert engine is not None
            engine.dispose()
        self._presence.leave()
        self._running.clear()

    # What callers see

    @property
    def engine(self) -> Engine:
        """For reading (`db.queries`) and for the short writes of people, keys and prices."""
        if self._engine is None:
            raise LedgerUnavailable("The ledger is not open yet.")
        return self._engine

    @property
    def path(self) -> Path:
        """The file of an SQLite ledger; InvalidInput where it is none."""
        return database_path(self._url)

    def health(self) -> LedgerHealth:
        """The writer's state now."""
        with self._changed:
            waiting = len(self._queue) + len(self._owed) + self._repaying
            return LedgerHealth(self._state, self._message, self._since, waiting)

    def note_damage(self, error: LedgerDamaged) -> None:
        """Tell what a reader found, which the writer may not come upon for long."""
        if self._state != "closed":
            self._damaged = True
            self._enter("unavailable", str(error))

    def admit(self, request: NewRequest) -> "Future[None]":
        """Put a request on the ledger as `running`. Cancelling the Future in time takes it back.

        It fails with KeyRevoked where the key or developer may make no requests by now, and with
        BudgetExceeded where the month's budget of either has no room for it; no row is left then.
        """
        return self._submit(request)

    def finish(self, outcome: RequestOutcome) -> "Future[FinishResult]":
        """Complete a request. Changes nothing where it had ended already; UnknownRequest where the
        ledger does not hold it."""
        with self._changed:
            last = self._checkpoints.pop(outcome.request_id, None)
        if last is not None and outcome.first_token_at is None:
            outcome.first_token_at = last.first_token_at
        if last is not None and outcome.cached_input_tokens is None:
            outcome.cached_input_tokens = last.cached_input_tokens
        return self._submit(outcome)

    def record_energy(self, record: EnergyRecord) -> "Future[EnergyBooked]":
        """Add an energy window and its requests' shares, in one transaction."""
        return self._submit(record)

    def first_token(self, request_id: int, at: int) -> None:
        """Note when the first token came; durable within about a second."""
        with self._changed:
            item = self._checkpoint_of(request_id, at)
            if item.first_token_at is None:
                item.first_token_at = at

    def progress(
        self, request_id: int, output_tokens: int, at: int, cached_input_tokens: int | None = None
    ) -> None:
        """Note how far a request has come; durable within about a second. Call it at every step."""
        with self._changed:
            item = self._checkpoint_of(request_id, at)
            item.output_tokens = max(item.output_tokens, output_tokens)
            if cached_input_tokens is not None:
                item.cached_input_tokens = cached_input_tokens

    def _checkpoint_of(self, request_id: int, at: int) -> Checkpoint:
        item = self._checkpoints.setdefault(request_id, Checkpoint(request_id, at))
        item.at = max(item.at, at)
        return item

    def _submit(self, payload: Payload) -> "Future[Any]":
        future: Future[Any] = Future()
        with self._changed:
            if self._closing or self._state == "closed":
                future.set_exception(LedgerUnavailable("The ledger is closed."))
            elif self._state == "unavailable" and isinstance(payload, NewRequest):
                future.set_exception(LedgerUnavailable(self._message))
            else:
                self._queue.append(_Job(payload, future))
                self._changed.notify()
        return future

    # The writer's thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._queue and not self._closing:
                    self._changed.wait(timeout=self._until_checkpoint_s())
                closing = self._closing
                jobs = [self._queue.popleft() for _ in range(min(len(self._queue), LARGEST_BATCH))]
                more = bool(self._queue)
                checkpoints = self._take_checkpoints(at_once=closing)
            jobs = list(filter(None, map(_begin, jobs)))
            try:
                self._write(jobs, checkpoints)
            except Exception as error:  # the writer outlives whatever goes wrong
                log.exception("The ledger's writer failed.")
                unanswered = [job for job in jobs if job.future is not None]
                self._refuse(unanswered, LedgerUnavailable(f"The ledger's writer failed: {error}"))
            self._repaying = 0
            if closing and not more:
                if self._owed:
                    log.error("%d outcomes or energy windows were not written.", len(self._owed))
                self._say_goodbye()
                return

    def _say_goodbye(self) -> None:
        try:
            self._transact(lambda connection: writers.leave(connection, self._writer_id))
        except LedgerUnavailable as error:
            log.warning("The ledger was not told that this gateway closed: %s", error)

    def _until_checkpoint_s(self) -> float:
        """Other writes wake the writer, too, so a second from now would be up to two since the
        last checkpoint."""
        left = self._checkpointed_at + CHECKPOINT_EVERY_S - time.monotonic()
        return left if left > 0 else CHECKPOINT_EVERY_S

    def _take_checkpoints(self, at_once: bool) -> list[Checkpoint]:
        if not at_once and time.monotonic() - self._checkpointed_at < CHECKPOINT_EVERY_S:
            return []
        self._checkpointed_at = time.monotonic()
        taken = list(self._checkpoints.values())
        self._checkpoints.clear()
        return taken

    def _write(self, jobs: list[_Job], checkpoints: list[Checkpoint]) -> None:
        """One transaction for everything; where it fails, one for each, so that one bad row cannot
        take the others along."""
        try:
            self._settle()
            with self._changed:
                self._repaying = len(self._owed)
                jobs = [*self._owed, *jobs]
                self._owed.clear()
            self._keep_up(checkpoints)
        except LedgerUnavailable as error:
            with self._changed:
                for item in checkpoints:
                    self._checkpoints.setdefault(item.request_id, item)
            self._refuse(jobs, error)
            return
        except Exception:
            log.exception("A checkpoint of running requests was refused.")
        for start in range(0, len(jobs), LARGEST_BATCH):
            try:
                self._write_batch(jobs[start : start + LARGEST_BATCH])
            except LedgerUnavailable as error:
                self._refuse(jobs[start:], error)
                return
        if self._state == "unavailable" and not self._damaged:
            self._probe()

    def _keep_up(self, checkpoints: list[Checkpoint]) -> None:
        """Write checkpoints, and every few seconds that this writer is alive; now and then look for
        others that are not."""
        now = time.monotonic()
        attend = now - self._attended_at >= ATTEND_EVERY_S
        look = is_postgresql(self._url) and now - self._looked_at >= LOOK_FOR_DEAD_EVERY_S
        if not (checkpoints or attend or look):
            return

        def work(connection: Connection) -> None:
            if attend and (resumed := writers.attend(connection, self._writer_id, self._running)):
                log.warning("%d requests had been taken for a dead gateway's; they run.", resumed)
            if look and (ended := writers.interrupt_dead(connection, self._writer_id)):
                log.warning("%d requests of a gateway that died were interrupted.", ended)
            if checkpoints:
                writes.checkpoint(connection, checkpoints)

        if attend:
            self._presence.hold(self._writer_id)
        self._transact(work)
        self._attended_at = now if attend else self._attended_at
        self._looked_at = now if look else self._looked_at

    def _settle(self) -> None:
        """After a connection was lost in the middle of a commit, find out whether that took place:
        what it wrote is not to be written twice, and what it admitted is to be ended."""
        if self._in_doubt is None:
            return
        transaction, payloads = self._in_doubt
        if self._transact(lambda connection: was_committed(connection, transaction)):
            done = {id(payload) for payload in payloads}
            self._owed = deque(job for job in self._owed if id(job.payload) not in done)
            for payload in payloads:
                if isinstance(payload, NewRequest):
                    self._owed.append(_Job(_never_computed(payload), None))
                elif isinstance(payload, RequestOutcome):
                    self._running.discard(payload.request_id)
        self._in_doubt = None

    def _write_batch(self, jobs: list[_Job]) -> None:
        try:
            results = self._transact(lambda connection: self._apply(connection, jobs))
        except CommitUnknown as error:
            self._in_doubt = error.transaction, [job.payload for job in jobs]
            raise
        except LedgerUnavailable:
            raise
        except Exception as error:
            if len(jobs) == 1:
                _resolve(jobs[0], _for_people(error))
                return
            for position, job in enumerate(jobs):
                try:
                    self._write_batch([job])
                except LedgerUnavailable as cause:
                    self._refuse(jobs[position:], cause)
                    return
            return
        for job, result in zip(jobs, results, strict=True):
            if isinstance(job.payload, RequestOutcome):
                self._running.discard(job.payload.request_id)
            elif isinstance(job.payload, NewRequest) and result is None:
                self._running.add(job.payload.id)
            _resolve(job, result)

    def _transact(self, work: Callable[[Connection], Any]) -> Any:
        assert self._writer is not None
        with writing(self._writer) as connection:
            result = work(connection)
        if self._state == "unavailable" and not self._damaged:
            log.warning("The ledger can be written again.")
            self._enter("open", None)
        return result

    def _apply(self, connection: Connection, jobs: list[_Job]) -> list[Any]:
        """Admissions first: whatever else is in the batch may be about them."""
        payloads = [job.payload for job in jobs]
        admissions = [payload for payload in payloads if isinstance(payload, NewRequest)]
        energy = [payload for payload in payloads if isinstance(payload, EnergyRecord)]
        outcomes = [payload for payload in payloads if isinstance(payload, RequestOutcome)]
        admitted = iter(self._admit(connection, admissions) if admissions else [])
        used = months.tally()
        touched = {outcome.request_id for outcome in outcomes}
        touched.update(key for record in energy for key in record.shares)
        with usage.changing(connection, touched):
            booked = iter(book_energy(connection, energy, used) if energy else [])
            finished = iter(writes.finish(connection, outcomes, used) if outcomes else [])
        months.add(connection, used)
        results: list[Any] = []
        for payload in payloads:
            match payload:
                case NewRequest():
                    results.append(next(admitted))
                case EnergyRecord():
                    results.append(next(booked))
                case RequestOutcome():
                    results.append(next(finished))
        return results

    def _admit(
        self, connection: Connection, admissions: list[NewRequest]
    ) -> list[KeyRevoked | BudgetExceeded | None]:
        """Why each is refused; None where it is on the ledger now."""
        refusals = admission.refusals(connection, admissions)
        admitted = [
            request
            for request, refusal in zip(admissions, refusals, strict=True)
            if refusal is None
        ]
        if admitted:
            writes.admit(connection, admitted, self._writer_id)
            self._touch_keys(connection, admitted)
        return refusals

    def _touch_keys(self, connection: Connection, admissions: list[NewRequest]) -> None:
        used = {
            request.api_key_id: request.started_at
            for request in admissions
            if request.api_key_id is not None
            and request.started_at - self._keys_used.get(request.api_key_id, 0) > writes.MINUTE_MS
        }
        if used:
            writes.touch_keys(connection, used)
            self._keys_used.update(used)

    def _refuse(self, jobs: list[_Job], error: LedgerUnavailable) -> None:
        """Tell those who wait, keep what must not be lost, and connect anew for the next try."""
        if self._state == "open":
            log.error("%s", error)
        if isinstance(error, LedgerDamaged):
            self.note_damage(error)
        elif not self._damaged:
            self._enter("unavailable", str(error))
        for job in jobs:
            _resolve(job, error)
            if not isinstance(job.payload, NewRequest):
                self._owed.append(_Job(job.payload, None))
        self._keys_used.clear()
        if self._writer is not None:
            self._writer.dispose()

    def _probe(self) -> None:
        """Find out with a real write whether the ledger works again."""
        try:
            self._transact(
                lambda connection: writes.set_meta(connection, "writer_checked_at", str(now_ms()))
            )
        except LedgerUnavailable as error:
            self._refuse([], error)

    def _enter(self, state: Literal["open", "unavailable", "closed"], message: str | None) -> None:
        with self._changed:
            if state != self._state:
                self._since = now_ms()
            self._state, self._message = state, message


def _never_computed(request: NewRequest) -> RequestOutcome:
    """The end of a request that was admitted although its caller was told that it was not."""
    return RequestOutcome(request.id, "interrupted", request.started_at, 0.0, 0)


def _for_people(error: Exception) -> Exception:
    if isinstance(error, IntegrityError | DataError):
        said = str(error.orig).splitlines()[0].rstrip(".")
        return InvalidInput("request", f"The ledger refuses this row: {said}.")
    return error


def _begin(job: _Job) -> _Job | None:
    """Fix what becomes of a call whose caller has gone: an admission is dropped, the rest stays."""
    if job.future is None or job.future.set_running_or_notify_cancel():
        return job
    return None if isinstance(job.payload, NewRequest) else _Job(job.payload, None)


def _resolve(job: _Job, result: Any) -> None:
    future, job.future = job.future, None
    if future is None:
        if isinstance(result, Exception) and not isinstance(result, LedgerUnavailable):
            log.error("A write that was owed to the ledger is refused: %s", result)
    elif isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
