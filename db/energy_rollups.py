"""Keeps what minutes of energy add up to, so that a year is read as fast as a day.

A write of minutes adds the difference that it makes (`changing`); `rebuild` adds up all minutes;
`differences` compares the two.
"""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)

from db.energy_minutes import ROLLUPS, Rollup, whole_sum
from db.energy_spans import SPANS
from db.spans import down, up
from db.upsert import upsert

_TOLERANCE = 1e-9  # relative, for the rounding of many additions

Values = dict[str, Any]
Rows = dict[tuple[Any, ...], Values]


@contextmanager
def changing(connection: Connection, minutes: Set[int]) -> Iterator[None]:
    """Around a write of minutes: adds what it changes to what they add up to."""
    before = [_counted(connection, rollup, minutes) for rollup in ROLLUPS]
    yield
    for rollup, old in zip(ROLLUPS, before, strict=True):
        _add(connection, rollup, old, _counted(connection, rollup, minutes))


_of_one_minute = {
    rollup.table.name: rollup.of_minutes(rollup.minute == bindparam("minute", type_=BigInteger()))
    for rollup in ROLLUPS
}


def _counted(connection: Connection, rollup: Rollup, minutes: Set[int]) -> Rows:
    """What these minutes count for, by key. They are asked for one by one, since a batch is mostly
    of one, and a list takes the longest to be made a statement of."""
    found: Rows = {}
    statement = _of_one_minute[rollup.table.name]
    for minute in minutes:
        for row in connection.execute(statement, {"minute": minute}).mappings():
            _merge(rollup, found, tuple(row[name] for name in rollup.key), dict(row))
    return found


def _add(connection: Connection, rollup: Rollup, before: Rows, after: Rows) -> None:
    found: Rows = {}
    for key in before.keys() | after.keys():
        changed = _difference(rollup, before.get(key), after.get(key))
        if changed is None:
            continue
        start_at, *rest = key
        for span in rollup.spans:
            _merge(rollup, found, (span, down(start_at, SPANS[span]), *rest), changed)
    names = ("span", *rollup.key)
    upsert(
        connection,
        rollup.table,
        [{**dict(zip(names, key, strict=True)), **values} for key, values in found.items()],
        added=rollup.added,
        known=rollup.known,
        most=rollup.most,
        newest=rollup.newest,
        newest_by="told_at",
    )


def _merge(rollup: Rollup, rows: Rows, key: tuple[Any, ...], values: Values) -> None:
    kept = rows.get(key)
    if kept is None:
        rows[key] = {name: values[name] for name in rollup.values}
        return
    for name in (*rollup.added, *rollup.known):
        if values[name] is not None:
            kept[name] = values[name] if kept[name] is None else kept[name] + values[name]
    if rollup.newest and values["told_at"] >= kept["told_at"]:
        kept.update({name: values[name] for name in rollup.newest})
    kept.update({name: max(kept[name], values[name]) for name in rollup.most})


def _difference(rollup: Rollup, before: Values | None, after: Values | None) -> Values | None:
    """What to add to the sums; None where nothing changed."""
    if before == after:
        return None
    if before is None:
        return after
    if after is None:  # a machine's minute in which no longer all meters read
        return {name: -before[name] for name in rollup.values}
    sums = {name: after[name] - before[name] for name in rollup.added}
    for name in rollup.known:
        was, now = before[name], after[name]
        sums[name] = None if was is None and now is None else (now or 0.0) - (was or 0.0)
    return {**after, **sums}


def rebuild(connection: Connection, minutes_from: int | None = None) -> None:
    """Make all of it anew from the minutes. Before `minutes_from` (epoch ms) they are deleted: the
    shortest spans before it stay as they are, and the longer ones are made from them."""
    for rollup in ROLLUPS:
        for span in reversed(rollup.spans):
            since = None
            if span == rollup.spans[-1] and minutes_from is not None:
                since = up(minutes_from, SPANS[span])
            t = rollup.table.c
            connection.execute(
                delete(rollup.table).where(t.span == span, _since(t.start_at, since))
            )
            names = ["span", *rollup.key, *rollup.values]
            made = _made(rollup, span, since)
            connection.execute(insert(rollup.table).from_select(names, made))


def _made(rollup: Rollup, span: str, since_ms: int | None = None) -> Select[*tuple[Any, ...]]:
    """What the table has to hold for a span: of the next smaller one, the smallest of minutes."""
    smaller = rollup.spans[rollup.spans.index(span) + 1 :]
    if smaller:
        t = rollup.table.c
        rows = (
            select(rollup.table)
            .where(t.span == smaller[0], _since(t.start_at, since_ms))
            .subquery()
        )
    else:
        rows = rollup.of_minutes(_since(rollup.minute, since_ms)).subquery()
    return _grouped(rollup, span, rows)


def _since(column: Any, since_ms: int | None) -> ColumnElement[bool]:
    return literal(True) if since_ms is None else column >= since_ms


def _grouped(rollup: Rollup, span: str, rows: Subquery) -> Select[*tuple[Any, ...]]:
    """Rows of minutes or shorter spans as rows of `span`."""
    begins = (rows.c.start_at - rows.c.start_at % SPANS[span]).label("begins_at")
    keys = [rows.c[name] for name in rollup.key if name != "start_at"]
    added = (*rollup.known, *rollup.added)
    sums = [
        whole_sum(rows.c[name]) if _is_whole(rollup, name) else func.sum(rows.c[name])
        for name in added
    ]
    summed = (
        select(
            begins,
            *keys,
            *[each.label(name) for each, name in zip(sums, added, strict=True)],
            *[func.max(rows.c[name]).label(name) for name in rollup.most],
        )
        .group_by(begins, *keys)
        .subquery()
    )
    _, *others = summed.c
    columns = [literal(span).label("span"), summed.c.begins_at.label("start_at"), *others]
    if not rollup.newest:
        return select(*columns)
    told = rows.alias()
    same = [told.c[key.name] == summed.c[key.name] for key in keys]
    return select(*columns, *[told.c[name] for name in rollup.newest]).join(
        told, and_(told.c.told_at == summed.c.told_at, *same)
    )


def _is_whole(rollup: Rollup, name: str) -> bool:
    return isinstance(rollup.table.c[name].type, BigInteger)


# Comparing


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what its minutes, or its shorter spans, add up to."""

    table: str
    span: str
    start_at: int
    of: tuple[Any, ...]  # the rest of its key

    def __str__(self) -> str:
        return " ".join(str(each) for each in (self.table, self.span, self.start_at, *self.of))


def differences(connection: Connection, since_ms: int | None = None) -> list[Difference]:
    """All rows that differ by more than rounding. `since_ms`: of minutes, only those from then on
    count, since older ones are gone; spans are compared with the next shorter ones in any case."""
    found = [
        Difference(rollup.table.name, span, start_at, tuple(of))
        for rollup in ROLLUPS
        for span in rollup.spans
        for start_at, *of in connection.execute(_differing(rollup, span, since_ms))
    ]
    return list(dict.fromkeys(found))


def _differing(rollup: Rollup, span: str, since_ms: int | None) -> Select[*tuple[Any, ...]]:
    """What is kept, with the sign turned, is added to what has to be: nothing may be left."""
    since = None
    if since_ms is not None and span == rollup.spans[-1]:
        since = up(since_ms, SPANS[span])
    t = rollup.table.c
    kept = select(rollup.table).where(t.span == span, _since(t.start_at, since)).subquery()
    made = _made(rollup, span, since).subquery()
    texts = tuple(name for name in rollup.newest if isinstance(t[name].type, String))
    numbers = tuple(name for name in rollup.values if name not in texts)
    both = union_all(
        *[
            select(
                *[rows.c[name] for name in (*rollup.key, *texts)],
                *[(rows.c[name] * sign).label(name) for name in numbers],
                *[
                    case((rows.c[name].is_(None), 0), else_=sign).label(f"{name}_known")
                    for name in rollup.known
                ],
            )
            for rows, sign in ((made, 1), (kept, -1))
        ]
    ).subquery()
    left = [
        func.abs(func.sum(both.c[name])) > _TOLERANCE * (1 + func.sum(func.abs(both.c[name])))
        for name in numbers
    ]
    left += [func.sum(both.c[f"{name}_known"]) != 0 for name in rollup.known]
    keys = [both.c[name] for name in rollup.key]
    return (
        select(*keys)
        .group_by(*keys, *[both.c[name] for name in texts])
        .having(or_(*left))
        .order_by(*keys)
    )
