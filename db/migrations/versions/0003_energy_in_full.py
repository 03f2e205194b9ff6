"""Where every joule went, what each meter read, how sure it is, and the carbon of the grid."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_KNOWN = "CASE WHEN total_j IS NULL THEN NULL ELSE 0.0 END"


def upgrade() -> None:
    # Added in place: rebuilding the tables would copy a ledger's every row.
    for name in ("prefill_energy_j", "energy_uncertainty_j"):
        op.add_column("requests", sa.Column(name, sa.Double(), nullable=True))
    machine = sa.Column("machine", sa.String(), nullable=False, server_default="here")
    op.add_column("energy_intervals", machine)
    for name in ("overhead_j", "loading_j", "other_j", "uncertainty_j"):
        op.add_column("energy_intervals", sa.Column(name, sa.Double(), nullable=True))
    # Until now all that no request used was booked as idle; how sure it was is not known.
    op.execute(
        f"UPDATE energy_intervals SET overhead_j = {_KNOWN}, loading_j = {_KNOWN},"
        f" other_j = {_KNOWN}"
    )
    op.drop_index("uq_energy_intervals_minute_at_source_basis", "energy_intervals")
    op.create_index(
        "uq_energy_intervals_minute_at_machine_source_basis",
        "energy_intervals",
        ["minute_at", "machine", "source", "basis"],
        unique=True,
    )
    op.create_table(
        "meter_readings",
        sa.Column("minute_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=False),
        sa.Column("energy_j", sa.Double(), nullable=False),
        sa.Column("known_ms", sa.BigInteger(), nullable=False),
        sa.Column("unknown_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "minute_at", "machine", "meter", "device", name="pk_meter_readings"
        ),
    )
    op.create_table(
        "grid_intensity",
        sa.Column("id", ID, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("g_per_kwh", sa.Double(), nullable=True),
        sa.Column("by_hour", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_grid_intensity"),
    )
    op.create_index("ix_grid_intensity_valid_from", "grid_intensity", ["valid_from"])
