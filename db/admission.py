"""Whether requests may be admitted: their keys still valid, their budgets with room for them.

What is reserved is no record of its own: it is what the rows that are `running` may still take. So
it is given back by whatever ends a row, a restart after a crash included.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, bindparam, literal_column, or_, select
from sqlalchemy.orm import aliased

from db.errors import BudgetExceeded, KeyRevoked
from db.ids import now_ms
from db.memberships import moved_at, team_id_at
from db.months import month_after, month_of
from db.records import NewRequest
from db.schema import ApiKey, Developer, Limit, MonthlyUse, Request

Scope = Literal["key", "developer"]


class _Account(NamedTuple):
    """Whose month it is that a budget is for."""

    scope: Scope
    id: int
    month: str


@dataclass(slots=True)
class _Taken:
    """What of a month's budgets is used, and kept back for the requests that run."""

    used_tokens: int = 0
    reserved_tokens: int = 0
    used_j: float = 0.0
    reserved_j: float = 0.0


@dataclass(frozen=True, slots=True)
class _Caller:
    """What the ledger says now of a key, or of the developer of a request without one."""

    refusal: str | None
    team_id: int | None
    moved_at: int  # since when (UTC epoch ms) in that team
    budgets: dict[Scope, tuple[int | None, float | None]]  # tokens and joules a month, where any


def refusals(
    connection: Connection, new: Sequence[NewRequest]
) -> list[KeyRevoked | BudgetExceeded | None]:
    """Why each request may not be admitted, None where it may; each counts for those after it.

    A key or developer that the ledger does not hold is let through to the row's foreign keys. Fills
    in each request's `team_id`.
    """
    callers = _callers_with_keys(connection, new) | _callers_without_keys(connection, new)
    taken = _taken(connection, new, callers)  # nothing at all where nobody has a budget
    answers: list[KeyRevoked | BudgetExceeded | None] = []
    for request in new:
        caller = callers.get(_caller_id(request))
        if caller is None:
            answers.append(None)
        elif caller.refusal is not None:
            answers.append(KeyRevoked(caller.refusal))
        else:
            request.team_id = caller.team_id
            if request.started_at < caller.moved_at:  # they have changed team within this moment
                request.team_id = _team_then(connection, request)
            answers.append(_take(request, caller, taken))
    return answers


# Who asks: (key, None), or (None, developer) where there is no key


_CallerId = tuple[int | None, int | None]
_key_limit, _developer_limit = aliased(Limit), aliased(Limit)
_with_key = (
    select(
        ApiKey.id,
        ApiKey.revoked_at,
        ApiKey.expires_at,
        Developer.archived_at,
        team_id_at(Developer.id, bindparam("now")),
        moved_at(Developer.id, bindparam("now")),
        _key_limit.tokens_per_month,
        _key_limit.energy_j_per_month,
        _developer_limit.tokens_per_month,
        _developer_limit.energy_j_per_month,
    )
    .join(Developer, Developer.id == ApiKey.developer_id)
    .outerjoin(_key_limit, _key_limit.api_key_id == ApiKey.id)
    .outerjoin(_developer_limit, _developer_limit.developer_id == Developer.id)
    .where(ApiKey.id.in_(bindparam("ids", expanding=True)))
)
_without_key = (
    select(
        Developer.id,
        Developer.archived_at,
        team_id_at(Developer.id, bindparam("now")),
        moved_at(Developer.id, bindparam("now")),
        _developer_limit.tokens_per_month,
        _developer_limit.energy_j_per_month,
    )
    .outerjoin(_developer_limit, _developer_limit.developer_id == Developer.id)
    .where(Developer.id.in_(bindparam("ids", expanding=True)))
)


def _caller_id(request: NewRequest) -> _CallerId:
    if request.api_key_id is None:
        return None, request.developer_id
    return request.api_key_id, None


def _callers_with_keys(
    connection: Connection, new: Sequence[NewRequest]
) -> dict[_CallerId, _Caller]:
    ids = {request.api_key_id for request in new if request.api_key_id is not None}
    if not ids:
        return {}
    now = now_ms()
    callers: dict[_CallerId, _Caller] = {}
    found = connection.execute(_with_key, {"ids": ids, "now": now})
    for key_id, revoked_at, expires_at, archived_at, team_id, moved, *budgets in found:
        refusal = None
        if revoked_at is not None:
            refusal = "This API key is revoked."
        elif expires_at is not None and expires_at <= now:
            refusal = "This API key has expired."
        elif archived_at is not None:
            refusal = "The developer whose API key this is has no access any more."
        callers[key_id, None] = _Caller(
            refusal, team_id, moved or 0, _budgets(key=budgets[:2], developer=budgets[2:])
        )
    return callers


def _callers_without_keys(
    connection: Connection, new: Sequence[NewRequest]
) -> dict[_CallerId, _Caller]:
    ids = {request.developer_id for request in new if request.api_key_id is None}
    if not ids:
        return {}
    return {
        (None, developer_id): _Caller(
            None if archived_at is None else "This developer has no access any more.",
            team_id,
            moved or 0,
            _budgets(key=[None, None], developer=budgets),
        )
        for developer_id, archived_at, team_id, moved, *budgets in connection.execute(
            _without_key, {"ids": ids, "now": now_ms()}
        )
    }


def _team_then(connection: Connection, request: NewRequest) -> int | None:
    team_id = team_id_at(Developer.id, request.started_at)
    return connection.execute(select(team_id).where(Developer.id == request.developer_id)).scalar()


def _budgets(**of: Sequence[Any]) -> dict[Scope, tuple[int | None, float | None]]:
    """The budgets that are set, the key's before the developer's."""
    return {
        scope: (tokens, joules)  # type: ignore[misc]
        for scope, (tokens, joules) in of.items()
        if tokens is not None or joules is not None
    }


# What is taken of their budgets


def _accounts(request: NewRequest, caller: _Caller) -> list[_Account]:
    """The accounts of a request that have a budget. It is booked to the month it started in."""
    if not caller.budgets:
        return []
    month = month_of(request.started_at)
    return [_Account(scope, _id_of(request, scope), month) for scope in caller.budgets]


def _id_of(request: NewRequest, scope: Scope) -> int:
    return request.developer_id if scope == "developer" else request.api_key_id or 0


def _taken(
    connection: Connection, new: Sequence[NewRequest], callers: dict[_CallerId, _Caller]
) -> dict[_Account, _Taken]:
    """What each account with a budget has used, and what its running requests may still take."""
    wanted = {
        account
        for request in new
        if (caller := callers.get(_caller_id(request))) is not None
        for account in _accounts(request, caller)
    }
    taken: dict[_Account, _Taken] = defaultdict(_Taken)
    if not wanted:
        return taken
    keys = {account.id for account in wanted if account.scope == "key"}
    developers = {account.id for account in wanted if account.scope == "developer"}
    used = select(
        MonthlyUse.month,
        MonthlyUse.developer_id,
        MonthlyUse.api_key_id,
        MonthlyUse.input_tokens + MonthlyUse.output_tokens,
        MonthlyUse.energy_j,
    ).where(
        MonthlyUse.month.in_({account.month for account in wanted}),
        or_(MonthlyUse.developer_id.in_(developers), MonthlyUse.api_key_id.in_(keys)),
    )
    for month, developer_id, api_key_id, tokens, joules in connection.execute(used):
        for account in _both(month, developer_id, api_key_id):
            taken[account].used_tokens += tokens
            taken[account].used_j += joules
    running = select(
        Request.started_at,
        Request.developer_id,
        Request.api_key_id,
        Request.input_tokens,
        Request.reserved_tokens,
        Request.reserved_energy_j,
        Request.energy_j,
    ).where(
        Request.status == literal_column("'running'"),  # as the index on running rows says it
        or_(Request.developer_id.in_(developers), Request.api_key_id.in_(keys)),
    )
    for row in connection.execute(running):
        tokens = row.input_tokens if row.reserved_tokens is None else row.reserved_tokens
        # What it took so far is among the used joules already.
        joules = max((row.reserved_energy_j or 0.0) - (row.energy_j or 0.0), 0.0)
        for account in _both(month_of(row.started_at), row.developer_id, row.api_key_id or 0):
            taken[account].reserved_tokens += tokens
            taken[account].reserved_j += joules
    return taken


def _both(month: str, developer_id: int, api_key_id: int) -> tuple[_Account, _Account]:
    return _Account("key", api_key_id, month), _Account("developer", developer_id, month)


def _take(
    request: NewRequest, caller: _Caller, taken: dict[_Account, _Taken]
) -> BudgetExceeded | None:
    """Keep back what the request may take from its budgets, or say which has no room for it."""
    tokens = request.input_tokens if request.reserved_tokens is None else request.reserved_tokens
    joules = request.reserved_energy_j or 0.0
    accounts = _accounts(request, caller)
    for account in accounts:
        has = taken[account]
        token_budget, energy_budget = caller.budgets[account.scope]
        if token_budget is not None:
            held = has.used_tokens + has.reserved_tokens
            if held + tokens > token_budget:
                return _exceeded(
                    account, "tokens", token_budget, has.used_tokens, has.reserved_tokens, tokens
                )
        if energy_budget is not None:
            held_j = has.used_j + has.reserved_j
            # What a request will take is not always known beforehand, so a full budget is full.
            if held_j >= energy_budget or held_j + joules > energy_budget:
                return _exceeded(
                    account, "energy", energy_budget, has.used_j, has.reserved_j, joules
                )
    for account in accounts:
        taken[account].reserved_tokens += tokens
        taken[account].reserved_j += joules
    return None


def _exceeded(
    account: _Account,
    kind: Literal["tokens", "energy"],
    budget: float,
    used: float,
    reserved: float,
    wanted: float,
) -> BudgetExceeded:
    return BudgetExceeded(
        account.scope,
        kind,
        budget=budget,
        used=used,
        reserved=reserved,
        wanted=wanted,
        renews_on=f"{month_after(account.month)}-01",
    )
