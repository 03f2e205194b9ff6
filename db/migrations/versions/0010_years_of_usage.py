"""What requests add up to by year, so that several years are read as fast as a month."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEYS = {
    "usage_periods": ["developer_id", "team_id", "model", "engine"],
    "usage_models": ["model", "engine", "status", "experts"],
}
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
SUMS = {
    "usage_periods": ["ok", "errors", "cancelled", "interrupted", *WHOLE],
    "usage_models": WHOLE,
}
# When the UTC year of a month begins, in milliseconds.
YEAR = {
    "sqlite": "CAST(strftime('%s', start_at / 1000, 'unixepoch', 'start of year') AS INTEGER)"
    " * 1000",
    "postgresql": "CAST(extract(epoch FROM date_trunc("
    "'year', to_timestamp(start_at / 1000) AT TIME ZONE 'UTC')) AS BIGINT) * 1000",
}


def upgrade() -> None:
    year = YEAR[op.get_context().dialect.name]
    for table, keys in KEYS.items():
        key, sums = ", ".join(keys), SUMS[table]
        op.execute(
            sa.text(
                f"INSERT INTO {table} (span, start_at, {key}, {', '.join(sums)})"
                f" SELECT 'year', year_at, {key}, {', '.join(f'sum({name})' for name in sums)}"
                f" FROM (SELECT {year} AS year_at, {key}, {', '.join(sums)}"
                f" FROM {table} WHERE span = 'month') AS months GROUP BY year_at, {key}"
            )
        )


def downgrade() -> None:
    for table in KEYS:
        op.execute(sa.text(f"DELETE FROM {table} WHERE span = 'year'"))
