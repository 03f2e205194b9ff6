"""Accounts of people, and who is signed in. The one password of before becomes `admin`'s."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("password_once", sa.Boolean(), nullable=False),
        sa.Column("developer_id", ID, nullable=True),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role IN ('manager', 'admin')", name="role"),
        sa.CheckConstraint("(developer_id IS NULL) != (role IS NULL)", name="holder"),
        sa.ForeignKeyConstraint(
            ["developer_id"], ["developers.id"], name="fk_accounts_developer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name_key", name="uq_accounts_name_key"),
        sa.UniqueConstraint("email", name="uq_accounts_email"),
        sa.UniqueConstraint("developer_id", name="uq_accounts_developer_id"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.execute(
        "INSERT INTO accounts (name, name_key, password_hash, password_once, role, created_at)"
        " SELECT 'admin', 'admin', password_hash, false, 'admin', changed_at FROM admin"
    )
    op.drop_table("admin")
