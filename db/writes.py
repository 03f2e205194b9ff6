"""The ledger's write statements. Each function works within the caller's transaction."""

import math
from collections.abc import Sequence, Set
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Double,
    String,
    Table,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from db import months
from db.errors import UnknownRequest
from db.records import (
    Checkpoint,
    EnergyBooked,
    EnergyRecord,
    FinishResult,
    NewRequest,
    RequestOutcome,
)
from db.schema import ApiKey, EnergyInterval, Meta, Request

MINUTE_MS = 60_000

_requests: Table = Request.__table__  # type: ignore[assignment]
_intervals: Table = EnergyInterval.__table__  # type: ignore[assignment]
_keys: Table = ApiKey.__table__  # type: ignore[assignment]
_r = _requests.c


def _later(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((one > other, one), else_=other)


def admit(connection: Connection, new: Sequence[NewRequest]) -> None:
    """Insert rows with status `running`; IntegrityError for a wrong id, developer or key."""
    connection.execute(
        insert(_requests),
        [
            {
                "id": request.id,
                "started_at": request.started_at,
                "developer_id": request.developer_id,
                "developer_name": request.developer_name,
                "api_key_id": request.api_key_id,
                "model": request.model,
                "engine": request.engine,
                "endpoint": request.endpoint,
                "status": "running",
                "streamed": request.streamed,
                "input_tokens": request.input_tokens,
                "cached_input_tokens": 0,
                "output_tokens": 0,
                "counts_exact": request.counts_exact,
                "client": request.client,
                "reserved_tokens": request.reserved_tokens,
                "reserved_energy_j": request.reserved_energy_j,
            }
            for request in new
        ],
    )


_touch_key = (
    update(_keys)
    .where(
        _keys.c.id == bindparam("key_id"),
        or_(_keys.c.last_used_at.is_(None), _keys.c.last_used_at < bindparam("at") - MINUTE_MS),
    )
    .values(last_used_at=bindparam("at"))
)


def touch_keys(connection: Connection, used: dict[int, int]) -> None:
    """Note when keys (id → time) were last used, to the minute."""
    connection.execute(_touch_key, [{"key_id": key, "at": at} for key, at in used.items()])


_checkpoint = (
    update(_requests)
    .where(_r.id == bindparam("request_id"), _r.status == "running")
    .values(
        output_tokens=_later(_r.output_tokens, bindparam("tokens", type_=BigInteger())),
        cached_input_tokens=func.coalesce(bindparam("cached"), _r.cached_input_tokens),
        first_token_at=func.coalesce(_r.first_token_at, bindparam("first")),
        ttft_ms=func.coalesce(_r.ttft_ms, bindparam("first") - _r.started_at),
        duration_ms=_later(bindparam("at") - _r.started_at, func.coalesce(_r.duration_ms, 0)),
    )
)


def checkpoint(connection: Connection, checkpoints: Sequence[Checkpoint]) -> None:
    """Bring running rows up to date; tokens only grow. Rows that have ended stay as they are."""
    connection.execute(
        _checkpoint,
        [
            {
                "request_id": item.request_id,
                "at": item.at,
                "tokens": item.output_tokens,
                "cached": item.cached_input_tokens,
                "first": item.first_token_at,
            }
            for item in checkpoints
        ],
    )


_finish = (
    update(_requests)
    .where(_r.id == bindparam("request_id"), _r.status == "running")
    .values(
        {
            name: bindparam(f"new_{name}")
            for name in (
                "status",
                "finished_at",
                "first_token_at",
                "duration_ms",
                "output_tokens",
                "queue_ms",
                "ttft_ms",
                "finish_reason",
                "error_type",
                "experts_active_mean",
            )
        }
        | {
            name: func.coalesce(bindparam(f"new_{name}"), _r[name])
            for name in ("input_tokens", "cached_input_tokens", "counts_exact")
        }
    )
)


_to_finish = select(
    _r.id,
    _r.status,
    _r.started_at,
    _r.first_token_at,
    _r.input_tokens,
    _r.developer_id,
    _r.api_key_id,
).where(_r.id.in_(bindparam("ids", expanding=True)))


def finish(
    connection: Connection, outcomes: Sequence[RequestOutcome], used: months.Tally
) -> list[FinishResult | UnknownRequest]:
    """Complete running rows, and add their tokens to `used`, which the caller has to write too.
    One that has ended already keeps its first outcome."""
    wanted = [outcome.request_id for outcome in outcomes]
    present = {row.id: row for row in connection.execute(_to_finish, {"ids": wanted})}
    status = {request_id: row.status for request_id, row in present.items()}
    changes: list[dict[str, Any]] = []
    results: list[FinishResult | UnknownRequest] = []
    for outcome in outcomes:
        row = present.get(outcome.request_id)
        if row is None:
            results.append(UnknownRequest(f"No request {outcome.request_id} is on the ledger."))
        elif status[outcome.request_id] != "running":
            results.append(FinishResult(False, status[outcome.request_id]))
        else:
            status[outcome.request_id] = outcome.status
            changes.append(_changes(outcome, row))
            results.append(FinishResult(True, outcome.status))
            use = used[months.user_of(row.started_at, row.developer_id, row.api_key_id)]
            use.requests += 1
            use.input_tokens += (
                row.input_tokens if outcome.input_tokens is None else outcome.input_tokens
            )
            use.output_tokens += outcome.output_tokens
    if changes:
        connection.execute(_finish, changes)
    return results


def _changes(outcome: RequestOutcome, row: Any) -> dict[str, Any]:
    """The finish's values. A clock set back during the request must not disorder its times."""
    first = outcome.first_token_at if outcome.first_token_at is not None else row.first_token_at
    if first is not None:
        first = max(first, row.started_at)
    ttft = _milliseconds(outcome.ttft_ms)
    if ttft is None and first is not None:
        ttft = first - row.started_at
    return {
        "request_id": outcome.request_id,
        "new_status": outcome.status,
        "new_finished_at": max(outcome.finished_at, row.started_at, first or 0),
        "new_first_token_at": first,
        "new_duration_ms": _milliseconds(outcome.duration_ms),
        "new_input_tokens": outcome.input_tokens,
        "new_cached_input_tokens": outcome.cached_input_tokens,
        "new_output_tokens": outcome.output_tokens,
        "new_counts_exact": outcome.counts_exact,
        "new_queue_ms": _milliseconds(outcome.queue_ms),
        "new_ttft_ms": ttft,
        "new_finish_reason": outcome.finish_reason,
        "new_error_type": outcome.error_type,
        "new_experts_active_mean": outcome.experts_active_mean,
    }


def _milliseconds(duration: float | None) -> int | None:
    return None if duration is None else max(round(duration), 0)


_joules: BindParameter[float] = bindparam("joules", type_=Double())
_basis = bindparam("basis", type_=String())
_source = bindparam("source", type_=String())
_add_energy = (
    update(_requests)
    .where(_r.id == bindparam("request_id"))
    .values(
        energy_j=case(
            (_joules.is_(None), _r.energy_j), else_=func.coalesce(_r.energy_j, 0.0) + _joules
        ),
        energy_basis=case(
            (or_(_r.energy_basis.is_(None), _r.energy_basis == _basis), _basis),
            (
                or_(
                    _r.energy_basis == "partial",
                    _r.energy_basis == "unknown",
                    _basis == "unknown",
                ),
                "partial",
            ),
            else_="estimated",  # part measured, part estimated
        ),
        energy_source=case(
            (_r.energy_source.is_(None), _source),
            (_r.energy_source.contains(_source), _r.energy_source),
            else_=_r.energy_source + ", " + _source,
        ),
    )
)


_interval = sqlite_insert(_intervals)
_sums = ("duration_ms", "total_j", "idle_j", "attributed_j", "unclaimed_j")
_add_to_minute = _interval.on_conflict_do_update(
    index_elements=["minute_at", "source", "basis"],
    set_={name: _intervals.c[name] + _interval.excluded[name] for name in _sums}
    | {
        "started_at": case(
            (
                _interval.excluded.started_at < _intervals.c.started_at,
                _interval.excluded.started_at,
            ),
            else_=_intervals.c.started_at,
        ),
        "ended_at": _later(_intervals.c.ended_at, _interval.excluded.ended_at),
    },
)


def book_energy(
    connection: Connection, records: Sequence[EnergyRecord], used: months.Tally
) -> list[EnergyBooked]:
    """Add windows to their minutes' intervals, and shares to their requests, ended or not, and to
    `used`, which the caller has to write too.

    Shares of requests that the ledger does not hold are booked as idle (`unclaimed_j`): the meter
    read them, so they stay in the sum.
    """
    told = {key for record in records for key in record.shares}
    known = _users_of(connection, told)
    shares = [
        {
            "request_id": key,
            "joules": share,
            "basis": "unknown" if share is None else record.basis,
            "source": record.source,
        }
        for record in records
        for key, share in record.shares.items()
        if key in known
    ]
    if shares:
        connection.execute(_add_energy, shares)
    for record in records:
        for key, share in record.shares.items():
            if share is not None and key in known:
                used[known[key]].energy_j += share
    booked = [_booked(record, known.keys()) for record in records]
    connection.execute(_add_to_minute, list(map(_interval_row, records, booked)))
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


def _booked(record: EnergyRecord, known: Set[int]) -> EnergyBooked:
    unclaimed = {key: share for key, share in record.shares.items() if key not in known}
    if record.total_j is None:
        return EnergyBooked(None, None, None, list(unclaimed))
    shares = record.shares.items()
    attributed_j = math.fsum(share or 0.0 for key, share in shares if key in known)
    return EnergyBooked(
        attributed_j,
        max(record.total_j - attributed_j, 0.0),  # below 0 by rounding alone
        math.fsum(share or 0.0 for share in unclaimed.values()),
        list(unclaimed),
    )


def _interval_row(record: EnergyRecord, booked: EnergyBooked) -> dict[str, Any]:
    return {
        "minute_at": record.started_at - record.started_at % MINUTE_MS,
        "started_at": record.started_at,
        "ended_at": max(record.ended_at, record.started_at),
        "duration_ms": round(record.duration_s * 1000),
        "total_j": record.total_j,
        "idle_j": booked.idle_j,
        "attributed_j": booked.attributed_j,
        "unclaimed_j": booked.unclaimed_j,
        "basis": record.basis,
        "source": record.source,
    }


def interrupt_running(connection: Connection) -> int:
    """End every row still `running` as `interrupted`, at its last checkpoint, and add what it holds
    to its month. Returns how many."""
    used = months.tally()
    held = select(
        _r.started_at, _r.developer_id, _r.api_key_id, _r.input_tokens, _r.output_tokens
    ).where(_r.status == "running")
    for *user, input_tokens, output_tokens in connection.execute(held):
        use = used[months.user_of(*user)]
        use.requests += 1
        use.input_tokens += input_tokens
        use.output_tokens += output_tokens
    months.add(connection, used)
    last = _later(
        _r.started_at + func.coalesce(_r.duration_ms, 0),
        func.coalesce(_r.first_token_at, _r.started_at),
    )
    result = connection.execute(
        update(_requests)
        .where(_r.status == "running")
        .values(
            status="interrupted",
            finished_at=last,
            duration_ms=last - _r.started_at,
        )
    )
    return result.rowcount


def set_meta(connection: Connection, key: str, value: str) -> None:
    """Write a fact about the database itself."""
    row = sqlite_insert(Meta).values(key=key, value=value)
    connection.execute(row.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
