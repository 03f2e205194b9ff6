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
from db.errors import InvalidInput
from db.ids import now_ms
from db.importers.merging import CHANGING, is_smaller, larger, present_rows
from db.importers.owners import Owners
from db.importers.record import KEY_LENGTH, MONEY_DIGITS
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
    """How many records were new, grew, were there already, or tell again what other rows do; of
    those that were there, how many exports tell with a smaller cost now."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    clashing: int = 0
    smaller: int = 0


@dataclass(slots=True)
class _Changes:
    """Rows to insert, rows to bring up to date, and how many records clash with others or tell a
    smaller cost."""

    new: list[Row] = field(default_factory=list)
    grown: list[Row] = field(default_factory=list)
    clashing: int = 0
    smaller: int = 0


class Writer:
    """Writes the records of one import, or with `import_id` None only counts what it would do."""

    def __init__(self, engine: Engine, import_id: int | None, owners: Owners, spans: Spans) -> None:
        self.written = Written()
        self._engine, self._import_id = engine, import_id
        self._owners, self._spans = owners, spans
        self._named: dict[int, str] = {}  # rows that were vague, and the key that each got

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
        self.written.smaller += changes.smaller
        self.written.unchanged += records - new - grown - changes.clashing

    def _changes(self, connection: Connection, batch: list[Staged]) -> "_Changes":
        """What a batch changes on the ledger."""
        there = present_rows(connection, batch)
        changes = _Changes()
        for record in batch:
            row = self._row(record)
            present = self._of(record, there)
            if present is not None:
                grown = larger(present, row)
                if grown is not None and present.grain != record.grain:
                    changes.clashing += 1  # a total of what other rows tell in parts
                elif grown is not None:
                    changes.grown.append(grown | {"row_id": present.id})
                elif record.grain is not None and is_smaller(row["cost"], present.cost):
                    changes.smaller += 1
            elif self._spans.clashes(record):
                changes.clashing += 1
            else:
                changes.new.append(row | {"import_id": self._import_id})
        return changes

    def _of(self, record: Staged, there: dict[tuple[str, str], Any]) -> Any:
        """The row that a record is there as; None where it is new."""
        for key in (record.external_key, record.former_key):
            if key is not None and (found := there.get((record.source, key))) is not None:
                return found
        if record.former_key is None:
            return None
        vague = there.get((record.source, record.external_key[:KEY_LENGTH]))
        if vague is None:
            return None
        # The first request that is told of has it; another one's is another record.
        key = self._named.setdefault(vague.id, record.external_key)
        return vague if key == record.external_key else None

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
            "person": self._owners.kept_label(record.person),
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


_grow = (
    update(_usage)
    .where(_u.id == bindparam("row_id"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING})
)


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
