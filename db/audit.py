"""The trail of every change to people, accounts, teams, keys, limits, prices and other settings.

Triggers of the database keep it append-only (`db.schema.Audit`).
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from db.connect import reading
from db.ids import now_ms, utc_text
from db.schema import Audit


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what, when (UTC epoch ms). `detail` has what it was about, before and after."""

    id: int
    at: int
    actor: str
    action: str
    detail: dict[str, Any]


def note(connection: Connection, actor: str, action: str, **detail: Any) -> None:
    """Write who did what, in the transaction of the change itself."""
    connection.execute(
        insert(Audit).values(
            at=now_ms(), actor=actor, action=action, detail=json.dumps(detail, default=str)
        )
    )


def entries(
    engine: Engine,
    *,
    limit: int | None = None,
    before_id: int | None = None,
    since: int | None = None,
    actor: str | None = None,
    action: str | None = None,
) -> list[Entry]:
    """Entries, newest first. The next page is the one with `before_id` = the last one's id."""
    a = Audit
    query = select(a.id, a.at, a.actor, a.action, a.detail).order_by(a.id.desc()).limit(limit)
    if before_id is not None:
        query = query.where(a.id < before_id)
    if since is not None:
        query = query.where(a.at >= since)
    if actor is not None:
        query = query.where(a.actor == actor)
    if action is not None:
        query = query.where(a.action == action)
    with reading(engine) as connection:
        return [Entry(*row[:4], json.loads(row.detail)) for row in connection.execute(query)]


def actions(engine: Engine) -> list[str]:
    """Every kind of change that there is an entry of, by name."""
    with reading(engine) as connection:
        query = select(Audit.action).distinct().order_by(Audit.action)
        return list(connection.execute(query).scalars())


def actors(engine: Engine) -> list[str]:
    """Everybody who made one, by name."""
    with reading(engine) as connection:
        query = select(Audit.actor).distinct().order_by(Audit.actor)
        return list(connection.execute(query).scalars())


def in_words(detail: dict[str, Any]) -> str:
    """A detail in one line, such as `id 3, seat price per month 200 → 39.5`."""
    was, now = detail.get("was"), detail.get("now")
    changes = dict(detail.get("changes") or {})
    if isinstance(was, dict) and isinstance(now, dict):
        changes |= {name: (was.get(name), value) for name, value in now.items()}
    untold = ("was", "now", "changes", "marks")  # marks are for imports (db.marks)
    plain = {name: it for name, it in detail.items() if name not in untold}
    told = [f"{_words(name)} {_value(name, value)}" for name, value in plain.items()]
    for name, (old, new) in changes.items():
        if old != new:
            told.append(f"{_words(name)} {_value(name, old)} → {_value(name, new)}")
    return ", ".join(told)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, int) and (name == "valid_from" or name.endswith("_at")):
        return utc_text(value) if value else "the beginning"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
