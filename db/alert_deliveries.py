"""Notices on their way: each is claimed by one process, sent, and tried again where that failed.

Each goes out at least once, unless it is given up after some hours; the history says so. It goes
out twice where nobody can tell that it arrived: who takes it does not say so in time, or whoever
sent it ends, or loses the ledger, before it is noted. Mails of one notice have one number, by which
mail programs may know them as one.
"""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Engine, func, insert, select, update

from db.alert_destinations import Destination, read_destinations
from db.alert_rules import read_rules
from db.connect import reading, writing
from db.schema import AlertDelivery, AlertFiring, NoticeKind
from db.writers import now_of

CLAIM_MS = 3 * 60_000  # longer than it takes to send one, or to find that it cannot be
# After so many minutes it is tried again; then it is given up.
PAUSES_MINUTES = (1, 2, 4, 8, 15, 30, 60, 120)


@dataclass(frozen=True, slots=True)
class Due:
    """A notice to send now. `made_at` is when it was made, `ended` how the firing ended if it
    has."""

    id: int
    notice: NoticeKind
    destination: Destination
    rule_id: int
    subject: str
    value: Decimal | None
    fired_at: int
    made_at: int
    ended: str | None
    tries: int


def claim(engine: Engine, at: int | None = None) -> Due | None:
    """The next that is due, the oldest: nobody else gets it until the claim runs out."""
    d, f = AlertDelivery, AlertFiring
    with writing(engine) as connection:
        now = now_of(connection) if at is None else at
        query = (
            select(
                d.id, d.notice, d.destination_id, f.rule_id, f.subject, d.value, f.fired_at,
                d.made_at, f.ended, d.tries,
            )
            .join(f, f.id == d.firing_id)
            .where(
                d.delivered_at.is_(None), d.failed_at.is_(None),
                d.due_at <= now, d.claimed_until <= now,
            )
            .order_by(d.due_at, d.id)
            .limit(1)
        )  # fmt: skip
        row = connection.execute(query).first()
        if row is None:
            return None
        connection.execute(
            update(d).where(d.id == row.id).values(claimed_until=now + CLAIM_MS, tries=d.tries + 1)
        )
        to = {one.id: one for one in read_destinations(connection)}
    return Due(
        row.id, row.notice, to[row.destination_id], row.rule_id, row.subject, row.value,
        row.fired_at, row.made_at, row.ended, row.tries + 1,
    )  # fmt: skip


def delivered(engine: Engine, delivery_id: int, said: str | None) -> None:
    """`said`: what is remarkable all the same."""
    with writing(engine) as connection:
        connection.execute(
            update(AlertDelivery)
            .where(AlertDelivery.id == delivery_id)
            .values(delivered_at=now_of(connection), said=said)
        )


def failed(engine: Engine, due: Due, said: str, *, for_good: bool, at: int | None = None) -> None:
    """Note what went wrong. It is tried again later and out of quiet hours, unless that is no use
    or it was tried often enough. Where the claim ran out and another has it, that one says how it
    went."""
    with writing(engine) as connection:
        now = now_of(connection) if at is None else at
        values: dict[str, object] = {"said": said, "claimed_until": 0}
        if for_good or due.tries > len(PAUSES_MINUTES):
            values["failed_at"] = now
        else:
            again_at = now + PAUSES_MINUTES[due.tries - 1] * 60_000
            rule = next(one.rule for one in read_rules(connection) if one.id == due.rule_id)
            values["due_at"] = rule.quiet_at(again_at) or again_at
        unsettled = AlertDelivery.delivered_at.is_(None) & AlertDelivery.failed_at.is_(None)
        ours = (AlertDelivery.id == due.id) & (AlertDelivery.tries == due.tries)
        connection.execute(update(AlertDelivery).where(ours, unsettled).values(values))


def note_test(engine: Engine, destination_id: int, said: str | None, *, arrived: bool) -> None:
    """Keep how a test went."""
    with writing(engine) as connection:
        now = now_of(connection)
        row = {
            "destination_id": destination_id,
            "notice": "test",
            "made_at": now,
            "due_at": now,
            "claimed_until": 0,
            "tries": 1,
            "said": said,
            "delivered_at" if arrived else "failed_at": now,
        }
        connection.execute(insert(AlertDelivery).values(row))


@dataclass(frozen=True, slots=True)
class Last:
    """How the last attempt to a destination went."""

    at: int
    arrived: bool
    said: str | None


def last_attempts(engine: Engine) -> dict[int, Last]:
    """By destination, of those that were ever tried."""
    d = AlertDelivery
    with reading(engine) as connection:
        latest = (
            select(func.max(d.id)).where(d.tries > 0).group_by(d.destination_id).scalar_subquery()
        )
        query = select(d.destination_id, d.made_at, d.delivered_at, d.failed_at, d.said)
        rows = connection.execute(query.where(d.id.in_(latest))).all()
    return {
        row.destination_id: Last(
            row.delivered_at or row.failed_at or row.made_at, row.delivered_at is not None, row.said
        )
        for row in rows
    }
