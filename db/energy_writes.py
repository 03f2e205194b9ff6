"""Energy windows onto the ledger: to requests, to minutes, to meters, and to what these add
up to; in one transaction."""

import math
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    String,
    Table,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
    update,
)

from db import months
from db.energy_rollups import changing
from db.records import EnergyBooked, EnergyRecord
from db.schema import EnergyInterval, MeterReading, Request
from db.upsert import upsert

MINUTE_MS = 60_000

_requests: Table = Request.__table__  # type: ignore[assignment]
_intervals: Table = EnergyInterval.__table__  # type: ignore[assignment]
_readings: Table = MeterReading.__table__  # type: ignore[assignment]
_r = _requests.c

Row = dict[str, Any]


def book_energy(
    connection: Connection, records: Sequence[EnergyRecord], used: months.Tally
) -> list[EnergyBooked]:
    """Add windows to their minutes' intervals and meters, and shares to their requests, ended or
    not, and to `used`, which the caller has to write too.

    Shares of requests that the ledger does not hold are booked as idle (`unclaimed_j`): the meter
    read them, so they stay in the sum.
    """
    known = _users_of(connection, {key for record in records for key in record.shares})
    shares = [_share_row(record, key) for record in records for key in record.shares]
    if shares := [share for share in shares if share["request_id"] in known]:
        connection.execute(_add_energy, shares)
    for share in shares:
        used[known[share["request_id"]]].energy_j += share["joules"] or 0.0
    booked = [_booked(record, known.keys()) for record in records]
    intervals = _summed(map(_interval_row, records, booked), _INTERVAL)
    readings = _summed((row for record in records for row in _reading_rows(record)), _READING)
    with changing(connection, {_minute(record) for record in records}):
        upsert(
            connection,
            _intervals,
            intervals,
            key=_INTERVAL.key,
            added=_INTERVAL.added,
            least=("started_at",),
            most=("ended_at",),
        )
        upsert(
            connection,
            _readings,
            readings,
            added=_READING.added,
            replaced=("kind", "basis", "accuracy"),
        )
    return booked


def _users_of(connection: Connection, request_ids: set[int]) -> dict[int, months.User]:
    """Whose requests these are, and of which month; those that the ledger lacks are left out."""
    if not request_ids:
        return {}
    rows = connection.execute(_users, {"ids": request_ids})
    return {request_id: months.user_of(*user) for request_id, *user in rows}


_users = select(_r.id, _r.started_at, _r.developer_id, _r.api_key_id).where(
    _r.id.in_(bindparam("ids", expanding=True))
)

# PostgreSQL has to be told the type of what may be NULL.
_joules: ColumnElement[float] = cast(bindparam("joules"), Double())
_prefill: ColumnElement[float] = cast(bindparam("prefill"), Double())
_uncertainty: ColumnElement[float] = cast(bindparam("uncertainty"), Double())
_basis = bindparam("basis", type_=String())
_source = bindparam("source", type_=String())


def _plus(column: ColumnElement[Any], more: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((_joules.is_(None), column), else_=func.coalesce(column, 0.0) + more)


_add_energy = (
    update(_requests)
    .where(_r.id == bindparam("request_id"))
    .values(
        energy_j=_plus(_r.energy_j, _joules),
        prefill_energy_j=_plus(_r.prefill_energy_j, _prefill),
        energy_uncertainty_j=_plus(_r.energy_uncertainty_j, _uncertainty),
        energy_basis=case(
            (or_(_r.energy_basis.is_(None), _r.energy_basis == _basis), _basis),
            (
                or_(
                    _r.energy_basis == "partial",
                    _r.energy_basis == "unknown",
                    _basis == "partial",
                    _basis == "unknown",
                ),
                "partial",
            ),
            else_="estimated",  # part measured, part estimated
        ),
        energy_source=case(
            (_r.energy_source.is_(None), _source),
            ((", " + _r.energy_source + ", ").contains(", " + _source + ", "), _r.energy_source),
            else_=_r.energy_source + ", " + _source,
        ),
    )
)


def _share_row(record: EnergyRecord, request_id: int) -> Row:
    share, uncertainty = record.shares[request_id], record.uncertainty_j
    if share is not None and uncertainty is not None:
        uncertainty = uncertainty * share / record.total_j if record.total_j else 0.0
    return {
        "request_id": request_id,
        "joules": share,
        "prefill": record.prefill.get(request_id, 0.0),
        "uncertainty": uncertainty,
        "basis": "unknown" if share is None else record.basis,
        "source": record.source,
    }


def _booked(record: EnergyRecord, known: Set[int]) -> EnergyBooked:
    unclaimed = {key: share for key, share in record.shares.items() if key not in known}
    if record.total_j is None:
        return EnergyBooked(None, None, None, list(unclaimed))
    attributed_j = math.fsum(share or 0.0 for key, share in record.shares.items() if key in known)
    used = (attributed_j, record.overhead_j, record.loading_j, record.other_j)
    return EnergyBooked(
        attributed_j,
        max(math.fsum([record.total_j, *(-part for part in used)]), 0.0),  # below 0 by rounding
        math.fsum(share or 0.0 for share in unclaimed.values()),
        list(unclaimed),
    )


@dataclass(frozen=True, slots=True)
class _Sums:
    """How rows of the same key become one: which columns add up; of times, the ends count."""

    key: tuple[str, ...]
    added: tuple[str, ...]


_INTERVAL = _Sums(
    ("minute_at", "machine", "source", "basis"),
    (
        "duration_ms",
        "total_j",
        "attributed_j",
        "idle_j",
        "overhead_j",
        "loading_j",
        "other_j",
        "unclaimed_j",
        "uncertainty_j",
    ),
)
_READING = _Sums(
    ("minute_at", "machine", "meter", "device"), ("energy_j", "known_ms", "unknown_ms")
)


def _summed(rows: Iterable[Row], sums: _Sums) -> list[Row]:
    """One row a key: a batch's windows are mostly of one minute."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in sums.key)
        if (kept := found.setdefault(key, row)) is row:
            continue
        for name in sums.added:
            kept[name] = None if None in (kept[name], row[name]) else kept[name] + row[name]
        if "ended_at" in row:
            kept["started_at"] = min(kept["started_at"], row["started_at"])
            kept["ended_at"] = max(kept["ended_at"], row["ended_at"])
    return list(found.values())


def _interval_row(record: EnergyRecord, booked: EnergyBooked) -> Row:
    known = record.total_j is not None
    return {
        "minute_at": _minute(record),
        "machine": record.machine,
        "started_at": record.started_at,
        "ended_at": max(record.ended_at, record.started_at),
        "duration_ms": round(record.duration_s * 1000),
        "total_j": record.total_j,
        "attributed_j": booked.attributed_j,
        "idle_j": booked.idle_j,
        "overhead_j": record.overhead_j if known else None,
        "loading_j": record.loading_j if known else None,
        "other_j": record.other_j if known else None,
        "unclaimed_j": booked.unclaimed_j,
        "uncertainty_j": record.uncertainty_j if known else None,
        "basis": record.basis,
        "source": record.source,
    }


def _reading_rows(record: EnergyRecord) -> Iterable[Row]:
    duration_ms = round(record.duration_s * 1000)
    for device in record.devices:
        known = device.energy_j is not None
        yield {
            "minute_at": _minute(record),
            "machine": record.machine,
            "meter": device.meter,
            "device": device.device,
            "kind": device.kind,
            "basis": device.basis,
            "accuracy": device.accuracy,
            "energy_j": device.energy_j or 0.0,
            "known_ms": duration_ms if known else 0,
            "unknown_ms": 0 if known else duration_ms,
        }


def _minute(record: EnergyRecord) -> int:
    return record.started_at - record.started_at % MINUTE_MS
