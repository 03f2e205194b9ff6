"""Short ways to write what the tests write often."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from sqlalchemy import Engine, text

from db.ids import new_id
from db.ledger import Ledger
from db.records import EnergyRecord, NewRequest, RequestOutcome

NOON = 1_767_268_800_000  # 2026-01-01 12:00 UTC
WAIT_S = 20
Fresh = Callable[[], AbstractContextManager[str]]

# Most tests run on both databases; these are about one.
on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@dataclass(frozen=True)
class Team:
    ada: int
    key: int

    def request(self, request_id: int | None = None, at: int = NOON, **changes: Any) -> NewRequest:
        fields: dict[str, Any] = {
            "id": new_id() if request_id is None else request_id,
            "started_at": at,
            "developer_id": self.ada,
            "developer_name": "Ada",
            "api_key_id": self.key,
            "model": "SmolLM2-135M-Instruct",
            "engine": "breakeven",
            "endpoint": "/v1/chat/completions",
            "streamed": True,
            "input_tokens": 40,
            "client": "openai/3.54",
        }
        return NewRequest(**fields | changes)

    def admit(self, ledger: Ledger, at: int = NOON, **changes: Any) -> int:
        request = self.request(at=at, **changes)
        ledger.admit(request).result(WAIT_S)
        return request.id


def outcome(
    request_id: int,
    status: Literal["ok", "error", "cancelled"] = "ok",
    at: int = NOON + 2_000,
    **changes: Any,
) -> RequestOutcome:
    fields: dict[str, Any] = {"duration_ms": 2_000.0, "output_tokens": 25, "first_token_at": at}
    return RequestOutcome(request_id, status, at, **fields | changes)


def window(
    shares: dict[int, float | None],
    idle_j: float | None = 1.0,
    at: int = NOON,
    basis: Literal["measured", "estimated", "partial", "unknown"] = "measured",
    source: str = "rapl:package-0",
) -> EnergyRecord:
    """A second's energy; its total is what its parts add up to, unknown where idle is."""
    known = [share for share in shares.values() if share is not None]
    total_j = None if idle_j is None else sum(known) + idle_j
    return EnergyRecord(at, at + 1_000, 1.0, total_j, idle_j, shares, basis, source)


def wait_until_open(ledger: Ledger) -> None:
    """Until what was owed to it is written."""
    deadline = time.monotonic() + WAIT_S
    while ledger.health().state != "open" or ledger.health().waiting:
        assert time.monotonic() < deadline, ledger.health()
        time.sleep(0.05)


def row(engine: Engine, request_id: int) -> dict[str, Any]:
    """A request as any client of the database would read it."""
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT * FROM requests WHERE id = :id"), {"id": request_id}
        )
        return dict(found.mappings().one())


def rows(engine: Engine, table: str) -> list[dict[str, Any]]:
    """All of a table, ordered by its first column."""
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))
        return [dict(each) for each in found.mappings()]
