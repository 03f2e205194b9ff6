"""What a minute counts for in each table of sums (`db.schema.energy_rollups`).

It is one SQL expression for each, with which the sums are kept, made anew, compared and read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Table, case, cast, func, literal, select

from db.schema import (
    EnergyInterval,
    EnergySource,
    EnergyTime,
    MachineTime,
    MeterReading,
    MeterTime,
)

_I, _M = EnergyInterval, MeterReading

COMPLETE = ("measured", "estimated")
JOULES = ("total_j", "attributed_j", "idle_j", "overhead_j", "loading_j", "other_j")


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table of sums. `of_minutes` selects, of minutes that meet a condition on `minute`, what
    they count for: rows with the table's columns but for `span`, `start_at` being the minute.

    Columns outside the key are `added` up (NULL where nothing adds up, if they are `known`), the
    `most`, or the `newest`: those of the row with the largest `told_at`.
    """

    table: Table
    minute: Any
    of_minutes: Callable[[ColumnElement[bool]], Select[*tuple[Any, ...]]]
    spans: tuple[str, ...]  # the largest first
    added: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    most: tuple[str, ...] = ()
    newest: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the key's columns, but for `span`."""
        return tuple(column.name for column in self.table.primary_key if column.name != "span")

    @property
    def values(self) -> tuple[str, ...]:
        return (*self.known, *self.added, *self.most, *self.newest)


def _sources(where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    unsure = _I.total_j.is_not(None) & _I.uncertainty_j.is_(None)
    return select(
        _I.minute_at.label("start_at"),
        _I.basis,
        _I.source,
        *[getattr(_I, name) for name in JOULES],
        func.coalesce(_I.uncertainty_j, 0.0).label("uncertainty_j"),
        case((_I.uncertainty_j.is_not(None), 1), else_=0).label("accuracy_kept"),
        case((unsure, 1), else_=0).label("accuracy_unknown"),
        case((unsure, _I.total_j), else_=0.0).label("accuracy_unknown_j"),
    ).where(where)


def _times(where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """A minute is covered for as long as it is on every machine that has meters in it."""
    covered = case((_I.basis.in_(COMPLETE), _I.duration_ms), else_=0)
    partial = case((_I.basis == "partial", _I.duration_ms), else_=0)
    unknown = case((_I.total_j.is_(None), _I.duration_ms), else_=0)
    m = (
        select(
            _I.minute_at,
            whole_sum(covered).label("covered_ms"),
            whole_sum(partial).label("partial_ms"),
            whole_sum(unknown).label("unknown_ms"),
        )
        .where(where)
        .group_by(_I.minute_at, _I.machine)
        .subquery()
        .c
    )
    return select(
        m.minute_at.label("start_at"),
        func.min(m.covered_ms).label("covered_ms"),
        func.max(m.partial_ms).label("partial_ms"),
        func.max(m.unknown_ms).label("unknown_ms"),
    ).group_by(m.minute_at)


def _meters(where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    read = _M.known_ms > 0
    return select(
        _M.minute_at.label("start_at"),
        _M.machine,
        _M.meter,
        _M.device,
        _M.kind,
        _M.basis,
        _M.accuracy,
        case((read, _M.energy_j), else_=0.0).label("energy_j"),
        _M.known_ms,
        _M.unknown_ms,
        case((read, _M.minute_at), else_=0).label("read_at"),
        _M.minute_at.label("told_at"),
    ).where(where)


def _machines(where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    whole = _M.kind == "machine"
    meter_of_whole = case((whole, _M.meter))
    whole_j = func.sum(case((whole, _M.energy_j)))
    parts_j = func.sum(case((whole, None), else_=_M.energy_j))
    return (
        select(
            _M.minute_at.label("start_at"),
            _M.machine,
            func.max(case((~whole & (_M.basis == "estimated"), 1), else_=0)).label("estimated"),
            literal(1).label("minutes"),
            whole_j.label("whole_j"),
            parts_j.label("parts_j"),
        )
        .where(where)
        .group_by(_M.minute_at, _M.machine)
        .having(
            func.sum(_M.unknown_ms) == 0,
            func.min(meter_of_whole) == func.max(meter_of_whole),
            whole_j.is_not(None),
            parts_j.is_not(None),
        )
    )


def whole_sum(column: Any) -> ColumnElement[int]:
    """A sum of whole numbers as one: PostgreSQL gives a decimal."""
    return cast(func.sum(column), BigInteger)


SOURCES = Rollup(
    EnergySource.__table__,  # type: ignore[arg-type]
    _I.minute_at,
    _sources,
    ("day", "hour", "quarter"),
    added=("uncertainty_j", "accuracy_kept", "accuracy_unknown", "accuracy_unknown_j"),
    known=JOULES,
)
TIMES = Rollup(
    EnergyTime.__table__,  # type: ignore[arg-type]
    _I.minute_at,
    _times,
    ("day", "hour", "quarter"),
    added=("covered_ms", "partial_ms", "unknown_ms"),
)
METERS = Rollup(
    MeterTime.__table__,  # type: ignore[arg-type]
    _M.minute_at,
    _meters,
    ("day", "hour"),
    added=("energy_j", "known_ms", "unknown_ms"),
    most=("read_at", "told_at"),
    newest=("kind", "basis", "accuracy"),
)
MACHINES = Rollup(
    MachineTime.__table__,  # type: ignore[arg-type]
    _M.minute_at,
    _machines,
    ("day", "hour"),
    added=("minutes", "whole_j", "parts_j"),
)
ROLLUPS = (SOURCES, TIMES, METERS, MACHINES)
