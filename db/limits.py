"""What developers and their keys may use: per minute, at once, and in a month."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, Engine, Table, select

from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import ApiKey, Developer, Limit
from db.upsert import upsert

_limits: Table = Limit.__table__  # type: ignore[assignment]

_LARGEST = 10**15
_COUNTS = ("requests_per_minute", "tokens_per_minute", "concurrent_requests", "tokens_per_month")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be used; None: as much as there is. Months are those of UTC.

    `models`: the names of the models that may be used, in lower case.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent_requests: int | None = None
    tokens_per_month: int | None = None
    energy_j_per_month: float | None = None
    models: tuple[str, ...] | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Holder:
    """A developer (`api_key_id` and `key_name` None) or one of their keys, and its limits."""

    developer_id: int
    developer_name: str
    api_key_id: int | None
    key_name: str | None
    limits: Limits


def set_limits(
    engine: Engine,
    limits: Limits,
    *,
    developer_id: int | None = None,
    api_key_id: int | None = None,
    actor: str,
) -> None:
    """Replace all the limits of a developer or of a key. Admissions heed budgets at once.

    InvalidInput where a limit is not above 0 or the developer or key is unknown.
    """
    limits = _valid(limits)
    holder = _holder(developer_id, api_key_id)
    values: dict[str, Any] = asdict(limits) | {
        "models": None if limits.models is None else json.dumps(limits.models),
        "changed_at": now_ms(),
    }
    with writing(engine) as connection:
        _require_holder(connection, developer_id, api_key_id)
        before = _get(connection, holder)
        upsert(
            connection,
            _limits,
            [holder | values],
            key=tuple(holder),
            replaced=tuple(values),
        )
        note(connection, actor, "limits changed", **holder, was=asdict(before), now=asdict(limits))


def get_limits(
    engine: Engine, *, developer_id: int | None = None, api_key_id: int | None = None
) -> Limits:
    """The limits of a developer or of a key; NO_LIMITS where none were ever set."""
    with reading(engine) as connection:
        return _get(connection, _holder(developer_id, api_key_id))


def list_limits(engine: Engine) -> list[Holder]:
    """All that have limits: developers by name, each followed by their keys."""
    query = (
        select(Developer.id, Developer.name, ApiKey.id, ApiKey.name, *columns(Limit))
        .select_from(Limit)
        .outerjoin(ApiKey, ApiKey.id == Limit.api_key_id)
        .join(
            Developer,
            (Developer.id == Limit.developer_id) | (Developer.id == ApiKey.developer_id),
        )
        .order_by(Developer.name, Limit.api_key_id.nulls_first())
    )
    with reading(engine) as connection:
        listed = [
            Holder(developer_id, developer_name, key_id, key_name, from_row(values))
            for developer_id, developer_name, key_id, key_name, *values in connection.execute(query)
        ]
    return [holder for holder in listed if holder.limits != NO_LIMITS]


def columns(of: type[Limit]) -> list[Any]:
    """The columns of `limits`, or of an alias of it, that `from_row` reads."""
    return [getattr(of, field.name) for field in fields(Limits)]


def from_row(values: Sequence[Any]) -> Limits:
    """Limits from the values of `columns`; all NULL where an outer join found none."""
    found = dict(zip((field.name for field in fields(Limits)), values, strict=True))
    models = found.pop("models")
    return Limits(**found, models=None if models is None else tuple(json.loads(models)))


def _get(connection: Connection, holder: dict[str, int]) -> Limits:
    row = connection.execute(select(*columns(Limit)).filter_by(**holder)).first()
    return NO_LIMITS if row is None else from_row(row)


def _holder(developer_id: int | None, api_key_id: int | None) -> dict[str, int]:
    """The one column that says whose limits they are, and its value."""
    if developer_id is not None and api_key_id is None:
        return {"developer_id": developer_id}
    if api_key_id is not None and developer_id is None:
        return {"api_key_id": api_key_id}
    raise InvalidInput("holder", "Limits are either a developer's or a key's.")


def _require_holder(
    connection: Connection, developer_id: int | None, api_key_id: int | None
) -> None:
    if developer_id is not None:
        known = connection.execute(select(Developer.id).where(Developer.id == developer_id))
        if known.first() is None:
            raise InvalidInput("developer", f"There is no developer with id {developer_id}.")
    else:
        known = connection.execute(select(ApiKey.id).where(ApiKey.id == api_key_id))
        if known.first() is None:
            raise InvalidInput("key", f"There is no key with id {api_key_id}.")


def _valid(limits: Limits) -> Limits:
    for name in _COUNTS:
        value = getattr(limits, name)
        if value is not None and not (type(value) is int and 0 < value <= _LARGEST):
            raise InvalidInput(name, f"{_in_words(name)} need a whole number above 0.")
    energy_j = limits.energy_j_per_month
    if energy_j is not None and not (math.isfinite(energy_j) and energy_j > 0):
        raise InvalidInput("energy_j_per_month", "Energy per month needs a number above 0.")
    if limits.models is None:
        return limits
    models = tuple(dict.fromkeys(model.strip().lower() for model in limits.models))
    if not models or not all(models):
        raise InvalidInput("models", "Allowed models need the name of one at least, none empty.")
    return replace(limits, models=models)


def _in_words(name: str) -> str:
    return (
        "Requests at once" if name == "concurrent_requests" else name.replace("_", " ").capitalize()
    )
