"""The ledger's tables.

Times are integers: UTC epoch milliseconds. Energy is joules. Money and prices are exact decimals.
A value that is not known is NULL, never 0. Rows of people, keys and prices are never deleted.
"""

from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

Status = Literal["running", "ok", "error", "cancelled", "interrupted"]
ENDINGS = ("ok", "error", "cancelled", "interrupted")
STATUSES = ("running", *ENDINGS)

EnergyBasis = Literal["measured", "estimated", "partial", "unknown"]
ENERGY_BASES = ("measured", "estimated", "partial", "unknown")

# SQLite keeps a row's key in the row itself only for a column declared INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


class ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal kept digit for digit: as text in SQLite, which has no decimals, else NUMERIC."""

    impl = String(40)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind: TypeEngine[Any] = String(40) if dialect.name == "sqlite" else Numeric(28, 10)
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {int: BigInteger, str: String, Decimal: ExactDecimal}  # noqa: RUF012


class Developer(Base):
    """A person whose tools use the gateway."""

    __tablename__ = "developers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    team: Mapped[str | None]
    created_at: Mapped[int]
    archived_at: Mapped[int | None]


class ApiKey(Base):
    """A bearer key of one developer's tool. Only its SHA-256 is kept: a key is 256 random bits."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    developer_id: Mapped[int] = mapped_column(ForeignKey("developers.id"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[int]
    expires_at: Mapped[int | None]
    revoked_at: Mapped[int | None]
    last_used_at: Mapped[int | None]


class Limit(Base):
    """What one developer, or one key, may use at most. NULL is no limit.

    `models` is a JSON array of the models' names in lower case. Months are those of UTC.
    """

    __tablename__ = "limits"
    __table_args__ = (CheckConstraint("(developer_id IS NULL) != (api_key_id IS NULL)", "holder"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    developer_id: Mapped[int | None] = mapped_column(ForeignKey("developers.id"), unique=True)
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"), unique=True)
    requests_per_minute: Mapped[int | None]
    tokens_per_minute: Mapped[int | None]
    concurrent_requests: Mapped[int | None]
    tokens_per_month: Mapped[int | None]
    energy_j_per_month: Mapped[float | None]
    models: Mapped[str | None]
    changed_at: Mapped[int]


class MonthlyUse(Base):
    """What a developer's key used in the requests that started in a month (UTC, `YYYY-MM`).

    It is what the rows of `requests` add up to, kept in the transactions that change those, so
    that a budget is checked without reading a month's requests. Requests and tokens count once the
    request has ended, joules as they are booked. `api_key_id` is 0 where the request had no key.
    """

    __tablename__ = "monthly_use"

    month: Mapped[str] = mapped_column(primary_key=True)
    developer_id: Mapped[int] = mapped_column(
        Id, ForeignKey("developers.id"), primary_key=True, autoincrement=False
    )
    api_key_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    requests: Mapped[int]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    energy_j: Mapped[float]


class Request(Base):
    """One request to the gateway: durable before its first token, completed before its last byte.

    `id` grows with time. While `status` is `running`, the token counts and `duration_ms` are those
    of the last checkpoint. `input_tokens` includes `cached_input_tokens`.

    `energy_j` is what is known: NULL where nothing is. `energy_basis` says how: `measured`;
    `estimated` (in part at least); `partial` (some windows or devices gave no figure, so `energy_j`
    is a lower bound); `unknown` (no window gave one); NULL (no window has been told yet).
    `prefill_energy_j` is the part of it that the prompt took, the rest is the answer's;
    `energy_uncertainty_j` is half the width of its interval, as its meters' accuracy goes.

    `reserved_tokens` and `reserved_energy_j` are the most that it may take, kept back from budgets
    while `status` is `running` and without meaning after that.
    """

    __tablename__ = "requests"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", "status"),
        CheckConstraint(
            "input_tokens >= cached_input_tokens AND cached_input_tokens >= 0"
            " AND output_tokens >= 0",
            "tokens",
        ),
        Index("ix_requests_started_at", "started_at"),
        Index("ix_requests_developer_id_started_at", "developer_id", "started_at"),
        Index(
            "ix_requests_running",
            "id",
            sqlite_where=text("status = 'running'"),
            postgresql_where=text("status = 'running'"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    started_at: Mapped[int]
    first_token_at: Mapped[int | None]
    finished_at: Mapped[int | None]
    developer_id: Mapped[int] = mapped_column(ForeignKey("developers.id"))
    developer_name: Mapped[str]  # as it was then
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    model: Mapped[str]
    engine: Mapped[str]
    endpoint: Mapped[str]
    status: Mapped[str]
    streamed: Mapped[bool]
    input_tokens: Mapped[int]
    cached_input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    counts_exact: Mapped[bool]
    energy_j: Mapped[float | None]
    energy_basis: Mapped[str | None]
    energy_source: Mapped[str | None]
    prefill_energy_j: Mapped[float | None]
    energy_uncertainty_j: Mapped[float | None]
    queue_ms: Mapped[int | None]
    ttft_ms: Mapped[int | None]
    duration_ms: Mapped[int | None]
    finish_reason: Mapped[str | None]
    error_type: Mapped[str | None]
    client: Mapped[str | None]
    experts_active_mean: Mapped[float | None]
    reserved_tokens: Mapped[int | None]
    reserved_energy_j: Mapped[float | None]


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
    __table_args__ = (
        Index(
            "uq_energy_intervals_minute_at_machine_source_basis",
            "minute_at",
            "machine",
            "source",
            "basis",
            unique=True,
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    minute_at: Mapped[int]
    machine: Mapped[str] = mapped_column(server_default="here")
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
    basis: Mapped[str]
    source: Mapped[str]


class MeterReading(Base):
    """What one device's meter read in one minute, whether or not it is part of the sum.

    `kind` is `processor` or `accelerator`, which add up, or `machine`: a whole that contains them.
    `energy_j` is over the `known_ms` of the minute; in `unknown_ms` the device gave nothing.
    `accuracy` is the meter's: its figure may be off by this part of it.
    """

    __tablename__ = "meter_readings"

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


class CostSetting(Base):
    """What things cost from `valid_from` on. Append-only: a change is a new row."""

    __tablename__ = "cost_settings"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    recorded_at: Mapped[int]
    valid_from: Mapped[int] = mapped_column(index=True)
    currency: Mapped[str]
    hardware_name: Mapped[str]
    hardware_price: Mapped[Decimal]
    hardware_life_months: Mapped[int]
    residual_value: Mapped[Decimal]
    in_service_date: Mapped[str | None]  # ISO date; NULL: the first day of use
    power_kw: Mapped[Decimal]
    pue: Mapped[Decimal]
    electricity_price_per_kwh: Mapped[Decimal]
    electricity_basis: Mapped[str]
    operations_per_month: Mapped[Decimal]
    seat_price_per_month: Mapped[Decimal]
    note: Mapped[str | None]


class Admin(Base):
    """The administrator's password, as an argon2 hash. One row at most, with id 1."""

    __tablename__ = "admin"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    password_hash: Mapped[str]
    changed_at: Mapped[int]


class Audit(Base):
    """Who changed what in people, keys, prices and passwords. Append-only."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[int]
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[str]


class Meta(Base):
    """Facts about the database itself, such as that its rows are a sample."""

    __tablename__ = "meta"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
