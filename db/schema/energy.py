"""What the meters read, and the carbon of the grid."""

from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id


class EnergyInterval(Base):
    """Where the joules went that one machine drew in one minute:

        total_j = attributed_j + idle_j + overhead_j + loading_j + other_j

    `attributed_j` is on requests' rows (failed ones included); `idle_j` what the machine draws
    doing nothing; `overhead_j` the gateway, the engine between its steps, and what a meter of the
    whole machine reads beyond its parts; `loading_j` loading the model; `other_j` other programs.
    `unclaimed_j` is the part of `idle_j` told for requests that the ledger does not hold.
    `uncertainty_j` is half the width of the total's interval; NULL where it was not kept.

    `machine` is `here` or an upstream's. The windows of a source (about one a second) add up in one
    row a minute. `started_at` and `ended_at` are the first window's start and the last one's end,
    `duration_ms` the time really covered. `basis` is that of the windows: `partial` where a device
    gave nothing, so that the joules are a lower bound; `unknown` where none gave anything: the
    joules are NULL.
    """

    __tablename__ = "energy_intervals"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    minute_at: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    machine: Mapped[str] = mapped_column(primary_key=True, server_default="here")
    source: Mapped[str] = mapped_column(primary_key=True)
    basis: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[int]
    ended_at: Mapped[int]
    duration_ms: Mapped[int]
    total_j: Mapped[float | None]
    attributed_j: Mapped[float | None]
    idle_j: Mapped[float | None]
    overhead_j: Mapped[float | None]
    loading_j: Mapped[float | None]
    other_j: Mapped[float | None]
    unclaimed_j: Mapped[float | None]
    uncertainty_j: Mapped[float | None]


class MeterReading(Base):
    """What one device's meter read in one minute, whether or not it is part of the sum.

    `kind` is `processor` or `accelerator`, which add up, or `machine`: a whole that contains them.
    `energy_j` is over the `known_ms` of the minute; in `unknown_ms` the device gave nothing.
    `accuracy` is the meter's: its figure may be off by this part of it.
    """

    __tablename__ = "meter_readings"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    minute_at: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    machine: Mapped[str] = mapped_column(primary_key=True)
    meter: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    basis: Mapped[str]
    accuracy: Mapped[float]
    energy_j: Mapped[float]
    known_ms: Mapped[int]
    unknown_ms: Mapped[int]


class GridIntensity(Base):
    """Carbon of a kilowatt-hour from `valid_from` on, in grams of CO2 equivalent. Append-only.

    `country` is the three letters of ISO 3166 or NULL. `by_hour` is a JSON array of 24 numbers,
    one for each hour of the day (UTC), where more than the year's mean is known. `g_per_kwh` NULL:
    from then on nothing is shown.
    """

    __tablename__ = "grid_intensity"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    recorded_at: Mapped[int]
    valid_from: Mapped[int] = mapped_column(index=True)
    country: Mapped[str | None]
    g_per_kwh: Mapped[float | None]
    by_hour: Mapped[str | None]
    source: Mapped[str]
