"""Keeps what requests add up to (`db.schema.usage`) equal to the requests.

What one row adds is written once, in `ROW`. The tables are changed by the difference that it makes
before and after a write, in the write's own transaction; `db.usage_rebuild` makes them anew from
it, and compares.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Numeric,
    Table,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)

from db.schema import Request, UsageHour, UsageModel, UsagePeriod, UsageTime
from db.spans import DAY_MS, HOUR_MS, QUARTER_MS, down, month_start, year_start
from db.upsert import upsert

_r = Request
ENDED = _r.status != "running"
# Of these it is known what the prompt took and what the answer: joules per token are told over
# them. A lower bound would make a token look cheaper than it is.
_TOLD = and_(
    _r.energy_basis.in_(("measured", "estimated")),
    _r.energy_j.is_not(None),
    _r.prefill_energy_j.is_not(None),
)
_NO_ACCURACY = and_(_r.energy_j.is_not(None), _r.energy_uncertainty_j.is_(None))


def _if(condition: ColumnElement[bool], amount: Any) -> ColumnElement[Any]:
    return case((condition, amount), else_=0.0 if _is_joules(amount) else 0)


def _is_joules(amount: Any) -> bool:
    return getattr(amount, "name", "").endswith("_j")


# What a request that has ended adds to each measure.
ROW: dict[str, ColumnElement[Any]] = {
    "requests": literal_column("1"),
    "input_tokens": _r.input_tokens.expression,
    "cached_input_tokens": _r.cached_input_tokens.expression,
    "output_tokens": _r.output_tokens.expression,
    "estimated_counts": _if(_r.counts_exact.is_(False), 1),
    "energy_j": func.coalesce(_r.energy_j, 0.0),
    "energy_unknown": _if(_r.energy_j.is_(None), 1),
    "energy_partial": _if(_r.energy_basis == "partial", 1),
    "accuracy_kept": _if(_r.energy_uncertainty_j.is_not(None), 1),
    "uncertainty_j": func.coalesce(_r.energy_uncertainty_j, 0.0),
    "accuracy_unknown_j": _if(_NO_ACCURACY, _r.energy_j),
    "told": _if(_TOLD, 1),
    "told_uncached_input_tokens": _if(_TOLD, _r.input_tokens - _r.cached_input_tokens),
    "told_output_tokens": _if(_TOLD, _r.output_tokens),
    "told_energy_j": _if(_TOLD, _r.energy_j),
    "told_prefill_j": _if(_TOLD, _r.prefill_energy_j),
    "told_uncertainty_j": _if(
        and_(_TOLD, _r.energy_uncertainty_j.is_not(None)), _r.energy_uncertainty_j
    ),
    "told_accuracy_unknown_j": _if(and_(_TOLD, _NO_ACCURACY), _r.energy_j),
}
MEASURES = tuple(ROW)
# How many of a period's requests ended in which way.
COUNTS = {"ok": "ok", "errors": "error", "cancelled": "cancelled", "interrupted": "interrupted"}

# Numbers that are grouped by are written out: PostgreSQL would not see that two parameters agree.
TEAM = func.coalesce(_r.team_id, literal_column("0"))
# Of decimals PostgreSQL rounds a half up, as SQLite does; of floating point to the even one.
EXPERTS = cast(
    func.coalesce(func.round(cast(_r.experts_active_mean, Numeric)), literal_column("-1")),
    BigInteger,
)

HOURS: Table = UsageHour.__table__  # type: ignore[assignment]
PERIODS: Table = UsagePeriod.__table__  # type: ignore[assignment]
MODELS: Table = UsageModel.__table__  # type: ignore[assignment]
TIMES: Table = UsageTime.__table__  # type: ignore[assignment]
TIME_MEASURES = tuple(column.name for column in TIMES.c if not column.primary_key)

_GROUP = (
    (_r.started_at - _r.started_at % literal_column(str(QUARTER_MS))).label("quarter_at"),
    _r.developer_id,
    TEAM.label("team_id"),
    _r.model,
    _r.engine,
    _r.status,
    EXPERTS.label("experts"),
)
_Key = tuple[int, int, int, str, str, str, int]
_Amounts = dict[str, float]
Which = Collection[int] | ColumnElement[bool]
_MOST_IDS = 1_000  # of one query: databases limit its parameters


def total(name: str, amount: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum of a measure; counts come back as whole numbers from every database."""
    summed = func.sum(amount)
    return (summed if name.endswith("_j") else cast(summed, BigInteger)).label(name)


@contextmanager
def changing(
    connection: Connection, which: Collection[int] | ColumnElement[bool]
) -> Iterator[None]:
    """Around a write to some requests: books the difference it makes. `which` is their ids, or a
    condition that chooses the same requests before the write and after it."""
    before = _contributions(connection, which)
    yield
    after = _contributions(connection, which)
    _book(connection, _difference(before, after))


_contribution = (
    select(*_GROUP, *[total(name, amount) for name, amount in ROW.items()])
    .where(ENDED)
    .group_by(*_GROUP)
)
_of_ids = _contribution.where(_r.id.in_(bindparam("ids", expanding=True)))


def _contributions(connection: Connection, which: Which) -> dict[_Key, _Amounts]:
    """What the requests that have ended add up to, by key."""
    if isinstance(which, ColumnElement):
        return _read(connection.execute(_contribution.where(which)))
    found: dict[_Key, _Amounts] = {}
    ids = sorted(which)
    for start in range(0, len(ids), _MOST_IDS):
        some = {"ids": ids[start : start + _MOST_IDS]}
        for key, amounts in _read(connection.execute(_of_ids, some)).items():
            kept = found.setdefault(key, amounts)
            if kept is not amounts:
                found[key] = {name: kept[name] + amounts[name] for name in MEASURES}
    return found


def _read(rows: Iterable[Any]) -> dict[_Key, _Amounts]:
    size = len(_GROUP)
    return {tuple(row[:size]): dict(zip(MEASURES, row[size:], strict=True)) for row in rows}


def _difference(
    before: Mapping[_Key, _Amounts], after: Mapping[_Key, _Amounts]
) -> dict[_Key, _Amounts]:
    nothing = dict.fromkeys(MEASURES, 0)
    changes: dict[_Key, _Amounts] = {}
    for key in before.keys() | after.keys():
        was, now = before.get(key, nothing), after.get(key, nothing)
        change = {name: now[name] - was[name] for name in MEASURES}
        if any(change.values()):
            changes[key] = change
    return changes


def _book(connection: Connection, changes: Mapping[_Key, _Amounts]) -> None:
    if not changes:
        return
    hours, periods, models, times = (_Sums() for _ in range(4))
    for (quarter, developer, team, model, engine, status, experts), change in changes.items():
        hour, day = down(quarter, HOUR_MS), down(quarter, DAY_MS)
        periods_of = (("day", day), ("month", month_start(day)), ("year", year_start(day)))
        hours.add((hour, developer, team, model, engine, status), change)
        endings = {
            name: change["requests"] if status == ending else 0 for name, ending in COUNTS.items()
        }
        for span, start in periods_of:
            periods.add((span, start, developer, team, model, engine), change | endings)
        for span, start in (("hour", hour), *periods_of):
            models.add((span, start, model, engine, status, experts), change)
        for span, start in (("quarter", quarter), ("hour", hour)):
            times.add((span, start), change)
    for table, sums in ((HOURS, hours), (PERIODS, periods), (MODELS, models), (TIMES, times)):
        sums.write(connection, table)


class _Sums:
    """Changes of one table, by its primary key."""

    def __init__(self) -> None:
        self._of: defaultdict[tuple[Any, ...], defaultdict[str, float]]
        self._of = defaultdict(lambda: defaultdict(int))

    def add(self, key: tuple[Any, ...], change: Mapping[str, float]) -> None:
        kept = self._of[key]
        for name, amount in change.items():
            kept[name] += amount

    def write(self, connection: Connection, table: Table) -> None:
        key = tuple(column.name for column in table.primary_key)
        added = tuple(column.name for column in table.c if column.name not in key)
        rows = [
            dict(zip(key, of, strict=True)) | {name: change[name] for name in added}
            for of, change in self._of.items()
        ]
        upsert(connection, table, rows, added=added)


def bounds(connection: Connection) -> tuple[int | None, int | None, int | None, int | None]:
    """When the first and the last request started, and the first and last hour begin. Each is a
    query of its own: SQLite reads the whole table for two at once."""
    ends = [
        select(of(at)).scalar_subquery()
        for at in (_r.started_at, HOURS.c.start_at)
        for of in (func.min, func.max)
    ]
    first_row, last_row, first_hour, last_hour = connection.execute(select(*ends)).one()
    return first_row, last_row, first_hour, last_hour
