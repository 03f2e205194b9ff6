"""Teams and roles over time, who writes a row, and what requests add up to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHOLE = [
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "estimated_counts",
    "energy_j",
    "energy_unknown",
    "energy_partial",
    "accuracy_kept",
    "uncertainty_j",
    "accuracy_unknown_j",
    "told",
    "told_uncached_input_tokens",
    "told_output_tokens",
    "told_energy_j",
    "told_prefill_j",
    "told_uncertainty_j",
    "told_accuracy_unknown_j",
]


def upgrade() -> None:
    _teams()
    op.create_table(
        "writers",
        sa.Column("id", ID, nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("process", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_writers"),
    )
    op.add_column("requests", sa.Column("writer_id", sa.BigInteger(), nullable=True))
    for columns in (["status", "started_at"], ["developer_id", "status", "started_at"]):
        op.create_index(
            "ix_requests_" + "_".join(columns),
            "requests",
            columns,
            sqlite_where=sa.text("status != 'ok'"),
            postgresql_where=sa.text("status != 'ok'"),
        )
    _rollups()


def _teams() -> None:
    op.create_table(
        "teams",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_teams"),
        sa.UniqueConstraint("name", name="uq_teams_name"),
    )
    op.create_table(
        "memberships",
        sa.Column("id", ID, nullable=False),
        sa.Column("developer_id", ID, nullable=False),
        sa.Column("team_id", ID, nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('developer', 'lead', 'manager', 'admin')", name="role"),
        sa.ForeignKeyConstraint(
            ["developer_id"], ["developers.id"], name="fk_memberships_developer_id"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_memberships_team_id"),
        sa.PrimaryKeyConstraint("id", name="pk_memberships"),
    )
    op.create_index(
        "ix_memberships_developer_id_valid_from", "memberships", ["developer_id", "valid_from"]
    )
    op.add_column("requests", sa.Column("team_id", sa.BigInteger(), nullable=True))
    # Until now a developer had one team, without a date: it counts from the beginning.
    op.execute(
        "INSERT INTO teams (name, created_at)"
        " SELECT team, min(created_at) FROM developers WHERE team IS NOT NULL GROUP BY team"
    )
    op.execute(
        "INSERT INTO memberships (developer_id, team_id, role, valid_from, recorded_at)"
        " SELECT d.id, t.id, 'developer', 0, d.created_at"
        " FROM developers d LEFT JOIN teams t ON t.name = d.team ORDER BY d.id"
    )
    op.execute(
        "UPDATE requests SET team_id = (SELECT m.team_id FROM memberships m"
        " WHERE m.developer_id = requests.developer_id)"
    )
    op.drop_column("developers", "team")


def _rollups() -> None:
    text = {"model", "engine", "status"}

    def table(name: str, keys: str, sums: list[str]) -> None:
        op.create_table(
            name,
            *[
                sa.Column(
                    key,
                    sa.String()
                    if key in (*text, "span")
                    else ID
                    if key in ("developer_id", "team_id")
                    else sa.BigInteger(),
                    nullable=False,
                    autoincrement=False,
                )
                for key in keys.split()
            ],
            *[
                sa.Column(
                    each, sa.Double() if each.endswith("_j") else sa.BigInteger(), nullable=False
                )
                for each in sums
            ],
            sa.PrimaryKeyConstraint(*keys.split(), name=f"pk_{name}"),
            sqlite_with_rowid=False,
        )

    table("usage_hours", "start_at developer_id team_id model engine status", WHOLE)
    table(
        "usage_periods",
        "span start_at developer_id team_id model engine",
        ["ok", "errors", "cancelled", "interrupted", *WHOLE],
    )
    table("usage_models", "span start_at model engine status experts", WHOLE)
    table(
        "usage_times",
        "span start_at",
        [
            "requests",
            "input_tokens",
            "cached_input_tokens",
            "output_tokens",
            "energy_j",
            "energy_unknown",
        ],
    )
