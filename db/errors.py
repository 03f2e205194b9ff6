"""What can go wrong with the ledger, in words for people."""

import sqlite3
from typing import Literal

from sqlalchemy.exc import DBAPIError


class LedgerUnavailable(Exception):  # noqa: N818 (a state, as people read it)
    """The ledger cannot be written or read now. The message says why and what to do."""


class LedgerInUse(LedgerUnavailable):
    """Another process writes to this ledger."""


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


def unavailable(error: Exception) -> LedgerUnavailable | None:
    """The error as a LedgerUnavailable where its cause is the file or disk, else None."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(original, sqlite3.Error):
        return None
    name = getattr(original, "sqlite_errorname", "") or ""
    for code, cause in _CAUSES.items():
        if name == f"SQLITE_{code}" or name.startswith(f"SQLITE_{code}_"):
            return LedgerUnavailable(f"The ledger cannot be used: {cause}. (SQLite: {original})")
    return None
