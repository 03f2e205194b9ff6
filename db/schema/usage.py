"""What requests add up to, kept in the transactions that change them (`db.usage`).

These tables are derived: `db.usage_rebuild` makes them anew from the rows of `requests`, and
`python -m db check` compares the two. They hold requests that have ended; what runs is read from
its rows. They outlive the rows: retention deletes requests, never what they add up to.

`start_at` is when the quarter of an hour, hour, day, month or year (UTC) begins. `team_id` is 0 for
no team, `experts` (a token's routed experts on average, rounded) -1 where it is not told: a key has
no NULL. A measure is a sum over requests, and 0 where there is nothing to add:

- `estimated_counts`: requests whose tokens are an estimate;
- `energy_unknown`, `energy_partial`: requests without an energy figure, and with a lower bound;
- `accuracy_kept`: requests with an uncertainty, which `uncertainty_j` is the sum of;
  `accuracy_unknown_j`: joules of those without;
- `told_…`: the same over the requests whose energy is whole and divided into prompt and answer.
"""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id


class _Measured:
    """The sums that every one of these tables has."""

    requests: Mapped[int]
    input_tokens: Mapped[int]
    cached_input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    estimated_counts: Mapped[int]
    energy_j: Mapped[float]
    energy_unknown: Mapped[int]
    energy_partial: Mapped[int]
    accuracy_kept: Mapped[int]
    uncertainty_j: Mapped[float]
    accuracy_unknown_j: Mapped[float]
    told: Mapped[int]
    told_uncached_input_tokens: Mapped[int]
    told_output_tokens: Mapped[int]
    told_energy_j: Mapped[float]
    told_prefill_j: Mapped[float]
    told_uncertainty_j: Mapped[float]
    told_accuracy_unknown_j: Mapped[float]


class UsageHour(_Measured, Base):
    """An hour of one developer, team, model, engine and status."""

    __tablename__ = "usage_hours"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    start_at: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    developer_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    team_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    model: Mapped[str] = mapped_column(primary_key=True)
    engine: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)


class UsagePeriod(_Measured, Base):
    """A day, month or year (`span`) of one developer, team, model and engine; with so many requests
    of each ending, so that a year is few rows."""

    __tablename__ = "usage_periods"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    span: Mapped[str] = mapped_column(primary_key=True)
    start_at: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    developer_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    team_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    model: Mapped[str] = mapped_column(primary_key=True)
    engine: Mapped[str] = mapped_column(primary_key=True)
    ok: Mapped[int]
    errors: Mapped[int]
    cancelled: Mapped[int]
    interrupted: Mapped[int]


class UsageModel(_Measured, Base):
    """An hour, day, month or year (`span`) of one model, engine, status and number of experts."""

    __tablename__ = "usage_models"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    span: Mapped[str] = mapped_column(primary_key=True)
    start_at: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model: Mapped[str] = mapped_column(primary_key=True)
    engine: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    experts: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class UsageTime(Base):
    """A quarter of an hour, or an hour (`span`), of everybody: what a curve over time is made of,
    in any time zone."""

    __tablename__ = "usage_times"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    span: Mapped[str] = mapped_column(primary_key=True)
    start_at: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    requests: Mapped[int]
    input_tokens: Mapped[int]
    cached_input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    energy_j: Mapped[float]
    energy_unknown: Mapped[int]
