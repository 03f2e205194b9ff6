"""What is handed to the ledger. Times are UTC epoch milliseconds, energy is joules."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from db.errors import InvalidInput
from db.schema import ENDINGS

_LONGEST_CLIENT = 120


@dataclass(slots=True)
class NewRequest:
    """A request that is about to be computed. `id` comes from `db.ids.new_id`.

    `input_tokens` counts the whole prompt. `api_key_id` None: the dashboard's own chat.
    `reserved_tokens` (input and output) and `reserved_energy_j` are the most that it may take;
    budgets count them until it ends. Without the first its input tokens are kept back.
    """

    id: int
    started_at: int
    developer_id: int
    developer_name: str
    api_key_id: int | None
    model: str
    engine: str
    endpoint: str
    streamed: bool
    input_tokens: int
    client: str | None = None
    counts_exact: bool = True
    reserved_tokens: int | None = None
    reserved_energy_j: float | None = None

    def __post_init__(self) -> None:
        _require_count("input_tokens", self.input_tokens)
        if self.reserved_tokens is not None:
            _require_count("reserved_tokens", self.reserved_tokens)
        energy_j = self.reserved_energy_j
        if energy_j is not None and not (math.isfinite(energy_j) and energy_j >= 0):
            raise InvalidInput(
                "reserved_energy_j", "Energy is a finite number of joules, 0 or more."
            )
        if self.client is not None:
            self.client = self.client[:_LONGEST_CLIENT]


@dataclass(slots=True)
class RequestOutcome:
    """How a request ended. Its counts are final; None leaves what the ledger already holds."""

    request_id: int
    status: Literal["ok", "error", "cancelled", "interrupted"]
    finished_at: int
    duration_ms: float
    output_tokens: int
    cached_input_tokens: int | None = None
    input_tokens: int | None = None
    counts_exact: bool | None = None
    first_token_at: int | None = None
    queue_ms: float | None = None
    ttft_ms: float | None = None
    finish_reason: str | None = None
    error_type: str | None = None
    experts_active_mean: float | None = None

    def __post_init__(self) -> None:
        if self.status not in ENDINGS:
            raise InvalidInput("status", f"{self.status!r} is no way for a request to end.")
        _require_count("output_tokens", self.output_tokens)
        for name in ("cached_input_tokens", "input_tokens"):
            if (count := getattr(self, name)) is not None:
                _require_count(name, count)


@dataclass(slots=True)
class EnergyRecord:
    """One energy window: `total_j` = the sum of `shares` (by request id) + `idle_j`.

    `total_j` None: the meter gave nothing, so every share is None too. A share that is None while
    the total is known is one that could not be told; its joules are within `idle_j`.
    """

    started_at: int
    ended_at: int
    duration_s: float
    total_j: float | None
    idle_j: float | None
    shares: Mapping[int, float | None]
    basis: Literal["measured", "estimated", "unknown"]
    source: str

    def __post_init__(self) -> None:
        if self.duration_s < 0:
            raise InvalidInput("duration_s", "An energy window cannot last less than nothing.")
        known = [share for share in self.shares.values() if share is not None]
        if self.total_j is None:
            if known or self.idle_j is not None:
                raise InvalidInput("total_j", "Without a total, shares and idle are unknown too.")
            self.basis = "unknown"
            return
        if self.idle_j is None or self.basis == "unknown":
            raise InvalidInput("idle_j", "A known total needs its idle part and its basis.")
        parts = [*known, self.idle_j]
        if not all(math.isfinite(part) and part >= 0 for part in [*parts, self.total_j]):
            raise InvalidInput("shares", "Energy is a finite number of joules, 0 or more.")
        if not math.isclose(math.fsum(parts), self.total_j, rel_tol=1e-6, abs_tol=1e-6):
            raise InvalidInput(
                "shares",
                f"The window's shares and idle add up to {math.fsum(parts)} J,"
                f" not to its total of {self.total_j} J.",
            )


@dataclass(slots=True)
class Checkpoint:
    """How far a running request has come: the newest known, at time `at`."""

    request_id: int
    at: int
    output_tokens: int = 0
    cached_input_tokens: int | None = None
    first_token_at: int | None = None


@dataclass(frozen=True, slots=True)
class FinishResult:
    """`changed` False: the request had already ended, with `status`, and stays as it was."""

    changed: bool
    status: str


@dataclass(frozen=True, slots=True)
class EnergyBooked:
    """Where a window's joules went; None where they are unknown.

    `unclaimed_j`, a part of `idle_j`, was told for the `unclaimed` ids, which the ledger lacks.
    """

    attributed_j: float | None
    idle_j: float | None
    unclaimed_j: float | None
    unclaimed: list[int]


def _require_count(name: str, count: int) -> None:
    if count < 0:
        raise InvalidInput(name, f"{name} counts tokens; {count} is below 0.")
