"""What each developer used of each model in a range, as prices per token need it.

A range is `start_ms` ≤ t < `end_ms`, in UTC epoch milliseconds. What the gateway metered and what
imported files tell are two reads: they never add up in one figure unnoticed.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Engine, cast, func, or_, select

from db.connect import reading
from db.schema import Developer, ImportedUsage
from db.usage_sources import by_developer_and_model

_MEASURES = ("requests", "input_tokens", "cached_input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class ModelUse:
    """`input_tokens` includes cached ones and those written to a cache. None: not told.

    `developer_id` None: nobody known here, and `name` is their label in the source.
    """

    developer_id: int | None
    name: str
    model: str | None
    requests: int | None
    input_tokens: int | None
    cached_input_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None


def metered(engine: Engine, start_ms: int, end_ms: int) -> list[ModelUse]:
    """A row for each developer and model with requests in the range, by name and model. Requests of
    every status count, running ones with what is known so far."""
    with reading(engine) as connection:
        usage = by_developer_and_model(connection, start_ms, end_ms, _MEASURES)
        u = usage.c
        sums = [_sum(u[name]).label(name) for name in _MEASURES]
        query = (
            select(u.developer_id, Developer.name, u.model, *sums)
            .join(Developer, Developer.id == u.developer_id)
            .group_by(u.developer_id, Developer.name, u.model)
            .having(func.sum(u.requests) > 0)
            .order_by(Developer.name, u.developer_id, u.model)
        )
        return [
            ModelUse(
                developer_id=row.developer_id,
                name=row.name,
                model=row.model,
                requests=row.requests,
                input_tokens=row.input_tokens,
                cached_input_tokens=row.cached_input_tokens,
                cache_write_tokens=None,
                output_tokens=row.output_tokens,
            )
            for row in connection.execute(query)
        ]


def imported(engine: Engine, start_ms: int, end_ms: int) -> list[ModelUse]:
    """The same of imported usage that starts in the range and tells tokens. What one source tells
    and another does not is in rows of its own, so that no sum passes over what is not told."""
    u = ImportedUsage
    name = func.coalesce(Developer.name, u.person, "").label("name")
    counts: list[Any] = [
        u.requests,
        u.input_tokens,
        u.cached_input_tokens,
        u.cache_write_tokens,
        u.output_tokens,
    ]
    keys: list[Any] = [u.developer_id, name, u.model]
    query = (
        select(*keys, *[cast(func.sum(count), BigInteger) for count in counts])
        .select_from(u)
        .outerjoin(Developer, Developer.id == u.developer_id)
        .where(u.at >= start_ms, u.at < end_ms)
        .where(or_(u.input_tokens.is_not(None), u.output_tokens.is_not(None)))
        .group_by(*keys, *[count.is_(None) for count in counts])
        .order_by(*keys)
    )
    with reading(engine) as connection:
        return [ModelUse(*row) for row in connection.execute(query)]


def _sum(column: Any) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)
