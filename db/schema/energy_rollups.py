"""What minutes of energy add up to, kept in the transactions that write them
(`db.energy_rollups`).

These tables are derived: `db.energy_rollups.rebuild` makes them anew from `energy_intervals` and
`meter_readings`, and `python -m db check` compares the two. They outlive the minutes.

`span` is `quarter` (of an hour), `hour` or `day`, `start_at` when it begins (UTC).
"""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base


class _Span:
    """The key that every one of these tables begins with."""

    span: Mapped[str] = mapped_column(primary_key=True, sort_order=-2)
    start_at: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)


class EnergyTime(_Span, Base):
    """For how long all machines together were read.

    Of each minute, `covered_ms` counts for as long as every machine that has meters in it was read
    completely, `partial_ms` and `unknown_ms` for as long as any was read in part or not at all.
    """

    __tablename__ = "energy_times"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    covered_ms: Mapped[int]
    partial_ms: Mapped[int]
    unknown_ms: Mapped[int]


class EnergySource(_Span, Base):
    """The joules of one basis and source, on all machines; NULL where none are known.

    `accuracy_kept` counts the minutes with an uncertainty, which `uncertainty_j` is the sum of;
    `accuracy_unknown` those with joules but none, which have `accuracy_unknown_j`.
    """

    __tablename__ = "energy_sources"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    basis: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    total_j: Mapped[float | None]
    attributed_j: Mapped[float | None]
    idle_j: Mapped[float | None]
    overhead_j: Mapped[float | None]
    loading_j: Mapped[float | None]
    other_j: Mapped[float | None]
    uncertainty_j: Mapped[float]
    accuracy_kept: Mapped[int]
    accuracy_unknown: Mapped[int]
    accuracy_unknown_j: Mapped[float]


class MeterTime(_Span, Base):
    """What one device's meter read. `kind`, `basis` and `accuracy` are those of the minute
    `told_at`, the last; `read_at` is the last minute with a reading, 0 where none has."""

    __tablename__ = "meter_times"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    machine: Mapped[str] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    basis: Mapped[str]
    accuracy: Mapped[float]
    energy_j: Mapped[float]
    known_ms: Mapped[int]
    unknown_ms: Mapped[int]
    read_at: Mapped[int]
    told_at: Mapped[int]


class MachineTime(_Span, Base):
    """The minutes of a machine in which one meter of the whole and all of its parts' read without
    a gap, and the joules of either; `estimated` is 1 for those in which a part's were, else 0."""

    __tablename__ = "machine_times"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    machine: Mapped[str] = mapped_column(primary_key=True)
    estimated: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    minutes: Mapped[int]
    whole_j: Mapped[float]
    parts_j: Mapped[float]
