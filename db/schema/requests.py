"""Every request to the gateway, and who writes them."""

from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id

Status = Literal["running", "ok", "error", "cancelled", "interrupted"]
ENDINGS = ("ok", "error", "cancelled", "interrupted")
STATUSES = ("running", *ENDINGS)

EnergyBasis = Literal["measured", "estimated", "partial", "unknown"]
ENERGY_BASES = ("measured", "estimated", "partial", "unknown")


class Writer(Base):
    """A process that writes requests. One that has not been seen for long has died: the rows that
    it left `running` are `interrupted` by another. `seen_at` is 0 once it has closed."""

    __tablename__ = "writers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    host: Mapped[str]
    process: Mapped[int]
    started_at: Mapped[int]
    seen_at: Mapped[int]


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
    while `status` is `running` and without meaning after that. `writer_id` is who wrote the row.
    """

    __tablename__ = "requests"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", "status"),
        CheckConstraint(
            "input_tokens >= cached_input_tokens AND cached_input_tokens >= 0"
            " AND output_tokens >= 0",
            "tokens",
        ),
        # Newest first, page by page: of all, of one developer, and of what did not go well.
        Index("ix_requests_started_at", "started_at"),
        Index("ix_requests_developer_id_started_at", "developer_id", "started_at"),
        Index(
            "ix_requests_status_started_at",
            "status",
            "started_at",
            sqlite_where=text("status != 'ok'"),
            postgresql_where=text("status != 'ok'"),
        ),
        Index(
            "ix_requests_developer_id_status_started_at",
            "developer_id",
            "status",
            "started_at",
            sqlite_where=text("status != 'ok'"),
            postgresql_where=text("status != 'ok'"),
        ),
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
    # Columns that came later, added in place: no foreign keys, but `db check` sees to them.
    team_id: Mapped[int | None]  # as it was then
    writer_id: Mapped[int | None]


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
