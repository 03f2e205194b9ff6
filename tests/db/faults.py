"""Faults of a ledger's database, by SQLite's own means."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from db.ledger import Ledger


@contextmanager
def pragma(ledger: Ledger, fault: str, cure: str) -> Iterator[None]:
    """While it lasts, every connection that the ledger takes has the fault."""

    def sicken(connection: Any, *_: Any) -> None:
        connection.execute(fault)

    def heal(connection: Any, *_: Any) -> None:
        connection.execute(cure)

    event.listen(ledger.engine, "checkout", sicken)
    try:
        yield
    finally:
        event.remove(ledger.engine, "checkout", sicken)
        event.listen(ledger.engine, "checkout", heal)
