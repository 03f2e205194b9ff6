"""For how long rows are kept, dated; and from when on they are complete. `db.expiry` deletes.

What rows add up to (hours, days, months and years of usage) outlives them, so no report changes.
Only whole hours (UTC) go, so an hour of usage has all of its rows or need not have any.
"""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Engine, func, insert, select

from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import EnergyInterval, Horizon, MeterReading, Request, RetentionSetting
from db.spans import DAY_MS, HOUR_MS

Kind = Literal["requests", "minutes"]

LONGEST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Retention:
    """Days for which `requests`, and the minutes of meters, are kept; None: for ever."""

    requests_days: int | None = None
    minutes_days: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A setting, who made it and when (UTC epoch ms)."""

    recorded_at: int
    actor: str
    retention: Retention


@dataclass(frozen=True, slots=True)
class Horizons:
    """From when on (UTC epoch ms) rows are complete; None: all that there ever were."""

    requests_from: int | None
    minutes_from: int | None


@dataclass(frozen=True, slots=True)
class Due:
    """The rows that a setting would delete now: those before these times (None: it keeps all).
    `minutes` counts rows of `energy_intervals` and of `meter_readings`."""

    requests: int
    requests_before: int | None
    minutes: int
    minutes_before: int | None


def current(engine: Engine) -> Retention:
    """What holds now; everything is kept where nobody has set anything."""
    with reading(engine) as connection:
        return in_force(connection)


def in_force(connection: Connection) -> Retention:
    s = RetentionSetting
    query = select(s.requests_days, s.minutes_days).order_by(s.id.desc()).limit(1)
    row = connection.execute(query).first()
    return Retention() if row is None else Retention(*row)


def history(engine: Engine) -> list[Recorded]:
    """Every setting, newest first."""
    s = RetentionSetting
    query = select(s.recorded_at, s.actor, s.requests_days, s.minutes_days).order_by(s.id.desc())
    with reading(engine) as connection:
        return [
            Recorded(at, actor, Retention(*days)) for at, actor, *days in connection.execute(query)
        ]


def set_retention(engine: Engine, retention: Retention, *, actor: str) -> None:
    """Keep rows for so long from now on. InvalidInput for less than a day or more than a century.

    Nothing is deleted here: the gateway does so within the hour, or `db.expiry.expire` at once.
    """
    require_valid(retention)
    with writing(engine) as connection:
        before = in_force(connection)
        days = {
            "requests_days": retention.requests_days,
            "minutes_days": retention.minutes_days,
        }
        row = insert(RetentionSetting).values(recorded_at=now_ms(), actor=actor, **days)
        connection.execute(row)
        was = {"requests_days": before.requests_days, "minutes_days": before.minutes_days}
        note(connection, actor, "retention changed", was=was, now=days)


def require_valid(retention: Retention) -> None:
    """InvalidInput where a number of days is not 1 to 36,500."""
    for name in ("requests_days", "minutes_days"):
        days = getattr(retention, name)
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise InvalidInput(name, f"Rows are kept for 1 to {LONGEST_DAYS:,} days, or for ever.")


def due(engine: Engine, retention: Retention, at: int | None = None) -> Due:
    """What would be deleted under a setting, in force or not."""
    require_valid(retention)
    requests_before = before(retention.requests_days, at)
    minutes_before = before(retention.minutes_days, at)
    with reading(engine) as connection:
        requests = minutes = 0
        if requests_before is not None:
            old = (Request.started_at < requests_before) & (Request.status != "running")
            requests = _count(connection, Request, old)
        if minutes_before is not None:
            for table in (EnergyInterval, MeterReading):
                minutes += _count(connection, table, table.minute_at < minutes_before)
    return Due(requests, requests_before, minutes, minutes_before)


def before(days: int | None, at: int | None = None) -> int | None:
    """The start of the hour before which rows are too old by `at` (default: now)."""
    if days is None:
        return None
    oldest = (now_ms() if at is None else at) - days * DAY_MS
    return oldest - oldest % HOUR_MS


def horizons(connection: Connection) -> Horizons:
    """From when on rows are complete: nothing before that may be compared with what is added up."""
    rows = connection.execute(select(Horizon.kind, Horizon.kept_from))
    kept = {row.kind: row.kept_from for row in rows}
    return Horizons(kept.get("requests"), kept.get("minutes"))


def removed_j(connection: Connection, kind: Kind) -> float:
    """The joules of requests that the deleted rows of a kind held."""
    query = select(Horizon.removed_j).where(Horizon.kind == kind)
    return connection.execute(query).scalar() or 0.0


def _count(connection: Connection, table: type[object], condition: object) -> int:
    query = select(func.count()).select_from(table).where(condition)  # type: ignore[arg-type]
    return connection.execute(query).scalar_one()
