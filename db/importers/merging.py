"""Which rows of the ledger records are there as, and what such a row is when it is told again."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Table, or_, select

from db.erase import pseudonym
from db.importers.record import KEY_LENGTH
from db.importers.staging import Staged
from db.schema import ImportedUsage

_usage: Table = ImportedUsage.__table__  # type: ignore[assignment]
_u = _usage.c

Row = dict[str, Any]


def present_rows(connection: Connection, batch: list[Staged]) -> dict[tuple[str, str], Any]:
    """The rows that a batch's records may be there as, by source and key. That of a vague record
    stands under its vague key."""
    keys = {one.external_key for one in batch}
    keys |= {key for one in batch if (key := one.former_key) is not None}
    keys |= {one.external_key[:KEY_LENGTH] for one in batch}
    sources = _u.source.in_({one.source for one in batch})
    query = select(_usage).where(sources, _u.external_key.in_(keys))
    there = {(row.source, row.external_key): row for row in connection.execute(query)}
    vague = [one for one in batch if one.vague and (one.source, one.external_key) not in there]
    if vague:
        begins = [
            (_u.source == one.source)
            & (_u.external_key > one.external_key)
            & (_u.external_key < one.external_key + "g")  # keys are hexadecimal
            for one in vague
        ]
        named = select(_usage).where(or_(*begins)).order_by(_u.external_key)
        for row in connection.execute(named):
            there.setdefault((row.source, row.external_key[:KEY_LENGTH]), row)
    return there


CHANGING = (
    "external_key",
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


def larger(present: Any, row: Row) -> Row | None:
    """The columns of a row that is told again, each the larger; None where nothing changes."""
    merged: Row = {name: getattr(present, name) for name in CHANGING}
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
    merged["external_key"] = max(present.external_key, row["external_key"], key=len)
    if all(merged[name] == getattr(present, name) for name in CHANGING):
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
    return max(known, key=abs, default=None)  # a credit grows downwards


def is_smaller(now: Decimal | None, before: Decimal | None) -> bool:
    return now is not None and before is not None and abs(now) < abs(before)
