"""What stands in a month's report, before it is set on paper or in cells.

Money is Decimal in the comparison's currency, energy joules, time seconds or moments in UTC. None
is unknown, never 0.
"""

from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from dashboard.costs.models import BreakEven, Comparison, Moment, Point

Basis = Literal[
    "measured",
    "counted",
    "computed",
    "entered",
    "estimated",
    "measured and estimated",
    "partly known",
    "unknown",
]


Size = Literal["A4", "Letter"]
SIZES: tuple[Size, ...] = get_args(Size)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class LedgerIdentity(_Model):
    """Which ledger a report is of: its address without a password, whether its rows are made up,
    and when its first request was made (None: it has none)."""

    address: str
    sample: bool
    first_request: Moment | None


class Figure(_Model):
    """A headline figure as the Overview shows it."""

    label: str
    value: str
    note: str


class Part(_Model):
    """A part of the month's energy, and which part of all that was read."""

    name: str
    joules: float | None
    share: float | None


class MeterRow(_Model):
    """A meter's device: what it read, how, and for how long it told nothing."""

    machine: str
    meter: str
    device: str
    kind: str
    basis: str
    accuracy: float | None
    energy_j: float | None
    silent_s: float


class Coverage(_Model):
    """The month's time by what the meters told in it; together the range's length."""

    complete_s: float
    partial_s: float
    silent_s: float
    unmetered_s: float


class EnergyPart(_Model):
    """The month's energy. `uses` add up to `total_j`, and so do `bases`."""

    total_j: float | None
    uncertainty: str
    uses: tuple[Part, ...]
    bases: tuple[Part, ...]
    coverage: Coverage
    meters: tuple[MeterRow, ...]
    carbon: str | None


class Assumption(_Model):
    """Something that the figures rest on: its value, since when it holds (None: from the
    beginning) and where it comes from."""

    what: str
    value: str
    valid_from: date | None
    source: str


class Evidence(_Model):
    """How a figure of the report was obtained."""

    figure: str
    basis: Basis
    how: str


class ImportedRow(_Model):
    """Usage from another tool's files. It is in no other figure of the report."""

    source: str
    model: str | None
    requests: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost: Decimal | None
    currency: str | None
    cost_unknown: int


class MonthReport(_Model):
    """A calendar month (`YYYY-MM` in `timezone`), or what of it has passed (`complete` False).

    `crossing` is when the seats' curve passes self-hosting's within the month; None: it does not.
    """

    month: str
    timezone: str
    complete: bool
    ledger: LedgerIdentity
    made_at: Moment
    made_by: str
    sentence: str
    verdict: str
    figures: tuple[Figure, ...]
    comparison: Comparison
    break_even: BreakEven
    curve: tuple[Point, ...]
    crossing: Moment | None
    energy: EnergyPart
    assumptions: tuple[Assumption, ...]
    method: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    gaps: tuple[str, ...]
    imported: tuple[ImportedRow, ...]
