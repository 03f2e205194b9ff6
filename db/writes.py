"""The ledger's write statements. Each function works within the caller's transaction."""

from collections.abc import Sequence, Set
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from db import months, usage
from db.errors import UnknownRequest
from db.records import (
    Checkpoint,
    FinishResult,
    NewRequest,
    RequestOutcome,
)
from db.schema import ApiKey, Meta, Request
from db.upsert import upsert

MINUTE_MS = 60_000

_requests: Table = Request.__table__  # type: ignore[assignment]
_keys: Table = ApiKey.__table__  # type: ignore[assignment]
_meta: Table = Meta.__table__  # type: ignore[assignment]
_r = _requests.c


def _later(one: ColumnElement[int], other: ColumnElement[int]) -> ColumnElement[int]:
    return case((one > other, one), else_=other)


def admit(connection: Connection, new: Sequence[NewRequest], writer_id: int | None = None) -> None:
    """Insert rows with status `running`; IntegrityError for a wrong id, developer or key."""
    connection.execute(
        insert(_requests),
        [
            {
                "id": request.id,
                "started_at": request.started_at,
                "developer_id": request.developer_id,
                "developer_name": request.developer_name,
                "team_id": request.team_id,
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
                "writer_id": writer_id,
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


# A clock set back since the request came must not disorder its times. NULL stays NULL.
_first = bindparam("first", type_=BigInteger())
_first_in_order = case((_first < _r.started_at, _r.started_at), else_=_first)

_checkpoint = (
    update(_requests)
    .where(_r.id == bindparam("request_id"), _r.status == "running")
    .values(
        output_tokens=_later(_r.output_tokens, bindparam("tokens", type_=BigInteger())),
        cached_input_tokens=func.coalesce(bindparam("cached"), _r.cached_input_tokens),
        first_token_at=func.coalesce(_r.first_token_at, _first_in_order),
        ttft_ms=func.coalesce(_r.ttft_ms, _first_in_order - _r.started_at),
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


def interrupt_running(connection: Connection, left: ColumnElement[bool]) -> int:
    """End rows still `running` that `left` is true of as `interrupted`, at their last checkpoint,
    and add what they hold to their months. Returns how many."""
    running = _r.status == literal_column("'running'")
    chosen = set(connection.execute(select(_r.id).where(running, left)).scalars())
    months.add(connection, _held(connection, chosen, sign=1))
    last = _later(
        _r.started_at + func.coalesce(_r.duration_ms, 0),
        func.coalesce(_r.first_token_at, _r.started_at),
    )
    with usage.changing(connection, chosen):
        connection.execute(
            update(_requests)
            .where(running, left)
            .values(status="interrupted", finished_at=last, duration_ms=last - _r.started_at)
        )
    return len(chosen)


def resume(connection: Connection, request_ids: Set[int]) -> int:
    """Let rows run again that another writer `interrupted`, and take what they hold out of their
    months. Returns how many."""
    interrupted = and_(_r.status == "interrupted", _r.id.in_(request_ids))
    chosen = set(connection.execute(select(_r.id).where(interrupted)).scalars())
    months.add(connection, _held(connection, chosen, sign=-1))
    with usage.changing(connection, chosen):
        connection.execute(
            update(_requests).where(_r.id.in_(chosen)).values(status="running", finished_at=None)
        )
    return len(chosen)


def _held(connection: Connection, request_ids: Set[int], sign: int) -> months.Tally:
    """What these rows add to their months, or take from them."""
    used = months.tally()
    rows = select(
        _r.started_at, _r.developer_id, _r.api_key_id, _r.input_tokens, _r.output_tokens
    ).where(_r.id.in_(request_ids))
    for *user, input_tokens, output_tokens in connection.execute(rows):
        use = used[months.user_of(*user)]
        use.requests += sign
        use.input_tokens += sign * input_tokens
        use.output_tokens += sign * output_tokens
    return used


def set_meta(connection: Connection, key: str, value: str) -> None:
    """Write a fact about the database itself."""
    upsert(connection, _meta, [{"key": key, "value": value}], replaced=("value",))
