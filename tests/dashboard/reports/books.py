"""A ledger's rows as exports read them, written directly, and files as readers see them."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine, insert, text

from dashboard.reports.exports import Export, Format, What, chunks
from dashboard.reports.span import Span
from db import energy_rollups, people
from db.connect import writing
from db.export_queries import EVERYBODY, Whose
from db.ids import new_id
from db.schema import EnergyInterval, Request
from db.usage_rebuild import rebuild

BERLIN = ZoneInfo("Europe/Berlin")
LONDON = ZoneInfo("Europe/London")
UTC_ZONE = ZoneInfo("UTC")
OCTOBER = (date(2025, 10, 1), date(2025, 11, 1))


def at(day: int, hour: int = 12, minute: int = 0, month: int = 10) -> int:
    """A moment of 2025 in UTC epoch milliseconds."""
    return int(datetime(2025, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


def request(developer_id: int, started_at: int, **changes: Any) -> dict[str, Any]:
    """One answered request of 40 + 25 tokens, of 3,600 J measured."""
    row: dict[str, Any] = {
        "id": new_id(),
        "started_at": started_at,
        "first_token_at": started_at + 200,
        "finished_at": started_at + 2_000,
        "developer_id": developer_id,
        "developer_name": "Ada",
        "api_key_id": None,
        "model": "small-moe",
        "engine": "breakeven",
        "endpoint": "/v1/chat/completions",
        "status": "ok",
        "streamed": True,
        "input_tokens": 40,
        "cached_input_tokens": 10,
        "output_tokens": 25,
        "counts_exact": True,
        "energy_j": 3_600.0,
        "energy_basis": "measured",
        "energy_source": "nvml",
        "prefill_energy_j": 600.0,
        "energy_uncertainty_j": 180.0,
        "queue_ms": 5,
        "ttft_ms": 200,
        "duration_ms": 2_000,
        "finish_reason": "stop",
        "error_type": None,
        "client": "editor/1.0",
        "experts_active_mean": 4.0,
        "reserved_tokens": None,
        "reserved_energy_j": None,
        "team_id": None,
        "writer_id": None,
    }
    return row | changes


def add(engine: Engine, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    with writing(engine) as connection:
        if rows:
            connection.execute(insert(Request), rows)
        rebuild(connection)


def meter(engine: Engine, started_at: int, total_j: float, minutes: int = 1) -> None:
    """So many minutes in which the meter read `total_j` each."""
    rows = [
        {
            "minute_at": started_at + number * 60_000,
            "machine": "here",
            "started_at": started_at + number * 60_000,
            "ended_at": started_at + (number + 1) * 60_000,
            "duration_ms": 60_000,
            "total_j": total_j,
            "attributed_j": 0.0,
            "idle_j": total_j,
            "overhead_j": 0.0,
            "loading_j": 0.0,
            "other_j": 0.0,
            "unclaimed_j": 0.0,
            "uncertainty_j": 0.0,
            "basis": "measured",
            "source": "nvml",
        }
        for number in range(minutes)
    ]
    with writing(engine) as connection:
        connection.execute(insert(EnergyInterval), rows)
        energy_rollups.rebuild(connection)


def person(engine: Engine, name: str, team: str | None = None) -> tuple[int, int | None]:
    """A new developer: their id and their team's."""
    added = people.add_developer(engine, name, team, actor="test")
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id FROM teams WHERE name = :name"), {"name": team})
        return added.id, found.scalar()


def exported(
    engine: Engine,
    what: What,
    kind: Format = "csv",
    days: tuple[date, date] = OCTOBER,
    zone: ZoneInfo = UTC_ZONE,
    whose: Whose = EVERYBODY,
) -> bytes:
    return b"".join(chunks(engine, Export(what, kind, Span(*days, zone), whose)))


def rows_of(file: bytes) -> list[dict[str, str]]:
    """A CSV file's rows, as Python's own reader has them."""
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


def parquet_of(file: bytes) -> pa.Table:
    return pq.read_table(io.BytesIO(file))
