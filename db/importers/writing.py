"""Brings staged records into the ledger, and takes an import back out of it.

In transactions of a few milliseconds, with a pause as long between them: a gateway that writes to
the same ledger gets its turn.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, delete, insert, select, update

from db.audit import note
from db.connect import reading, writing
from db.erase import pseudonym
from db.errors import InvalidInput
from db.ids import now_ms
from db.importers.owners import Owners
from db.importers.record import MONEY_DIGITS
from db.importers.spans import Spans
from db.importers.staging import Staged
from db.schema import Import, ImportedUsage

BATCH = 200
_SMALLEST = Decimal(1).scaleb(-MONEY_DIGITS)

_usage: Table = ImportedUsage.__table__  # type: ignore[assignment]
_u = _usage.c

Row = dict[str, Any]


@dataclass(slots=True)
class Written:
    """How many records were new, grew, were there already, or tell again what other rows do."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    clashing: int = 0


@dataclass(slots=True)
class _Changes:
    """Rows to insert, rows to bring up to date, and how many records clash with others."""

    new: list[Row] = field(default_factory=list)
    grown: list[Row] = field(default_factory=list)
    clashing: int = 0


class Writer:
    """Writes the records of one import, or with `import_id` None only counts what it would do."""

    def __init__(self, engine: Engine, import_id: int | None, owners: Owners, spans: Spans) -> None:
        self.written = Written()
        self._engine, self._import_id = engine, import_id
        self._owners, self._spans = owners, spans

    def write(self, records: Iterable[Staged], each: Callable[[int], None]) -> None:
        """All records, batch by batch; `each` hears how many are done."""
        done = 0
        for batch in _batched(records):
            # Most of a repeated import changes nothing, and need not wait for the write lock.
            with reading(self._engine) as connection:
                changes = self._changes(connection, batch)
            if self._import_id is not None and (changes.new or changes.grown):
                time.sleep(self._apply(batch))
            else:
                self._tally(changes, len(batch))
            done += len(batch)
            each(done)

    def _apply(self, batch: list[Staged]) -> float:
        """Write a batch; returns for how many seconds it held the lock."""
        with writing(self._engine) as connection:
            started = time.perf_counter()
            self._require_standing(connection)
            changes = self._changes(connection, batch)
            if changes.new:
                connection.execute(insert(_usage), changes.new)
            if changes.grown:
                connection.execute(_grow, changes.grown)
            self._tally(changes, len(batch))
            counts = {
                "added": self.written.added,
                "updated": self.written.updated,
                "unchanged": self.written.unchanged,
            }
            connection.execute(update(Import).where(Import.id == self._import_id).values(counts))
        return time.perf_counter() - started

    def _require_standing(self, connection: Connection) -> None:
        undone = select(Import.undone_at).where(Import.id == self._import_id)
        if connection.execute(undone).scalar() is not None:
            raise InvalidInput("import", "This import was undone while it was being written.")

    def _tally(self, changes: "_Changes", records: int) -> None:
        new, grown = len(changes.new), len(changes.grown)
        self.written.added += new
        self.written.updated += grown
        self.written.clashing += changes.clashing
        self.written.unchanged += records - new - grown - changes.clashing

    def _changes(self, connection: Connection, batch: list[Staged]) -> "_Changes":
        """What a batch changes on the ledger."""
        there = {
            (row.source, row.external_key): row
            for row in connection.execute(
                select(_usage).where(
                    _u.source.in_({one.source for one in batch}),
                    _u.external_key.in_([one.external_key for one in batch]),
                )
            )
        }
        changes = _Changes()
        for record in batch:
            row = self._row(record)
            present = there.get((record.source, record.external_key))
            if present is not None:
                if (larger := _larger(present, row)) is not None:
                    changes.grown.append(larger | {"row_id": present.id})
            elif self._spans.clashes(record):
                changes.clashing += 1
            else:
                changes.new.append(row | {"import_id": self._import_id})
        return changes

    def _row(self, record: Staged) -> Row:
        parts = (record.fresh, record.cached, record.written)
        known = [part for part in parts if part is not None]
        return {
            "source": record.source,
            "external_key": record.external_key,
            "at": record.at,
            "ends_at": record.ends_at,
            "grain": record.grain,
            "developer_id": self._owners.of(record.person),
            "person": record.person,
            "model": record.model,
            "requests": record.requests,
            "input_tokens": sum(known) if known else None,
            "cached_input_tokens": record.cached,
            "cache_write_tokens": record.written,
            "output_tokens": record.output,
            "cost": None if record.cost is None else record.cost * _SMALLEST,
            "currency": record.currency,
            "basis": record.basis,
        }


_CHANGING = (
    "at",
    "developer_id",
    "person",
    "model",
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost",
    "currency",
)
_grow = (
    update(_usage)
    .where(_u.id == bindparam("row_id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)


def _larger(present: Any, row: Row) -> Row | None:
    """The columns of a row that is told again, each the larger; None where nothing changes."""
    merged: Row = {name: getattr(present, name) for name in _CHANGING}
    cached = _most(present.cached_input_tokens, row["cached_input_tokens"])
    written = _most(present.cache_write_tokens, row["cache_write_tokens"])
    fresh = _most(_fresh(present._mapping), _fresh(row))
    known = [part for part in (fresh, cached, written) if part is not None]
    merged["cached_input_tokens"], merged["cache_write_tokens"] = cached, written
    merged["input_tokens"] = sum(known) if known else None
    for name in ("requests", "output_tokens", "cost"):
        merged[name] = _most(merged[name], row[name])
    # Whose it is never differs in a true log; where it does, the order of files must not decide.
    # The name of a person that was erased does not come back.
    erased = present.developer_id is not None and present.person == pseudonym(present.developer_id)
    smaller = present.person is None or (
        row["person"] is not None and row["person"] < present.person
    )
    if smaller and not erased:
        merged["person"] = row["person"]
        merged["developer_id"] = row["developer_id"] or present.developer_id
    for name in ("developer_id", "currency"):
        merged[name] = row[name] if merged[name] is None else merged[name]
    earlier = (row["at"], row["model"] or "") < (present.at, present.model or "")
    first, second = (row, merged) if earlier else (merged, row)
    merged["model"] = second["model"] if first["model"] is None else first["model"]
    merged["at"] = min(present.at, row["at"])
    if all(merged[name] == getattr(present, name) for name in _CHANGING):
        return None
    return {f"new_{name}": value for name, value in merged.items()}


def _fresh(row: Any) -> int | None:
    if row["input_tokens"] is None:
        return None
    return int(row["input_tokens"]) - sum(
        row[name] or 0 for name in ("cached_input_tokens", "cache_write_tokens")
    )


def _most(one: Any, other: Any) -> Any:
    known = [value for value in (one, other) if value is not None]
    return max(known, default=None)


def _batched(records: Iterable[Staged]) -> Iterator[list[Staged]]:
    source = iter(records)
    while batch := list(islice(source, BATCH)):
        yield batch


def undo(engine: Engine, import_id: int, *, actor: str) -> int:
    """Remove the rows that an import added; returns how many. What it only brought up to date
    stays: those rows are another import's. InvalidInput where there is no such import, or it was
    undone before."""
    _require(engine, import_id)
    with writing(engine) as connection:  # first, so that one that is still being written stops
        undone = update(Import).where(Import.id == import_id).values(undone_at=now_ms())
        connection.execute(undone)
        note(connection, actor, "import undone", id=import_id)
    ids = select(_u.id).where(_u.import_id == import_id).order_by(_u.id).limit(BATCH)
    removed = 0
    while True:
        with writing(engine) as connection:
            started = time.perf_counter()
            batch = list(connection.execute(ids).scalars())
            connection.execute(delete(_usage).where(_u.id.in_(batch)))
            took_s = time.perf_counter() - started
        if not batch:
            return removed
        removed += len(batch)
        time.sleep(took_s)


def _require(engine: Engine, import_id: int) -> None:
    with reading(engine) as connection:
        row = connection.execute(select(Import.undone_at).where(Import.id == import_id)).first()
        has_rows = connection.execute(select(_u.id).where(_u.import_id == import_id)).first()
    if row is None:
        raise InvalidInput("import", f"There is no import with id {import_id}.")
    if row.undone_at is not None and has_rows is None:
        raise InvalidInput("import", f"Import {import_id} was undone before.")
