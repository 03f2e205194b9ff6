"""What can go wrong with the ledger, in words for people."""

import sqlite3
from typing import Literal

import psycopg
from sqlalchemy.exc import DBAPIError


class LedgerUnavailable(Exception):  # noqa: N818 (a state, as people read it)
    """The ledger cannot be written or read now. The message says why and what to do."""


class LedgerInUse(LedgerUnavailable):
    """Another process writes to this ledger."""


class LedgerDamaged(LedgerUnavailable):
    """The database file is no sound database any more. That does not pass by itself."""


class CommitUnknown(LedgerUnavailable):
    """The connection was lost while a transaction was being committed: it may have taken place or
    not. `db.postgresql.was_committed` tells, once the server answers again."""

    def __init__(self, message: str, transaction: str) -> None:
        super().__init__(message)
        self.transaction = transaction


class InvalidInput(ValueError):  # noqa: N818
    """A value that may not be stored. `field` names it, `message` says what would be right."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class UnknownRequest(LookupError):  # noqa: N818
    """The ledger holds no request with this id."""


class KeyRevoked(Exception):  # noqa: N818
    """The key, or the developer it belongs to, may not make requests any more."""


class BudgetExceeded(Exception):  # noqa: N818
    """A month's budget has no room for the request. Amounts are tokens, or joules of energy.

    `used` is by requests that ended, `reserved` the most that running ones may still take and
    `wanted` the most that this one may. `renews_on` is the ISO date (UTC) of a new budget.
    """

    def __init__(
        self,
        scope: Literal["key", "developer"],
        kind: Literal["tokens", "energy"],
        *,
        budget: float,
        used: float,
        reserved: float,
        wanted: float,
        renews_on: str,
    ) -> None:
        def shown(amount: float) -> str:
            return f"{amount:,.0f}" if kind == "tokens" else f"{amount / 3.6e6:,.4g}"

        unit = "tokens" if kind == "tokens" else "kWh"
        super().__init__(
            f"This {scope}'s budget is {shown(budget)} {unit} a month: {shown(used)} are used and"
            f" {shown(reserved)} reserved by requests that run now, and this one may take"
            f" {shown(wanted)}; the budget begins anew on {renews_on} (UTC)."
        )
        self.scope: Literal["key", "developer"] = scope
        self.kind: Literal["tokens", "energy"] = kind
        self.budget = budget
        self.used = used
        self.reserved = reserved
        self.wanted = wanted
        self.renews_on = renews_on


# SQLite's primary result codes that concern the file, not the statement.
_CAUSES = {
    "FULL": "the disk is full; free some space on it",
    "BUSY": "another program keeps the database locked; close it",
    "LOCKED": "another program keeps the database locked; close it",
    "READONLY": "the database file or its folder is read-only; make both writable",
    "PERM": "the database file may not be opened; check its permissions",
    "CANTOPEN": "the database file cannot be opened; check that its folder exists and is writable",
    "IOERR": "the disk reported an error; check the disk and the space left on it",
    "CORRUPT": "the database file is damaged; restore it from a backup",
    "NOTADB": "the file is not a database; restore it from a backup",
    "PROTOCOL": "the database's locks do not work; keep it on a local disk",
    "NOMEM": "memory ran out",
}


# PostgreSQL's error codes (SQLSTATE, appendix A of its manual) that concern the server, not the
# statement: the longest beginning that fits counts.
_STATES = {
    "08": "the connection to the PostgreSQL server was lost; it is made again by itself",
    "25006": "the PostgreSQL database is read-only; give the address of the primary server, or a"
    " user that may write",
    "25P03": "PostgreSQL ended a transaction that took too long; try again",
    "28": "the PostgreSQL server refuses this user or password; correct them in the URL",
    "3D000": "the PostgreSQL server has no such database; create it, or correct its name",
    "42501": "this PostgreSQL user may not do that; grant it the right, or use the owner",
    "40": "PostgreSQL gave way to another transaction; try again",
    "53": "the PostgreSQL server lacks memory or another resource; look into its log",
    "53100": "the PostgreSQL server's disk is full; free some space on it",
    "53300": "the PostgreSQL server has no connection left; raise its max_connections",
    "55P03": "another program keeps the ledger's lock in PostgreSQL; end it",
    "57": "PostgreSQL ended the statement; try again",
    "57014": "PostgreSQL ended a statement that took too long; try again when it has less to do",
    "57P": "the PostgreSQL server is stopping or starting; it is used again once it runs",
    "58": "the PostgreSQL server's disk or system reported an error; look into its log",
    "XX": "the PostgreSQL server found damage or an internal error; look into its log",
}
# A refusal to connect carries no code, only the server's words.
_REFUSALS = {
    "authentication failed": "28",
    "no password supplied": "28",
    "pg_hba.conf": "28",
    "FATAL:  role": "28",
    "FATAL:  database": "3D000",
    "FATAL:  permission denied": "42501",
    "connection slots": "53300",
    "too many": "53300",
    "the database system": "57P",
    "closed the connection": "08",
    "connection is closed": "08",
    "lost": "08",
}
_NO_ANSWER = "no PostgreSQL server answers at its address; start the server, or correct the URL"


def unavailable(error: Exception) -> LedgerUnavailable | None:
    """The error as a LedgerUnavailable where its cause is the file, disk or server, else None."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, psycopg.Error):
        said = _postgresql_cause(original)
        return None if said is None else LedgerUnavailable(f"The ledger cannot be used: {said}.")
    if not isinstance(original, sqlite3.Error):
        return None
    name = getattr(original, "sqlite_errorname", "") or ""
    for code, cause in _CAUSES.items():
        if name == f"SQLITE_{code}" or name.startswith(f"SQLITE_{code}_"):
            kind = LedgerDamaged if code in ("CORRUPT", "NOTADB") else LedgerUnavailable
            return kind(f"The ledger cannot be used: {cause}. (SQLite: {original})")
    return None


def _postgresql_cause(error: psycopg.Error) -> str | None:
    """Without the server's own words: they name addresses and users of the team's network."""
    state = error.sqlstate
    if state is None:
        if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return None
        said = str(error)
        state = next((code for words, code in _REFUSALS.items() if words in said), None)
        return _STATES[state] if state else _NO_ANSWER
    fitting = [code for code in _STATES if state.startswith(code)]
    return _STATES[max(fitting, key=len)] if fitting else None
