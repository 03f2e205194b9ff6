"""A ledger's writer: group commit on a thread of its own.

While one transaction is being committed, the calls that arrive wait for the next one together, so a
hundred requests a second cost a few dozen commits.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine

from db import writers, writes
from db.connect import writing
from db.errors import CommitUnknown, LedgerDamaged, LedgerUnavailable
from db.ids import now_ms
from db.ledger_batch import BatchWriter
from db.ledger_checkpoints import Checkpoints
from db.ledger_jobs import Job, Payload, begin, for_people, resolve
from db.postgresql import was_committed
from db.presence import OnFile, OnServer
from db.records import Checkpoint, NewRequest, RequestOutcome
from db.urls import is_postgresql

log = logging.getLogger(__name__)

ATTEND_EVERY_S = 5.0
LOOK_FOR_DEAD_EVERY_S = 15.0
LARGEST_BATCH = 500

State = Literal["open", "unavailable", "closed"]


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """`waiting` counts calls not yet durable. `message` says what is wrong, if anything."""

    state: State
    message: str | None
    since: int  # UTC epoch milliseconds
    waiting: int


class LedgerWriter:
    """Writes what is submitted, in batches, from when it is started until it is stopped.

    When the disk or server refuses, calls fail with LedgerUnavailable until it works again, which
    the writer finds out by itself. What must not be lost is owed until then: outcomes and energy.
    """

    def __init__(self, presence: OnFile | OnServer, checkpoints: Checkpoints) -> None:
        self._presence = presence
        self._checkpoints = checkpoints
        self._engine: Engine | None = None
        self._writer_id = 0
        self._is_shared = False  # with other gateways
        self._batches = BatchWriter(0)
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self._queue: deque[Job] = deque()
        self._owed: deque[Job] = deque()
        self._repaying = 0  # of those owed, how many are being written
        self._in_doubt: tuple[str, list[Payload]] | None = None
        self._running: set[int] = set()
        self._attended_at = self._looked_at = 0.0
        self._closing = self._damaged = False
        self._state: State = "closed"
        self._message: str | None = None
        self._since = now_ms()

    # What other threads call

    def start(self, engine: Engine, writer_id: int) -> None:
        """Begin to write on this engine as the writer of that number (`db.writers`)."""
        self._engine, self._writer_id = engine, writer_id
        self._is_shared = is_postgresql(engine.url)
        self._batches = BatchWriter(writer_id)
        self._closing = self._damaged = False
        self._attended_at = self._looked_at = time.monotonic()
        self._enter("open", None)
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def stop(self) -> bool:
        """Write what is waiting, then end. False where it had not been started."""
        if self._thread is None:
            return False
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._thread = None
        self._enter("closed", "The ledger is closed.")
        self._running.clear()
        return True

    def submit(self, payload: Payload) -> "Future[Any]":
        """Have it written with the next batch; the Future resolves once it is durable."""
        future: Future[Any] = Future()
        with self._changed:
            if self._closing or self._state == "closed":
                future.set_exception(LedgerUnavailable("The ledger is closed."))
            elif self._state == "unavailable" and isinstance(payload, NewRequest):
                future.set_exception(LedgerUnavailable(self._message))
            else:
                self._queue.append(Job(payload, future))
                self._changed.notify()
        return future

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

    # The writer's thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._queue and not self._closing:
                    self._changed.wait(timeout=self._checkpoints.until_due_s())
                closing = self._closing
                jobs = [self._queue.popleft() for _ in range(min(len(self._queue), LARGEST_BATCH))]
                more = bool(self._queue)
                checkpoints = self._checkpoints.take(at_once=closing)
            jobs = list(filter(None, map(begin, jobs)))
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

    def _write(self, jobs: list[Job], checkpoints: list[Checkpoint]) -> None:
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
            self._checkpoints.put_back(checkpoints)
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
        look = self._is_shared and now - self._looked_at >= LOOK_FOR_DEAD_EVERY_S
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
                    self._owed.append(Job(_never_computed(payload), None))
                elif isinstance(payload, RequestOutcome):
                    self._running.discard(payload.request_id)
        self._in_doubt = None

    def _write_batch(self, jobs: list[Job]) -> None:
        payloads = [job.payload for job in jobs]
        try:
            results = self._transact(lambda connection: self._batches.apply(connection, payloads))
        except CommitUnknown as error:
            self._in_doubt = error.transaction, payloads
            raise
        except LedgerUnavailable:
            raise
        except Exception as error:
            if len(jobs) == 1:
                resolve(jobs[0], for_people(error))
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
            resolve(job, result)

    def _transact(self, work: Callable[[Connection], Any]) -> Any:
        assert self._engine is not None
        with writing(self._engine) as connection:
            result = work(connection)
        if self._state == "unavailable" and not self._damaged:
            log.warning("The ledger can be written again.")
            self._enter("open", None)
        return result

    def _refuse(self, jobs: list[Job], error: LedgerUnavailable) -> None:
        """Tell those who wait, keep what must not be lost, and connect anew for the next try."""
        if self._state == "open":
            log.error("%s", error)
        if isinstance(error, LedgerDamaged):
            self.note_damage(error)
        elif not self._damaged:
            self._enter("unavailable", str(error))
        for job in jobs:
            resolve(job, error)
            if not isinstance(job.payload, NewRequest):
                self._owed.append(Job(job.payload, None))
        self._batches.forget()
        if self._engine is not None:
            self._engine.dispose()

    def _probe(self) -> None:
        """Find out with a real write whether the ledger works again."""
        try:
            self._transact(
                lambda connection: writes.set_meta(connection, "writer_checked_at", str(now_ms()))
            )
        except LedgerUnavailable as error:
            self._refuse([], error)

    def _enter(self, state: State, message: str | None) -> None:
        with self._changed:
            if state != self._state:
                self._since = now_ms()
            self._state, self._message = state, message


def _never_computed(request: NewRequest) -> RequestOutcome:
    """The end of a request that was admitted although its caller was told that it was not."""
    return RequestOutcome(request.id, "interrupted", request.started_at, 0.0, 0)
