"""What people are told of by themselves: rules, where it is sent, what fired and what was sent.

Rules and destinations are never deleted, so that what fired keeps its meaning; `removed_at` ends
them, and takes a destination's addresses with it. A `subject` is what a rule watches, where it
watches several: `developer 3 tokens`, `gpu-1:8501|upstream http://…`; empty where there is but one.
It names people by their ids alone.
"""

from decimal import Decimal
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.schema.base import Base, Id

AlertKind = Literal["budget", "cost", "idle", "energy_price", "errors", "latency", "down", "disk"]
ALERT_KINDS: tuple[AlertKind, ...] = get_args(AlertKind)
Phase = Literal["pending", "firing"]
PHASES = ("pending", "firing")
DestinationKind = Literal["webhook", "email"]
DESTINATION_KINDS = ("webhook", "email")
NoticeKind = Literal["fired", "again", "cleared", "test"]
NOTICE_KINDS = ("fired", "again", "cleared", "test")
Ended = Literal["cleared", "gone", "stopped"]
ENDED = ("cleared", "gone", "stopped")


class AlertRule(Base):
    """Fires once its value has been at `threshold` or above for `for_minutes`, and clears once it
    is below `clears_at`.

    Values are percent (`budget` of a month's, `cost` of the seats', `idle` of the energy, `errors`
    of the requests, `disk` full), money per kWh (`energy_price`), seconds (`latency`), or 1 for
    what is `down`. `window_minutes` is how far back idle, errors and latency look. `again_minutes`:
    told again so often while it fires; NULL: once. Quiet hours are minutes of the day in
    `timezone`; NULL: none.
    """

    __tablename__ = "alert_rules"
    __table_args__ = (
        CheckConstraint(f"kind IN {ALERT_KINDS}", "kind"),
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", "quiet"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str]
    threshold: Mapped[Decimal]
    clears_at: Mapped[Decimal]
    for_minutes: Mapped[int]
    window_minutes: Mapped[int | None]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    developer_id: Mapped[int | None] = mapped_column(ForeignKey("developers.id"))
    again_minutes: Mapped[int | None]
    quiet_from: Mapped[int | None]
    quiet_until: Mapped[int | None]
    timezone: Mapped[str]
    enabled: Mapped[bool]
    created_at: Mapped[int]
    removed_at: Mapped[int | None]


class AlertDestination(Base):
    """Where alerts are sent. `url` is a webhook's and as good as a password: whoever has it may
    write there. `recipients` are e-mail addresses, separated by commas."""

    __tablename__ = "alert_destinations"
    __table_args__ = (CheckConstraint(f"kind IN {DESTINATION_KINDS}", "kind"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    url: Mapped[str | None]
    recipients: Mapped[str | None]
    created_at: Mapped[int]
    removed_at: Mapped[int | None]


class AlertFiring(Base):
    """A time for which a rule fired. `value` is what it had when it began, NULL: unknown. `ended`:
    it was `cleared`, what it watched is `gone`, or the rule was `stopped`."""

    __tablename__ = "alert_firings"
    __table_args__ = (
        CheckConstraint(f"ended IN {ENDED}", "ended"),
        CheckConstraint("(cleared_at IS NULL) = (ended IS NULL)", "end"),
        Index(
            "ix_alert_firings_now",
            "rule_id",
            "subject",
            unique=True,
            sqlite_where=text("cleared_at IS NULL"),
            postgresql_where=text("cleared_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rules.id"))
    subject: Mapped[str]
    fired_at: Mapped[int]
    cleared_at: Mapped[int | None]
    ended: Mapped[str | None]
    value: Mapped[Decimal | None]


class AlertState(Base):
    """What a rule's subject is at, where it is not well. `since`: when it came to be pending or
    began to fire; `told_at`: when the last notice of it was made, NULL: none yet, for quiet hours
    hold it back. `value` is the last that was read, at `seen_at`."""

    __tablename__ = "alert_states"
    __table_args__ = (CheckConstraint(f"phase IN {PHASES}", "phase"),)

    rule_id: Mapped[int] = mapped_column(
        Id, ForeignKey("alert_rules.id"), primary_key=True, autoincrement=False
    )
    subject: Mapped[str] = mapped_column(primary_key=True)
    phase: Mapped[str]
    since: Mapped[int]
    seen_at: Mapped[int]
    told_at: Mapped[int | None]
    value: Mapped[Decimal | None]


class AlertDelivery(Base):
    """A notice to one destination: waiting until `due_at`, delivered, or given up.

    Whoever sends it writes `claimed_until` before: no other process takes it until then. `said` is
    what went wrong last, in words, with what to do.
    """

    __tablename__ = "alert_deliveries"
    __table_args__ = (
        CheckConstraint(f"notice IN {NOTICE_KINDS}", "notice"),
        CheckConstraint("(firing_id IS NULL) = (notice = 'test')", "subject"),
        Index(
            "ix_alert_deliveries_waiting",
            "due_at",
            sqlite_where=text("delivered_at IS NULL AND failed_at IS NULL"),
            postgresql_where=text("delivered_at IS NULL AND failed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    firing_id: Mapped[int | None] = mapped_column(ForeignKey("alert_firings.id"), index=True)
    destination_id: Mapped[int] = mapped_column(ForeignKey("alert_destinations.id"))
    notice: Mapped[str]
    value: Mapped[Decimal | None]
    made_at: Mapped[int]
    due_at: Mapped[int]
    claimed_until: Mapped[int]
    tries: Mapped[int]
    delivered_at: Mapped[int | None]
    failed_at: Mapped[int | None]
    said: Mapped[str | None]
