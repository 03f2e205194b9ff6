"""Who uses the gateway on which days, and what one developer's use is made of.

A range is as in `db.queries`. Over time it is read in buckets, of which all but the first begin at
whole hours of UTC; `begins` tells when. Single requests are read at the range's edges alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Engine,
    String,
    case,
    cast,
    func,
    select,
    union_all,
)

from db import usage_sources
from db.connect import reading
from db.energy_ranges import read
from db.schema import ApiKey, Developer, MonthlyUse, Request
from db.usage_buckets import by_developer_in
from db.usage_sources import Which
from db.uses import EVERY_USE, Uses

MEASURES = (
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "energy_unknown",
    "energy_partial",
    "energy_j",
)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a key of a developer's used in some months (UTC). Energy is what is known of it.

    `name` and `prefix` None: without a key, in the dashboard's own chat.
    """

    name: str | None
    prefix: str | None
    requests: int
    input_tokens: int
    output_tokens: int
    energy_j: float


def active_developers(
    engine: Engine, begins: Sequence[int], end_ms: int, uses: Uses = EVERY_USE
) -> pd.DataFrame:
    """A row for each developer and each bucket in which they made a request of these `uses`.

    Columns: at_ms (when the bucket begins, or a moment in it), developer_id.
    """
    moments: list[int] = []
    people: list[str] = []
    with reading(engine) as connection:
        for part in by_developer_in(
            connection, begins, end_ms, ("developer_id",), ("requests",), Which(uses)
        ):
            found = part.with_only_columns(*part.selected_columns[:2]).distinct()
            # A moment's developers in one text: a year of rows by themselves takes far longer.
            pairs = found.subquery().c
            texts = func.aggregate_strings(cast(pairs.developer_id, String), ",")
            for moment, text in connection.execute(select(pairs.at, texts).group_by(pairs.at)):
                moments.append(moment)
                people.append(text)
    counts = [text.count(",") + 1 for text in people]
    active = pd.DataFrame(
        {
            "at_ms": np.repeat(np.array(moments, dtype=np.int64), counts),
            "developer_id": np.array(",".join(people).split(",") if people else [], dtype=np.int64),
        }
    )
    return active.drop_duplicates(ignore_index=True)


def developer_over_time(
    engine: Engine,
    developer_id: int,
    begins: Sequence[int],
    end_ms: int,
    uses: Uses = EVERY_USE,
) -> pd.DataFrame:
    """What one developer used in each bucket with a request.

    Columns: at_ms (as above), requests, input_tokens, cached_input_tokens, output_tokens,
    energy_unknown, energy_partial, energy_j (NaN where it is known of none).
    """
    which = Which(uses, developer_id)
    with reading(engine) as connection:
        parts = by_developer_in(connection, begins, end_ms, ("developer_id",), MEASURES, which)
        usage = union_all(*parts).subquery()
        at = usage.c.at.label("at_ms")
        query = select(at, *_sums(usage)).group_by(usage.c.at).order_by(usage.c.at)
        return read(connection, query, floats=("energy_j",))


def developer_models(
    engine: Engine, developer_id: int, start_ms: int, end_ms: int, uses: Uses = EVERY_USE
) -> pd.DataFrame:
    """What one developer used of each model, most tokens first. Columns: model, and those of
    `developer_over_time` from `requests` on."""
    with reading(engine) as connection:
        usage = usage_sources.by_developer_and_model(
            connection, start_ms, end_ms, MEASURES, uses, developer_id
        )
        tokens = func.sum(usage.c.input_tokens + usage.c.output_tokens)
        query = (
            select(usage.c.model, *_sums(usage))
            .group_by(usage.c.model)
            .having(func.sum(usage.c.requests) > 0)
            .order_by(tokens.desc(), usage.c.model)
        )
        return read(connection, query, floats=("energy_j",))


def developer_keys(engine: Engine, developer_id: int, months: Sequence[str]) -> list[KeyUse]:
    """What each of a developer's keys used in these months (UTC, `YYYY-MM`), as budgets count it,
    most tokens first."""
    use = MonthlyUse
    sums: list[Any] = [
        cast(func.sum(column), BigInteger)
        for column in (use.requests, use.input_tokens, use.output_tokens)
    ]
    query = (
        select(ApiKey.name, ApiKey.prefix, *sums, func.sum(use.energy_j))
        .select_from(use)
        .outerjoin(ApiKey, ApiKey.id == use.api_key_id)
        .where(use.month.in_(months), use.developer_id == developer_id)
        .group_by(use.api_key_id, ApiKey.name, ApiKey.prefix)
        .order_by(func.sum(use.input_tokens + use.output_tokens).desc(), use.api_key_id)
    )
    with reading(engine) as connection:
        return [KeyUse(*row) for row in connection.execute(query)]


def last_requests(engine: Engine) -> dict[int, int]:
    """When each developer's latest request that is still kept was made (UTC epoch milliseconds);
    those without any are left out."""
    latest = (
        select(func.max(Request.started_at))
        .where(Request.developer_id == Developer.id)
        .correlate(Developer)
        .scalar_subquery()
    )
    with reading(engine) as connection:
        rows = connection.execute(select(Developer.id, latest)).all()
    return {developer_id: at for developer_id, at in rows if at is not None}


def _sums(usage: Any) -> list[ColumnElement[Any]]:
    u = usage.c
    counts = [cast(func.sum(u[name]), BigInteger).label(name) for name in MEASURES[:-1]]
    known = (func.sum(u.requests) > func.sum(u.energy_unknown + u.running)) | (
        func.sum(u.energy_j) > 0
    )
    return [*counts, case((known, func.sum(u.energy_j))).label("energy_j")]
