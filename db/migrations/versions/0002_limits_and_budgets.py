"""Limits of keys and developers, and what each used in a month."""

from collections import defaultdict
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
DAY_MS = 86_400_000


def upgrade() -> None:
    # Added in place: rebuilding the table would copy a ledger's every row.
    op.add_column("requests", sa.Column("reserved_tokens", sa.BigInteger(), nullable=True))
    op.add_column("requests", sa.Column("reserved_energy_j", sa.Double(), nullable=True))
    op.create_table(
        "limits",
        sa.Column("id", ID, nullable=False),
        sa.Column("developer_id", ID, nullable=True),
        sa.Column("api_key_id", ID, nullable=True),
        sa.Column("requests_per_minute", sa.BigInteger(), nullable=True),
        sa.Column("tokens_per_minute", sa.BigInteger(), nullable=True),
        sa.Column("concurrent_requests", sa.BigInteger(), nullable=True),
        sa.Column("tokens_per_month", sa.BigInteger(), nullable=True),
        sa.Column("energy_j_per_month", sa.Double(), nullable=True),
        sa.Column("models", sa.String(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(developer_id IS NULL) != (api_key_id IS NULL)", name="holder"),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name="fk_limits_api_key_id"),
        sa.ForeignKeyConstraint(["developer_id"], ["developers.id"], name="fk_limits_developer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_limits"),
        sa.UniqueConstraint("api_key_id", name="uq_limits_api_key_id"),
        sa.UniqueConstraint("developer_id", name="uq_limits_developer_id"),
    )
    monthly_use = op.create_table(
        "monthly_use",
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("developer_id", ID, autoincrement=False, nullable=False),
        sa.Column("api_key_id", ID, autoincrement=False, nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("energy_j", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["developer_id"], ["developers.id"], name="fk_monthly_use_developer_id"
        ),
        sa.PrimaryKeyConstraint("month", "developer_id", "api_key_id", name="pk_monthly_use"),
    )
    rows = _use_so_far()
    if rows:
        op.bulk_insert(monthly_use, rows)


def _use_so_far() -> list[dict[str, object]]:
    """What the rows of `requests` add up to, first by day (in SQL), then by month."""
    daily = sa.text(
        "SELECT started_at / :day AS day, developer_id, coalesce(api_key_id, 0) AS api_key_id,"
        " sum(CASE WHEN status = 'running' THEN 0 ELSE 1 END) AS requests,"
        " sum(CASE WHEN status = 'running' THEN 0 ELSE input_tokens END) AS input_tokens,"
        " sum(CASE WHEN status = 'running' THEN 0 ELSE output_tokens END) AS output_tokens,"
        " coalesce(sum(energy_j), 0.0) AS energy_j"
        " FROM requests GROUP BY 1, 2, 3"
    )
    names = ("requests", "input_tokens", "output_tokens", "energy_j")
    sums: dict[tuple[str, int, int], dict[str, float]] = defaultdict(
        lambda: dict.fromkeys(names, 0)
    )
    for row in op.get_bind().execute(daily, {"day": DAY_MS}).mappings():
        month = datetime.fromtimestamp(row["day"] * DAY_MS / 1000, UTC).strftime("%Y-%m")
        use = sums[month, row["developer_id"], row["api_key_id"]]
        for name in names:
            use[name] += row[name]
    return [
        {"month": month, "developer_id": developer_id, "api_key_id": api_key_id, **use}
        for (month, developer_id, api_key_id), use in sums.items()
    ]
