"""Minutes kept in their key's order, without a second copy of the key: a sixth less of disk."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JOULES = ("total_j", "attributed_j", "idle_j", "overhead_j", "loading_j", "other_j", "unclaimed_j")
KEY = ("minute_at", "machine", "source", "basis")


def upgrade() -> None:
    op.drop_index("uq_energy_intervals_minute_at_machine_source_basis", "energy_intervals")
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint("pk_energy_intervals", "energy_intervals")
        op.drop_column("energy_intervals", "id")
        op.create_primary_key("pk_energy_intervals", "energy_intervals", list(KEY))
        return
    _anew("energy_intervals", _intervals())
    _anew("meter_readings", _readings())


def _anew(name: str, columns: list[sa.schema.SchemaItem]) -> None:
    """SQLite chooses how a table lies on the disk when it is made."""
    op.rename_table(name, f"{name}_before")
    op.create_table(name, *columns, sqlite_with_rowid=False)
    names = ", ".join(column.name for column in columns if isinstance(column, sa.Column))
    op.execute(f"INSERT INTO {name} ({names}) SELECT {names} FROM {name}_before")
    op.drop_table(f"{name}_before")


def _intervals() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("minute_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("machine", sa.String(), server_default="here", nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        *[
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("started_at", "ended_at", "duration_ms")
        ],
        *[sa.Column(name, sa.Double(), nullable=True) for name in (*JOULES, "uncertainty_j")],
        sa.PrimaryKeyConstraint(*KEY, name="pk_energy_intervals"),
    ]


def _readings() -> list[sa.schema.SchemaItem]:
    key = ("minute_at", "machine", "meter", "device")
    return [
        sa.Column("minute_at", sa.BigInteger(), autoincrement=False, nullable=False),
        *[
            sa.Column(name, sa.String(), nullable=False)
            for name in ("machine", "meter", "device", "kind", "basis")
        ],
        *[sa.Column(name, sa.Double(), nullable=False) for name in ("accuracy", "energy_j")],
        *[sa.Column(name, sa.BigInteger(), nullable=False) for name in ("known_ms", "unknown_ms")],
        sa.PrimaryKeyConstraint(*key, name="pk_meter_readings"),
    ]
