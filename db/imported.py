"""Every read of imported usage: the imports themselves, and what their rows add up to.

Sums are over what the sources tell: a source that tells no cost adds to `cost_unknown`, not a cost
of 0. Months are UTC, as vendors' invoices have them; an export's row belongs to the month it starts
in.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
from sqlalchemy import (
    BigInteger,
    Engine,
    Numeric,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    type_coerce,
)

from db.connect import reading
from db.schema import Developer, Import, ImportedUsage
from db.spans import DAY_MS

_UNIT = 10**10  # costs have ten decimals
_COUNTS = ("requests", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class PastImport:
    """A run of an import, as the ledger keeps it; `rows` are those that are there of it now."""

    id: int
    at: int
    finished_at: int | None
    undone_at: int | None
    actor: str
    sources: str
    files: str
    read: int
    added: int
    updated: int
    unchanged: int
    skipped: int
    detail: str


def past_imports(engine: Engine, limit: int = 100) -> list[PastImport]:
    """The latest imports, newest first."""
    columns = [getattr(Import, name) for name in PastImport.__dataclass_fields__]
    query = select(*columns).order_by(Import.id.desc()).limit(limit)
    with reading(engine) as connection:
        return [PastImport(*row) for row in connection.execute(query)]


def has_imports(engine: Engine) -> bool:
    """Whether anything imported is on the ledger."""
    with reading(engine) as connection:
        return connection.execute(select(ImportedUsage.id).limit(1)).first() is not None


def by_month(engine: Engine) -> pd.DataFrame:
    """What imported usage adds up to, a row a month, source, model and currency.

    Columns: month (`YYYY-MM`), source, model and currency (None: not told), rows, requests,
    input_tokens, cached_input_tokens, cache_write_tokens, output_tokens (None where no row tells
    it), cost (Decimal, None: unknown), cost_unknown (rows with tokens but no cost), lower_bound
    (rows whose tokens are one).
    """
    return _summed(engine, "model")


def by_person(engine: Engine) -> pd.DataFrame:
    """The same a month, source, person and currency: `person` is the developer's name, else the
    label that the source has; `developer_id` None where it is nobody here."""
    return _summed(engine, "person")


def _summed(engine: Engine, by: str) -> pd.DataFrame:
    u = ImportedUsage
    name = u.model if by == "model" else func.coalesce(Developer.name, u.person)
    developer = [] if by == "model" else [u.developer_id.label("developer_id")]
    day = (u.at - u.at % DAY_MS).label("day")
    keys = [day, u.source, name.label(by), *developer, u.currency]
    untold = and_(u.cost.is_(None), or_(u.input_tokens.is_not(None), u.output_tokens.is_not(None)))
    sums = [
        func.count().label("rows"),
        *[cast(func.sum(getattr(u, each)), BigInteger).label(each) for each in _COUNTS],
        # Whole units add up exactly; SQLite keeps decimals as text and would add them as floats.
        cast(
            func.sum(cast(func.round(type_coerce(u.cost, Numeric()) * _UNIT), BigInteger)),
            BigInteger,
        ).label("cost"),
        func.sum(case((untold, 1), else_=0)).label("cost_unknown"),
        func.sum(case((u.basis == "lower bound", 1), else_=0)).label("lower_bound"),
    ]
    query = (
        select(*keys, *sums)
        .select_from(u)
        .outerjoin(Developer, Developer.id == u.developer_id)
        .group_by(*keys)
    )
    found: dict[tuple[Any, ...], list[Any]] = {}
    with reading(engine) as connection:
        for day_ms, *rest in connection.execute(query):
            key = (_month(int(day_ms or 0)), *rest[: len(keys) - 1])
            values = rest[len(keys) - 1 :]
            before = found.get(key)
            found[key] = values if before is None else list(map(_plus, before, values))
    columns = ["month", *[key.name for key in keys[1:]], *[one.name for one in sums]]
    rows = [[*key, *values] for key, values in found.items()]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    costs = [None if cost is None else Decimal(cost) / _UNIT for cost in frame["cost"]]
    frame["cost"] = pd.Series(costs, dtype=object)
    return frame.sort_values(["month", "source", by], na_position="last", ignore_index=True)


def _plus(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    return int(one) + int(other)


def _month(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m")
