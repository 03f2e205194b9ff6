"""What rules read, put through the machine: states, firings and the notices that come of them.

All in one write transaction, of which there is one at a time on a ledger. So several processes may
watch the same rules: whoever comes second finds what the first has noted, and tells nobody again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update

from db.alert_destinations import read_destinations
from db.alert_machine import STALE_AFTER_MS, State, Step, step
from db.alert_rules import SavedRule, read_rules
from db.connect import writing
from db.schema import AlertDelivery, AlertFiring, AlertState, Ended
from db.upsert import upsert
from db.writers import now_of

_states: Table = AlertState.__table__  # type: ignore[assignment]
_COLUMNS = ("phase", "since", "seen_at", "told_at", "value")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a rule's subject is at; `value` None: unknown."""

    subject: str
    value: Decimal | None


def apply(engine: Engine, readings: Mapping[int, Sequence[Reading]], at: int | None = None) -> None:
    """Go on from what each rule (by id) reads now. A rule that is not in `readings` could not be
    read: it stays as it is. A subject of which nothing is read for five minutes is gone."""
    with writing(engine) as connection:
        now = now_of(connection) if at is None else at
        to = [one.id for one in read_destinations(connection) if one.removed_at is None]
        states = _read(connection)
        for saved in read_rules(connection):
            if saved.removed_at is None and saved.rule.enabled and saved.id in readings:
                of_rule = states.get(saved.id, {})
                _Turn(connection, saved, now, to).take(of_rule, readings[saved.id])


def _read(connection: Connection) -> dict[int, dict[str, State]]:
    found: dict[int, dict[str, State]] = {}
    columns = [getattr(AlertState, name) for name in _COLUMNS]
    query = select(AlertState.rule_id, AlertState.subject, *columns)
    for rule_id, subject, *values in connection.execute(query):
        found.setdefault(rule_id, {})[subject] = State(*values)
    return found


@dataclass(frozen=True, slots=True)
class _Turn:
    """One rule, at one time; notices go `to` these destinations."""

    connection: Connection
    saved: SavedRule
    now: int
    to: Sequence[int]

    def take(self, states: Mapping[str, State], readings: Sequence[Reading]) -> None:
        for one in readings:
            state = states.get(one.subject)
            if state is not None and self.now < state.seen_at:
                continue  # another process has read it since, by the same clock
            quiet = self.saved.rule.quiet_at(self.now) is not None
            after = step(self.saved.rule.limits, state, one.value, self.now, quiet=quiet)
            self._write(one.subject, state, after, "cleared")
        read = {one.subject for one in readings}
        for subject, state in states.items():
            if subject not in read and self.now - state.seen_at > STALE_AFTER_MS:
                self._write(subject, state, _gone(state), "gone")

    def _write(self, subject: str, before: State | None, after: Step, ended: Ended) -> None:
        if after.state is not None:
            row = {"rule_id": self.saved.id, "subject": subject, **asdict(after.state)}
            upsert(self.connection, _states, [row], replaced=_COLUMNS)
        elif before is not None:
            self.connection.execute(
                delete(AlertState).where(
                    AlertState.rule_id == self.saved.id, AlertState.subject == subject
                )
            )
        value = before.value if before is not None else None
        if after.state is not None:
            value = after.state.value
        if after.change == "fired":
            self._begin(subject, value)
        if after.notice is not None:
            self._tell(subject, after, value)
        if after.change == "cleared":
            self._end(subject, ended)

    def _begin(self, subject: str, value: Decimal | None) -> None:
        row = {"rule_id": self.saved.id, "subject": subject, "fired_at": self.now, "value": value}
        self.connection.execute(insert(AlertFiring).values(row))

    def _end(self, subject: str, ended: Ended) -> None:
        self.connection.execute(
            update(AlertFiring)
            .where(
                AlertFiring.rule_id == self.saved.id,
                AlertFiring.subject == subject,
                AlertFiring.cleared_at.is_(None),
            )
            .values(cleared_at=self.now, ended=ended)
        )

    def _tell(self, subject: str, after: Step, value: Decimal | None) -> None:
        """One delivery for each destination; an end that comes in quiet hours waits for theirs."""
        firing_id = self.connection.execute(
            select(AlertFiring.id).where(
                AlertFiring.rule_id == self.saved.id,
                AlertFiring.subject == subject,
                AlertFiring.cleared_at.is_(None),
            )
        ).scalar_one()
        due_at = self.saved.rule.quiet_at(self.now) or self.now
        rows = [
            {
                "firing_id": firing_id,
                "destination_id": destination,
                "notice": after.notice,
                "value": value,
                "made_at": self.now,
                "due_at": due_at,
                "claimed_until": 0,
                "tries": 0,
            }
            for destination in self.to
        ]
        if rows:
            self.connection.execute(insert(AlertDelivery), rows)


def _gone(state: State) -> Step:
    """What becomes of something that is not there any more."""
    if state.phase == "pending":
        return Step(None)
    return Step(None, "cleared", "cleared" if state.told_at is not None else None)
