"""A process's way to write to a ledger.

Every call of `admit`, `finish` and `record_energy` returns a Future that resolves once the change
is durable (`db.ledger_writer`).
"""

from concurrent.futures import Future
from pathlib import Path

from sqlalchemy import Engine

from db import writers
from db.connect import connect, writing
from db.copy import require_whole
from db.errors import LedgerDamaged, LedgerUnavailable
from db.ids import write_as
from db.ledger_checkpoints import Checkpoints
from db.ledger_writer import LedgerHealth, LedgerWriter
from db.migrate import migrate
from db.presence import presence_on
from db.records import EnergyBooked, EnergyRecord, FinishResult, NewRequest, RequestOutcome
from db.urls import database_path, is_postgresql, parse, shown


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
        self._engines: list[Engine] = []
        self._checkpoints = Checkpoints()
        self._writer = LedgerWriter(self._presence, self._checkpoints)

    # Opening and closing

    def open(self) -> None:
        """Take the ledger, bring its schema up to date and end what a crash left `running`.

        Raises LedgerInUse where another process has it, LedgerUnavailable where it cannot be used.
        """
        self._presence.enter()
        try:
            self._engines = [connect(self._url)]
            if is_postgresql(self._url):  # whose connections are counted: one is always left
                self._engines.append(connect(self._url))
            engine = self._engines[-1]
            migrate(engine)
            with writing(engine) as connection:
                require_whole(connection)
                writer_id = writers.join(connection)
            write_as(writer_id)
            self._presence.hold(writer_id)
            with writing(engine) as connection:
                self.interrupted_at_open = writers.interrupt_dead(connection, writer_id)
        except BaseException:
            self._release()
            raise
        self._writer.start(engine, writer_id)

    def close(self) -> None:
        """Write what is waiting, then give the ledger back."""
        if self._writer.stop():
            self._release()

    def _release(self) -> None:
        for engine in self._engines:
            engine.dispose()
        self._presence.leave()

    # What callers see

    @property
    def engine(self) -> Engine:
        """For reading (`db.queries`) and for the short writes of people, keys and prices."""
        if not self._engines:
            raise LedgerUnavailable("The ledger is not open yet.")
        return self._engines[0]

    @property
    def path(self) -> Path:
        """The file of an SQLite ledger; InvalidInput where it is none."""
        return database_path(self._url)

    def health(self) -> LedgerHealth:
        """The writer's state now."""
        return self._writer.health()

    def note_damage(self, error: LedgerDamaged) -> None:
        """Tell what a reader found, which the writer may not come upon for long."""
        self._writer.note_damage(error)

    def admit(self, request: NewRequest) -> "Future[None]":
        """Put a request on the ledger as `running`. Cancelling the Future in time takes it back.

        It fails with KeyRevoked where the key or developer may make no requests by now, and with
        BudgetExceeded where the month's budget of either has no room for it; no row is left then.
        """
        return self._writer.submit(request)

    def finish(self, outcome: RequestOutcome) -> "Future[FinishResult]":
        """Complete a request. Changes nothing where it had ended already; UnknownRequest where the
        ledger does not hold it."""
        self._checkpoints.end(outcome)
        return self._writer.submit(outcome)

    def record_energy(self, record: EnergyRecord) -> "Future[EnergyBooked]":
        """Add an energy window and its requests' shares, in one transaction."""
        return self._writer.submit(record)

    def first_token(self, request_id: int, at: int) -> None:
        """Note when the first token came; durable within about a second."""
        self._checkpoints.first_token(request_id, at)

    def progress(
        self, request_id: int, output_tokens: int, at: int, cached_input_tokens: int | None = None
    ) -> None:
        """Note how far a request has come; durable within about a second. Call it at every step."""
        self._checkpoints.progress(request_id, output_tokens, at, cached_input_tokens)
