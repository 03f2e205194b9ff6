"""Rows of energy as the ledger keeps them, written directly, with what a test names changed."""

from typing import Any

from sqlalchemy import Engine, insert

from db import energy_rollups, people
from db.connect import writing
from db.ids import new_id
from db.schema import EnergyInterval, MeterReading, Request
from db.usage_rebuild import rebuild
from tests.db.team import NOON

MINUTE = 60_000


def minute(at: int = NOON, **parts: Any) -> dict[str, Any]:
    """A minute's joules, of which `parts` names those that are not 0; their sum is the total."""
    names = ("attributed_j", "overhead_j", "idle_j", "loading_j", "other_j")
    joules: dict[str, Any] = {name: parts.pop(name, 0.0) for name in names}
    return {
        "minute_at": at,
        "machine": "here",
        "started_at": at,
        "ended_at": at + MINUTE,
        "duration_ms": MINUTE,
        "total_j": sum(joules.values()),
        "unclaimed_j": 0.0,
        "uncertainty_j": None,
        "basis": "measured",
        "source": "rapl",
        **joules,
        **parts,
    }


def unknown_minute(at: int = NOON, **changes: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("total_j", "attributed_j", "overhead_j", "idle_j", "loading_j", "other_j", "unclaimed_j")
    )
    return minute(at, **changes) | nothing | {"basis": "unknown"}


def reading(device: str, energy_j: float, at: int = NOON, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "minute_at": at,
        "machine": "here",
        "meter": "rapl",
        "device": device,
        "kind": "processor",
        "basis": "measured",
        "accuracy": 0.1,
        "energy_j": energy_j,
        "known_ms": MINUTE,
        "unknown_ms": 0,
    }
    return fields | changes


def request(developer_id: int, at: int = NOON, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": new_id(),
        "started_at": at,
        "developer_id": developer_id,
        "developer_name": "",
        "model": "small",
        "engine": "breakeven",
        "endpoint": "/v1/chat/completions",
        "status": "ok",
        "streamed": True,
        "input_tokens": 0,
        "cached_input_tokens": 0,
        "output_tokens": 0,
        "counts_exact": True,
        "energy_j": None,
        "energy_basis": "measured",
        "prefill_energy_j": None,
        "energy_uncertainty_j": None,
        "experts_active_mean": None,
    }
    return fields | changes


def write(
    engine: Engine,
    *,
    minutes: list[dict[str, Any]] | None = None,
    readings: list[dict[str, Any]] | None = None,
    requests: list[dict[str, Any]] | None = None,
) -> None:
    tables = ((EnergyInterval, minutes), (MeterReading, readings), (Request, requests))
    with writing(engine) as connection:
        for table, found in tables:
            if found:
                connection.execute(insert(table), found)
        rebuild(connection)
        energy_rollups.rebuild(connection)


def developer(engine: Engine, name: str) -> int:
    return people.add_developer(engine, name, actor="test").id
