"""How long rows are kept, and records that nobody can change.

A later migration that makes one of the append-only tables anew has to make its triggers anew too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("audit", "memberships", "cost_settings", "grid_intensity", "retention_settings")
# A made-up team's rows may be replaced by other made-up ones.
NO_SAMPLE = "NOT EXISTS (SELECT 1 FROM meta WHERE key = 'sample')"
# Taking a person's name out of the trail changes who and what, never when or which action.
NO_ERASURE = (
    "NOT EXISTS (SELECT 1 FROM erasing)"
    " OR NEW.id <> OLD.id OR NEW.at <> OLD.at OR NEW.action <> OLD.action"
)


def upgrade() -> None:
    op.create_table(
        "retention_settings",
        sa.Column("id", ID, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("requests_days", sa.BigInteger(), nullable=True),
        sa.Column("minutes_days", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_retention_settings"),
    )
    op.create_table(
        "horizons",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("kept_from", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("removed_j", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_horizons"),
    )
    op.create_table(
        "erasing",
        sa.Column("developer_id", ID, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("developer_id", name="pk_erasing"),
    )
    forbid = _forbid_sqlite if op.get_bind().dialect.name == "sqlite" else _forbid_postgresql
    for table in APPEND_ONLY:
        forbid(table, "DELETE", NO_SAMPLE)
        forbid(table, "UPDATE", NO_ERASURE if table == "audit" else "TRUE")


def _forbid_sqlite(table: str, what: str, unless_allowed: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_forbids_{what.lower()} BEFORE {what} ON {table}"
        f" WHEN {unless_allowed} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _forbid_postgresql(table: str, what: str, unless_allowed: str) -> None:
    name = f"{table}_forbids_{what.lower()}"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF {unless_allowed} THEN"
        f" RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation'; END IF;"
        f" RETURN {'OLD' if what == 'DELETE' else 'NEW'}; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
    )
