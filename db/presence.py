"""How a process shows that it writes to a ledger, and how others know.

An SQLite file has one writer, which holds a lock file. A PostgreSQL ledger has any number: each
holds two locks of a session of its own, one that all share and one of its number in `writers`. The
server releases them when the process dies, on whatever machine.
"""

import logging
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text

from db.connect import connect, reading
from db.errors import LedgerInUse, LedgerUnavailable
from db.postgresql import WRITE_LOCK
from db.urls import database_path, is_postgresql, shown

log = logging.getLogger(__name__)

SHARED_LOCK = WRITE_LOCK + 1
# The lock of writer n is this and n more; the lower 32 bits are theirs.
FIRST_WRITER_LOCK = (WRITE_LOCK & ~0xFFFFFFFF) + (1 << 33)


class OnFile:
    """Of the one writer of an SQLite file."""

    def __init__(self, url: str) -> None:
        self._path = database_path(url)
        self._lock = FileLock(lock_path(self._path), thread_local=False)

    def enter(self) -> None:
        """LedgerInUse where another process has the file, LedgerUnavailable where none can."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=1)
        except Timeout as error:
            raise LedgerInUse(
                f"Another Breakeven already runs on the ledger {self._path};"
                " stop it, or set BREAKEVEN_HOME to another folder."
            ) from error
        except OSError as error:
            raise LedgerUnavailable(
                f"The ledger's folder {self._path.parent} cannot be written ({error.strerror});"
                " make it writable."
            ) from error

    def hold(self, writer_id: int) -> None:
        """Nothing more to do: nobody else can enter."""

    def leave(self) -> None:
        self._lock.release()


class OnServer:
    """Of one of the writers of a PostgreSQL ledger. `alone`: only where there is no other."""

    def __init__(self, url: str, *, alone: bool = False) -> None:
        self._url = url
        self._alone = alone
        self._session: Connection | None = None

    def enter(self) -> None:
        """LedgerInUse where the ledger is being copied, or is not to be shared; LedgerUnavailable
        where the server cannot be used."""
        engine = connect(self._url)
        with reading(engine) as connection:  # names what is wrong
            connection.execute(text("SELECT 1"))
        session = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        session.detach()
        engine.dispose()
        shared = "" if self._alone else "_shared"
        taken = session.execute(text(f"SELECT pg_try_advisory_lock{shared}({SHARED_LOCK})"))
        if not taken.scalar_one():
            session.close()
            raise LedgerInUse(
                f"A gateway runs on the ledger {shown(self._url)}; stop it first."
                if self._alone
                else f"The ledger {shown(self._url)} is being copied; start when that is done."
            )
        self._session = session

    def hold(self, writer_id: int) -> None:
        """Take the lock of this number, or see that it is still held. A session that was lost is
        made anew; where that cannot be now, the next call tries again."""
        try:
            if self._session is None:
                self.enter()
            assert self._session is not None
            held = text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                f" AND pid = pg_backend_pid() AND {_KEY_OF_LOCK} = :key"
            )
            key = {"key": FIRST_WRITER_LOCK + writer_id}
            if not self._session.execute(held, key).scalar_one():
                self._session.execute(text("SELECT pg_try_advisory_lock(:key)"), key)
        except Exception as error:
            log.warning("The session that shows this gateway to others was lost: %s", error)
            self.leave()

    def leave(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except Exception:  # it was lost already
                log.debug("A lost session could not be closed.", exc_info=True)


def presence_on(url: str) -> OnFile | OnServer:
    """That of a gateway on this ledger."""
    return OnServer(url) if is_postgresql(url) else OnFile(url)


def has_a_writer(engine: Engine) -> bool:
    """Whether a gateway holds this ledger now. Takes no lock that one could run into for long."""
    if is_postgresql(engine.url):
        with reading(engine) as connection:
            return bool(connection.execute(_any_writer).scalar_one())
    path = lock_path(database_path(engine.url))
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except (Timeout, OSError):
        return True


# A lock's key of 64 bits is shown as two halves.
_KEY_OF_LOCK = "((CAST(classid AS bigint) << 32) | CAST(objid AS bigint))"
_any_writer = text(
    "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    f" AND {_KEY_OF_LOCK} = {SHARED_LOCK}"
)


def lock_path(database: Path) -> Path:
    """The file that a running writer of this database holds locked."""
    return database.with_name(database.name + ".lock")
