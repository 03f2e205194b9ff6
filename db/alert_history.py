"""What fires now, and what did before, with how people were told."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Engine, select

from db.alert_rules import Rule, read_rules
from db.connect import reading
from db.schema import AlertDelivery, AlertDestination, AlertFiring, AlertState, NoticeKind


@dataclass(frozen=True, slots=True)
class Sent:
    """A notice to one destination. `delivered_at` None: not yet, or `failed_at` never."""

    notice: NoticeKind
    destination: str
    due_at: int
    tries: int
    delivered_at: int | None
    failed_at: int | None
    said: str | None


@dataclass(frozen=True, slots=True)
class Firing:
    """`value` is the last that is known while it fires, else what it began with. `held_back`: quiet
    hours keep people from being told. `ended` None: it fires."""

    id: int
    rule_id: int
    rule: Rule
    subject: str
    value: Decimal | None
    fired_at: int
    cleared_at: int | None
    ended: str | None
    held_back: bool
    sent: tuple[Sent, ...]


def firing_now(engine: Engine) -> list[Firing]:
    """What fires, the latest first."""
    return _firings(engine, now=True, limit=1_000)


def firings(engine: Engine, limit: int) -> list[Firing]:
    """What fires and what did, the latest first."""
    return _firings(engine, now=False, limit=limit)


def _firings(engine: Engine, *, now: bool, limit: int) -> list[Firing]:
    f, s = AlertFiring, AlertState
    query = (
        select(
            f.id, f.rule_id, f.subject, f.value, f.fired_at, f.cleared_at, f.ended,
            s.value.label("latest"), s.told_at, s.phase,
        )
        .outerjoin(
            s, (s.rule_id == f.rule_id) & (s.subject == f.subject) & f.cleared_at.is_(None)
        )
        .order_by(f.fired_at.desc(), f.id.desc())
        .limit(limit)
    )  # fmt: skip
    if now:
        query = query.where(f.cleared_at.is_(None))
    with reading(engine) as connection:
        found = connection.execute(query).all()
        if not found:
            return []
        rules = {saved.id: saved.rule for saved in read_rules(connection)}
        d = AlertDelivery
        of_firings = (
            select(
                d.firing_id, d.notice, AlertDestination.name.label("destination"), d.due_at,
                d.tries, d.delivered_at, d.failed_at, d.said,
            )
            .join(AlertDestination, AlertDestination.id == d.destination_id)
            .where(d.firing_id.in_([row.id for row in found]))
            .order_by(d.id)
        )  # fmt: skip
        sent: dict[int | None, list[Sent]] = {}
        for row in connection.execute(of_firings):
            told = row._asdict()
            sent.setdefault(told.pop("firing_id"), []).append(Sent(**told))
    return [
        Firing(
            id=row.id,
            rule_id=row.rule_id,
            rule=rules[row.rule_id],
            subject=row.subject,
            value=row.value if row.latest is None else row.latest,
            fired_at=row.fired_at,
            cleared_at=row.cleared_at,
            ended=row.ended,
            held_back=row.phase == "firing" and row.told_at is None,
            sent=tuple(sent.get(row.id, ())),
        )
        for row in found
    ]
