"""Reads what minutes add up to over a range: whole spans, and minutes at its edges."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    case,
    false,
    func,
    or_,
    select,
    union_all,
)

from db.energy_minutes import Rollup
from db.energy_spans import MINUTE, MOST_NAMED, SPANS, Kept, Piece, cuts, pieces
from db.spans import DAY_MS, QUARTER_MS, up


def rows_within(
    connection: Connection,
    rollup: Rollup,
    start_ms: int,
    end_ms: int,
    bucket_ms: int | None = None,
    *,
    longest: str = "day",
    apart: Sequence[int] = (),
) -> Subquery:
    """Rows with the table's columns that add up to the range, minutes that it touches whole.

    None is longer than the span `longest`, or reaches beyond a bucket of `bucket_ms` from
    `start_ms` on, or beyond the quarter of an hour that one of the times `apart` lies in.
    """
    if bucket_ms is not None and bucket_ms <= 0:
        raise ValueError(f"A bucket lasts at least a millisecond, not {bucket_ms}.")
    kept = kept_by(connection, rollup)
    if kept is None:
        return rows_of(rollup, [])
    at = cuts(kept, start_ms, end_ms, bucket_ms, SPANS[rollup.spans[-1]])
    ends_of_quarters = {up(moment, QUARTER_MS) for moment in apart}
    at = sorted({*at, *(end for end in ends_of_quarters if at and at[0] < end < at[-1])})
    spans = [span for span in rollup.spans if SPANS[span] <= SPANS[longest]]
    return rows_of(rollup, pieces(at, spans))


def kept_by(connection: Connection, rollup: Rollup) -> Kept | None:
    """What there is of a table and its minutes; None where there is nothing."""
    t = rollup.table.c
    days = t.span == "day"
    ends = [
        select(func.min(t.start_at)).where(days),
        select(func.max(t.start_at)).where(days),
        select(func.min(rollup.minute)),
        select(func.max(rollup.minute)),
    ]
    first, last, *minutes = connection.execute(
        select(*[query.scalar_subquery() for query in ends])
    ).one()
    return None if first is None else Kept(first, last + DAY_MS, *minutes)


def rows_of(rollup: Rollup, parts: Sequence[Piece]) -> Subquery:
    """The rows of these pieces."""
    names = (*rollup.key, *rollup.values)
    t = rollup.table.c
    kept = select(*[t[name] for name in names])
    if not parts:
        return kept.where(false()).subquery()
    selects: list[Select[*tuple[Any, ...]]] = []
    for part in parts:
        if part.span == MINUTE:
            minutes = rollup.of_minutes(_within(rollup.minute, part)).subquery().c
            selects.append(select(*[minutes[name] for name in names]))
        else:
            selects.append(kept.where(t.span == part.span, _within(t.start_at, part)))
    return (union_all(*selects) if len(selects) > 1 else selects[0]).subquery()


def _within(column: Any, part: Piece) -> ColumnElement[bool]:
    if len(part.ranges) <= 2:
        return or_(*[and_(column >= begin, column < end) for begin, end in part.ranges])
    if part.starts <= MOST_NAMED:
        named: ColumnElement[bool] = column.in_(
            [at for ends in part.ranges for at in range(*ends, part.size)]
        )
        return named
    begin, end = part.ranges[0]
    within = (column - begin) % part.stride < end - begin
    return and_(column >= begin, column < part.ranges[-1][1], within)


def bucket_of_rows(rows: Subquery, start_ms: int, bucket_ms: int) -> ColumnElement[int]:
    """The bucket that a row lies in; the first, where it begins before the range."""
    at = rows.c.start_at
    bucket: ColumnElement[int] = case(
        (at < start_ms, start_ms), else_=at - (at - start_ms) % bucket_ms
    )
    return bucket.label("bucket_ms")


def read(
    connection: Connection, query: Select[*tuple[Any, ...]], floats: Sequence[str]
) -> pd.DataFrame:
    """The rows as a DataFrame; columns named in `floats` have NaN for NULL even if all are."""
    result = connection.execute(query)
    names = list(result.keys())
    # Column by column: of rows pandas makes a frame ten times slower.
    columns = dict(zip(names, zip(*result.all(), strict=True), strict=False))
    found = pd.DataFrame(columns, columns=names)
    return found.astype(dict.fromkeys(floats, float))
