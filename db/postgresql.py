"""How a PostgreSQL ledger is connected to: time limits, writers one at a time, whole numbers.

Connections hold locks of their session (`db.presence`), so a pooler in between has to keep a
session's server connection (PgBouncer: `pool_mode = session`).
"""

from decimal import Decimal
from typing import Any

import sqlalchemy
from psycopg.adapt import Loader
from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

CONNECT_TIMEOUT_S = 5
# What follows one another in a process at most: pages that read, short writes of people and keys.
_KEPT, _MORE = 5, 15

# Keys of advisory locks: "Brkeven" in ASCII, then a number.
_LOCKS = int.from_bytes(b"Brkeven\0", "big") & ~(1 << 63)
WRITE_LOCK = _LOCKS + 1

# So that nothing hangs for ever: a statement, a wait for a lock, a transaction that its program
# forgot, a peer that is gone without a word.
_SESSION = {
    "statement_timeout": "60s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
}
_KEEPALIVES = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def engine_of(url: URL, *, read_only: bool) -> Engine:
    """An engine whose writing transactions follow one another, those of other processes too."""
    engine = sqlalchemy.create_engine(
        url,
        pool_size=_KEPT,
        max_overflow=_MORE,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "client_encoding": "utf8",
            "application_name": "breakeven",
            **_KEEPALIVES,
        },
    )
    session = _SESSION | ({"default_transaction_read_only": "on"} if read_only else {})
    set_up = ";".join(f"SET {name} = '{value}'" for name, value in session.items())

    def configure(connection: Any, _record: Any) -> None:
        connection.adapters.register_loader("numeric", _NumberLoader)
        connection.autocommit = True
        connection.execute(set_up)
        connection.autocommit = False

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("immediate", False):
            connection.info["transaction"] = connection.execute(_take_turn).scalar_one()

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    return engine


# Held until the transaction ends. As SQLite's BEGIN IMMEDIATE it lets writers follow each other,
# so that what one reads, such as what is left of a budget, cannot change before it writes. What
# is returned is known to the server also after the connection is lost (`was_committed`).
_take_turn = text(f"SELECT pg_current_xact_id()::text FROM pg_advisory_xact_lock({WRITE_LOCK})")


UNKNOWN_TRANSACTION = "22023"  # invalid_parameter_value: an id that is in the server's future


def was_committed(connection: Connection, transaction: str) -> bool:
    """Whether a transaction took place whose commit was never answered. Ask while `writing`: by
    then the server has ended it, one way or the other."""
    status = text("SELECT pg_xact_status(CAST(:transaction AS xid8))")
    try:
        with connection.begin_nested():
            found = connection.execute(status, {"transaction": transaction}).scalar_one()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != UNKNOWN_TRANSACTION:
            raise
        return False  # another server took over, or a backup: it never heard of this one
    return bool(found == "committed")


class _NumberLoader(Loader):
    """A sum of whole numbers is NUMERIC in PostgreSQL; it comes back as what it is, an int."""

    def load(self, data: Any) -> int | Decimal:
        number = bytes(data).decode()
        return int(number) if number.lstrip("-").isdigit() else Decimal(number)
