"""What is handed to the ledger. Times are UTC epoch milliseconds, energy is joules."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from db.errors import InvalidInput
from db.schema import ENDINGS

_LONGEST_CLIENT = 120


@dataclass(slots=True)
class NewRequest:
    """A request that is about to be computed. `id` comes from `db.ids.new_id`.

    `input_tokens` counts the whole prompt. `api_key_id` None: the dashboard's own chat.
    `reserved_tokens` (input and output) and `reserved_energy_j` are the most that it may take;
    budgets count them until it ends. Without the first its input tokens are kept back. `team_id`
    is the ledger's to fill in: the developer's team at that time.
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
    team_id: int | None = None

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


@dataclass(frozen=True, slots=True)
class DeviceEnergy:
    """What one device's meter read in a window; `energy_j` None: it gave nothing.

    `kind` `machine`: a whole that contains other devices. `accuracy`: the figure may be off by this
    part of it.
    """

    meter: str
    device: str
    kind: Literal["processor", "accelerator", "machine"]
    basis: Literal["measured", "estimated"]
    accuracy: float
    energy_j: float | None


@dataclass(slots=True)
class EnergyRecord:
    """One energy window of one machine:

        total_j = Σ shares (by request id) + idle_j + overhead_j + loading_j + other_j

    `prefill` is the part of each share that the prompt took. `uncertainty_j` is half the width of
    the total's interval, of which a share has its part. `machine` is `here` or an upstream's.

    `total_j` None: no meter gave anything, so nothing else is known either. `basis` `partial`: a
    device gave nothing, so what is known is a lower bound. A share that is None while the total is
    known is one that could not be told; its joules are within `idle_j`.
    """

    started_at: int
    ended_at: int
    duration_s: float
    total_j: float | None
    idle_j: float | None
    shares: Mapping[int, float | None]
    basis: Literal["measured", "estimated", "partial", "unknown"]
    source: str
    machine: str = "here"
    overhead_j: float = 0.0
    loading_j: float = 0.0
    other_j: float = 0.0
    prefill: Mapping[int, float] = field(default_factory=dict)
    uncertainty_j: float | None = None
    devices: Sequence[DeviceEnergy] = ()

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
        parts = [*known, self.idle_j, self.overhead_j, self.loading_j, self.other_j]
        finite = [*parts, self.total_j, self.uncertainty_j or 0.0, *self.prefill.values()]
        if not all(math.isfinite(part) and part >= 0 for part in finite):
            raise InvalidInput("shares", "Energy is a finite number of joules, 0 or more.")
        if not math.isclose(math.fsum(parts), self.total_j, rel_tol=1e-9, abs_tol=1e-9):
            raise InvalidInput(
                "shares",
                f"The window's parts add up to {math.fsum(parts)} J,"
                f" not to its total of {self.total_j} J.",
            )
        if any(part > (self.shares.get(key) or 0.0) + 1e-9 for key, part in self.prefill.items()):
            raise InvalidInput("prefill", "A prompt's part is more than its request's whole.")


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
