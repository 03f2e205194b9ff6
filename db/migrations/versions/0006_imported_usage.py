"""Usage from files: what a team's tools and vendors counted, apart from what is metered."""

import sqlalchemy as sa
from alembic import op

from db.schema import ExactDecimal

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("sources", sa.String(), nullable=False),
        sa.Column("files", sa.String(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), nullable=False),
        sa.Column("skipped", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_imports"),
    )
    op.create_table(
        "imported_usage",
        sa.Column("id", ID, nullable=False),
        sa.Column("import_id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_key", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("grain", sa.String(), nullable=True),
        sa.Column("developer_id", ID, nullable=True),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("requests", sa.BigInteger(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cached_input_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cache_write_tokens", sa.BigInteger(), nullable=True),
        sa.Column("output_tokens", sa.BigInteger(), nullable=True),
        sa.Column("cost", ExactDecimal(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.CheckConstraint("basis IN ('exact', 'lower bound', 'aggregate')", name="basis"),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name="fk_imported_usage_import_id"),
        sa.ForeignKeyConstraint(
            ["developer_id"], ["developers.id"], name="fk_imported_usage_developer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_imported_usage"),
        sa.UniqueConstraint("source", "external_key", name="uq_imported_usage_source_external_key"),
    )
    op.create_index("ix_imported_usage_at", "imported_usage", ["at"])
    op.create_index("ix_imported_usage_import_id", "imported_usage", ["import_id"])
