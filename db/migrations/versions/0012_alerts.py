"""Alerts: rules, where they are sent, what fired, and what was delivered."""

import sqlalchemy as sa
from alembic import op

from db.schema import ExactDecimal

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = "('budget', 'cost', 'idle', 'energy_price', 'errors', 'latency', 'down', 'disk')"
WAITING = sa.text("delivered_at IS NULL AND failed_at IS NULL")
NOW = sa.text("cleared_at IS NULL")


def upgrade() -> None:
    _rules()
    _destinations()
    _firings()
    _states()
    _deliveries()


def _rules() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("threshold", ExactDecimal(), nullable=False),
        sa.Column("clears_at", ExactDecimal(), nullable=False),
        sa.Column("for_minutes", sa.BigInteger(), nullable=False),
        sa.Column("window_minutes", sa.BigInteger(), nullable=True),
        sa.Column("team_id", ID, nullable=True),
        sa.Column("developer_id", ID, nullable=True),
        sa.Column("again_minutes", sa.BigInteger(), nullable=True),
        sa.Column("quiet_from", sa.BigInteger(), nullable=True),
        sa.Column("quiet_until", sa.BigInteger(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(f"kind IN {KINDS}", name="kind"),
        sa.CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_alert_rules_team_id"),
        sa.ForeignKeyConstraint(
            ["developer_id"], ["developers.id"], name="fk_alert_rules_developer_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rules"),
    )


def _destinations() -> None:
    op.create_table(
        "alert_destinations",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("recipients", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('webhook', 'email')", name="kind"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_destinations"),
    )


def _firings() -> None:
    op.create_table(
        "alert_firings",
        sa.Column("id", ID, nullable=False),
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("fired_at", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.String(), nullable=True),
        sa.Column("value", ExactDecimal(), nullable=True),
        sa.CheckConstraint("ended IN ('cleared', 'gone', 'stopped')", name="ended"),
        sa.CheckConstraint("(cleared_at IS NULL) = (ended IS NULL)", name="end"),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rules.id"], name="fk_alert_firings_rule_id"),
        sa.PrimaryKeyConstraint("id", name="pk_alert_firings"),
    )
    op.create_index(
        "ix_alert_firings_now",
        "alert_firings",
        ["rule_id", "subject"],
        unique=True,
        sqlite_where=NOW,
        postgresql_where=NOW,
    )


def _states() -> None:
    op.create_table(
        "alert_states",
        sa.Column("rule_id", ID, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("value", ExactDecimal(), nullable=True),
        sa.CheckConstraint("phase IN ('pending', 'firing')", name="phase"),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rules.id"], name="fk_alert_states_rule_id"),
        sa.PrimaryKeyConstraint("rule_id", "subject", name="pk_alert_states"),
    )


def _deliveries() -> None:
    op.create_table(
        "alert_deliveries",
        sa.Column("id", ID, nullable=False),
        sa.Column("firing_id", ID, nullable=True),
        sa.Column("destination_id", ID, nullable=False),
        sa.Column("notice", sa.String(), nullable=False),
        sa.Column("value", ExactDecimal(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.String(), nullable=True),
        sa.CheckConstraint("notice IN ('fired', 'again', 'cleared', 'test')", name="notice"),
        sa.CheckConstraint("(firing_id IS NULL) = (notice = 'test')", name="subject"),
        sa.ForeignKeyConstraint(
            ["firing_id"], ["alert_firings.id"], name="fk_alert_deliveries_firing_id"
        ),
        sa.ForeignKeyConstraint(
            ["destination_id"],
            ["alert_destinations.id"],
            name="fk_alert_deliveries_destination_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert_deliveries"),
    )
    op.create_index("ix_alert_deliveries_firing_id", "alert_deliveries", ["firing_id"])
    op.create_index(
        "ix_alert_deliveries_waiting",
        "alert_deliveries",
        ["due_at"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
