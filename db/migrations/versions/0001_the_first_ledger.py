"""The first ledger."""

import sqlalchemy as sa
from alembic import op

from db.schema import ExactDecimal

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "admin",
        sa.Column("id", ID, nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_admin"),
    )
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_table(
        "cost_settings",
        sa.Column("id", ID, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("hardware_name", sa.String(), nullable=False),
        sa.Column("hardware_price", ExactDecimal(), nullable=False),
        sa.Column("hardware_life_months", sa.BigInteger(), nullable=False),
        sa.Column("residual_value", ExactDecimal(), nullable=False),
        sa.Column("in_service_date", sa.String(), nullable=True),
        sa.Column("power_kw", ExactDecimal(), nullable=False),
        sa.Column("pue", ExactDecimal(), nullable=False),
        sa.Column("electricity_price_per_kwh", ExactDecimal(), nullable=False),
        sa.Column("electricity_basis", sa.String(), nullable=False),
        sa.Column("operations_per_month", ExactDecimal(), nullable=False),
        sa.Column("seat_price_per_month", ExactDecimal(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cost_settings"),
    )
    op.create_index("ix_cost_settings_valid_from", "cost_settings", ["valid_from"])

    op.create_table(
        "developers",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_developers"),
        sa.UniqueConstraint("name", name="uq_developers_name"),
    )
    op.create_table(
        "energy_intervals",
        sa.Column("id", ID, nullable=False),
        sa.Column("minute_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("total_j", sa.Double(), nullable=True),
        sa.Column("idle_j", sa.Double(), nullable=True),
        sa.Column("attributed_j", sa.Double(), nullable=True),
        sa.Column("unclaimed_j", sa.Double(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_energy_intervals"),
    )
    op.create_index(
        "uq_energy_intervals_minute_at_source_basis",
        "energy_intervals",
        ["minute_at", "source", "basis"],
        unique=True,
    )

    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", ID, nullable=False),
        sa.Column("developer_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["developer_id"], ["developers.id"], name="fk_api_keys_developer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
    )
    op.create_index("ix_api_keys_developer_id", "api_keys", ["developer_id"])

    op.create_table(
        "requests",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("first_token_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("developer_id", ID, nullable=False),
        sa.Column("developer_name", sa.String(), nullable=False),
        sa.Column("api_key_id", ID, nullable=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("streamed", sa.Boolean(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("counts_exact", sa.Boolean(), nullable=False),
        sa.Column("energy_j", sa.Double(), nullable=True),
        sa.Column("energy_basis", sa.String(), nullable=True),
        sa.Column("energy_source", sa.String(), nullable=True),
        sa.Column("queue_ms", sa.BigInteger(), nullable=True),
        sa.Column("ttft_ms", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("error_type", sa.String(), nullable=True),
        sa.Column("client", sa.String(), nullable=True),
        sa.Column("experts_active_mean", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'ok', 'error', 'cancelled', 'interrupted')", name="status"
        ),
        sa.CheckConstraint(
            "input_tokens >= cached_input_tokens AND cached_input_tokens >= 0"
            " AND output_tokens >= 0",
            name="tokens",
        ),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name="fk_requests_api_key_id"),
        sa.ForeignKeyConstraint(
            ["developer_id"], ["developers.id"], name="fk_requests_developer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
    )
    op.create_index(
        "ix_requests_developer_id_started_at", "requests", ["developer_id", "started_at"]
    )
    op.create_index(
        "ix_requests_running",
        "requests",
        ["id"],
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index("ix_requests_started_at", "requests", ["started_at"])
