"""What minutes of energy add up to, so that a year is read as fast as a day."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = {"span", "basis", "source", "machine", "meter", "device", "kind"}


def upgrade() -> None:
    """`db.migrate` fills them from the minutes that are there."""
    _table("energy_times", "span start_at", "covered_ms partial_ms unknown_ms")
    _table(
        "energy_sources",
        "span start_at basis source",
        "uncertainty_j accuracy_kept accuracy_unknown accuracy_unknown_j",
        nullable="total_j attributed_j idle_j overhead_j loading_j other_j",
    )
    _table(
        "meter_times",
        "span start_at machine meter device",
        "kind basis accuracy energy_j known_ms unknown_ms read_at told_at",
    )
    _table("machine_times", "span start_at machine estimated", "minutes whole_j parts_j")


def _table(name: str, keys: str, values: str, nullable: str = "") -> None:
    op.create_table(
        name,
        *[sa.Column(key, _type(key), autoincrement=False, nullable=False) for key in keys.split()],
        *[sa.Column(value, _type(value), nullable=True) for value in nullable.split()],
        *[sa.Column(value, _type(value), nullable=False) for value in values.split()],
        sa.PrimaryKeyConstraint(*keys.split(), name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )


def _type(column: str) -> sa.types.TypeEngine:
    if column in TEXT:
        return sa.String()
    if column.endswith("_j") or column == "accuracy":
        return sa.Double()
    return sa.BigInteger()
