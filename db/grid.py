"""The carbon of the grid's electricity, dated: a change never alters the past's figures.

The intensity in force at a time is the one with the latest `valid_from` up to then; of two with the
same date the one recorded last. Before the first one there is none: carbon is only told to those
who ask for it.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select

from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import GridIntensity

HOURS = 24
MOST_G_PER_KWH = 3_000  # the dirtiest grids are at 1,300
TURNED_OFF = "turned off"


@dataclass(frozen=True, slots=True)
class Grid:
    """Grams of CO2 equivalent per kWh from `valid_from` (UTC epoch ms) on; None: turned off.

    `by_hour` has one figure for each hour of the day in UTC, whose mean `g_per_kwh` is then.
    """

    valid_from: int
    country: str | None
    g_per_kwh: float | None
    by_hour: tuple[float, ...] | None
    source: str


def current_grid(engine: Engine, at_ms: int | None = None) -> Grid | None:
    """The intensity in force at a time (default: now); None where nobody has chosen one."""
    return in_force(grid_history(engine), now_ms() if at_ms is None else at_ms)


def in_force(history: Sequence[Grid], at_ms: int) -> Grid | None:
    """The newest of these, oldest first, that counts by then."""
    begun = [grid for grid in history if grid.valid_from <= at_ms]
    return begun[-1] if begun else None


def grid_history(engine: Engine) -> list[Grid]:
    """Every intensity in force at some time, oldest first."""
    with reading(engine) as connection:
        return _history(connection)


def set_grid(
    engine: Engine,
    *,
    actor: str,
    source: str,
    g_per_kwh: float | None = None,
    country: str | None = None,
    by_hour: Sequence[float] | None = None,
    valid_from: int | None = None,
) -> None:
    """Record the intensity that holds from `valid_from` on: one figure, or 24 by hour of the day.

    `valid_from` (UTC epoch ms) is now by default; the very first time it is the beginning, since
    nothing was said of the past yet. `country` is the three letters of ISO 3166, for a country's
    mean. InvalidInput names the field that is wrong.
    """
    if by_hour is not None:
        by_hour = _hours(by_hour)
        g_per_kwh = math.fsum(by_hour) / HOURS
    elif g_per_kwh is None:
        raise InvalidInput("g_per_kwh", "Give one figure in g CO2e per kWh, or 24 by hour.")
    _record(
        engine,
        actor,
        valid_from,
        {
            "country": _country(country),
            "g_per_kwh": _grams("g_per_kwh", g_per_kwh),
            "by_hour": None if by_hour is None else json.dumps(list(by_hour)),
            "source": _source(source),
        },
    )


def turn_off(engine: Engine, *, actor: str, valid_from: int | None = None) -> None:
    """From `valid_from` (default: now) on, no carbon is told."""
    off = {"country": None, "g_per_kwh": None, "by_hour": None, "source": TURNED_OFF}
    _record(engine, actor, valid_from, off)


def _record(engine: Engine, actor: str, valid_from: int | None, values: dict[str, Any]) -> None:
    with writing(engine) as connection:
        history = _history(connection)
        if valid_from is None:
            valid_from = now_ms() if history else 0
        before = in_force(history, valid_from)
        connection.execute(
            insert(GridIntensity).values(recorded_at=now_ms(), valid_from=valid_from, **values)
        )
        was = None if before is None else {name: getattr(before, name) for name in values}
        change = {"was": was or dict.fromkeys(values), "now": values}
        note(connection, actor, "grid intensity changed", valid_from=valid_from, **change)


def _history(connection: Connection) -> list[Grid]:
    table = GridIntensity.__table__
    rows = connection.execute(select(table).order_by(table.c.valid_from, table.c.id))
    return [_grid(row) for row in {row.valid_from: row for row in rows}.values()]


def _grid(row: Row[Any]) -> Grid:
    by_hour = None if row.by_hour is None else tuple(json.loads(row.by_hour))
    return Grid(row.valid_from, row.country, row.g_per_kwh, by_hour, row.source)


def _hours(values: Sequence[float]) -> list[float]:
    if len(values) != HOURS:
        raise InvalidInput(
            "by_hour", f"A day has {HOURS} hours, so give {HOURS} figures; there are {len(values)}."
        )
    return [_grams("by_hour", value) for value in values]


def _grams(field: str, value: float) -> float:
    if not (math.isfinite(value) and 0 <= value <= MOST_G_PER_KWH):
        raise InvalidInput(
            field,
            f"An intensity is 0 to {MOST_G_PER_KWH:,} g CO2e per kWh; {value:g} is not. A figure"
            " in lb per MWh is × 0.4536.",
        )
    return float(value)


def _country(country: str | None) -> str | None:
    if country is not None and not (len(country) == 3 and country.isascii() and country.isupper()):
        raise InvalidInput("country", "A country is three capital letters, such as USA or FRA.")
    return country


def _source(source: str) -> str:
    if not source.strip():
        raise InvalidInput(
            "source", "Say where the figure comes from, such as the supplier's contract of 2026."
        )
    return source.strip()
