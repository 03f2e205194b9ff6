"""What people want to be told of: rules with a threshold, one at which they clear, and a scope."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, Engine, delete, insert, select, update

from db.alert_machine import MINUTE_MS, Limits, quiet_until
from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import (
    ALERT_KINDS,
    AlertFiring,
    AlertKind,
    AlertRule,
    AlertState,
    Developer,
    Team,
)
from db.writers import now_of

WINDOWED: tuple[AlertKind, ...] = ("idle", "errors", "latency")
PERCENT: tuple[AlertKind, ...] = ("budget", "cost", "idle", "errors", "disk")
AT_MOST_ALL: tuple[AlertKind, ...] = ("idle", "errors", "disk")
MOST = Decimal(1_000_000)
WEEK_MINUTES = 7 * 24 * 60
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule says; see `db.schema.AlertRule`. A scope is a team's or a developer's, and means
    something for budgets alone."""

    kind: AlertKind
    threshold: Decimal
    clears_at: Decimal
    for_minutes: int = 5
    window_minutes: int | None = None
    team_id: int | None = None
    developer_id: int | None = None
    again_minutes: int | None = None
    quiet_from: int | None = None
    quiet_until: int | None = None
    timezone: str = "UTC"
    enabled: bool = True

    @property
    def limits(self) -> Limits:
        again = self.again_minutes
        return Limits(
            self.threshold,
            self.clears_at,
            self.for_minutes * MINUTE_MS,
            None if again is None else again * MINUTE_MS,
        )

    def quiet_at(self, now: int) -> int | None:
        """When the quiet hours end that a time is in; None: it is in none."""
        return quiet_until(self.quiet_from, self.quiet_until, self.timezone, now)


@dataclass(frozen=True, slots=True)
class SavedRule:
    """`removed_at` None: it is there."""

    id: int
    rule: Rule
    removed_at: int | None = None


_FIELDS = (
    "kind", "threshold", "clears_at", "for_minutes", "window_minutes", "team_id", "developer_id",
    "again_minutes", "quiet_from", "quiet_until", "timezone", "enabled",
)  # fmt: skip


def list_rules(engine: Engine, *, removed: bool = False) -> list[SavedRule]:
    """Rules in the order in which they were added; with `removed` also those of before."""
    with reading(engine) as connection:
        rules = read_rules(connection)
    return [rule for rule in rules if removed or rule.removed_at is None]


def read_rules(connection: Connection) -> list[SavedRule]:
    columns = [getattr(AlertRule, name) for name in _FIELDS]
    query = select(AlertRule.id, AlertRule.removed_at, *columns).order_by(AlertRule.id)
    return [
        SavedRule(rule_id, Rule(*values), removed_at)
        for rule_id, removed_at, *values in connection.execute(query)
    ]


def add_rules(engine: Engine, rules: Sequence[Rule], *, actor: str) -> list[int]:
    """Add them all, or none. InvalidInput says what cannot be."""
    for rule in rules:
        require_valid(rule)
    added = []
    with writing(engine) as connection:
        for rule in rules:
            _require_scope(connection, rule)
            values = asdict(rule) | {"created_at": now_ms()}
            key = connection.execute(insert(AlertRule).values(values)).inserted_primary_key
            assert key is not None
            added.append(int(key[0]))
            note(connection, actor, "alert rule added", id=key[0], **asdict(rule))
    return added


def change_rule(engine: Engine, rule_id: int, rule: Rule, *, actor: str) -> None:
    """Have a rule say something else. What fires goes on by the new thresholds; a rule that is
    turned off ends it, and so does another scope."""
    require_valid(rule)
    with writing(engine) as connection:
        before = _require(connection, rule_id)
        if before.kind != rule.kind:
            raise InvalidInput("kind", "A rule keeps its kind; remove it and add another.")
        _require_scope(connection, rule)
        connection.execute(update(AlertRule).where(AlertRule.id == rule_id).values(asdict(rule)))
        scope = (rule.team_id, rule.developer_id)
        if not rule.enabled or (before.team_id, before.developer_id) != scope:
            _stop(connection, rule_id)
        note(
            connection, actor, "alert rule changed", id=rule_id, was=asdict(before),
            now=asdict(rule),
        )  # fmt: skip


def remove_rule(engine: Engine, rule_id: int, *, actor: str) -> None:
    """End a rule and what fires by it; what fired stays in the history."""
    with writing(engine) as connection:
        before = _require(connection, rule_id)
        connection.execute(
            update(AlertRule).where(AlertRule.id == rule_id).values(removed_at=now_ms())
        )
        _stop(connection, rule_id)
        note(connection, actor, "alert rule removed", id=rule_id, **asdict(before))


def require_valid(rule: Rule) -> None:
    """InvalidInput names the first field that cannot be."""
    if rule.kind not in ALERT_KINDS:
        raise InvalidInput("kind", f"There is no kind of rule named {rule.kind}.")
    if rule.kind != "down":
        _require_thresholds(rule)
    elif rule.threshold != 1 or rule.clears_at != 1:
        raise InvalidInput("threshold", "What is down has no threshold.")
    _require_minutes("for_minutes", "It has to hold for", rule.for_minutes, 0)
    if rule.again_minutes is not None:
        _require_minutes("again_minutes", "People are told again after", rule.again_minutes, 1)
    if (rule.window_minutes is not None) != (rule.kind in WINDOWED):
        raise InvalidInput("window_minutes", "Idle, errors and latency alone look back in time.")
    if rule.window_minutes is not None:
        _require_minutes("window_minutes", "It looks back over", rule.window_minutes, 1)
    if rule.kind != "budget" and (rule.team_id, rule.developer_id) != (None, None):
        raise InvalidInput("scope", "Only a rule about budgets is of a team or a developer.")
    if rule.team_id is not None and rule.developer_id is not None:
        raise InvalidInput("scope", "A rule is of a team or of a developer, not of both.")
    _require_quiet(rule)


def _require_thresholds(rule: Rule) -> None:
    for name, words in (("threshold", "fires at"), ("clears_at", "clears below")):
        value = getattr(rule, name)
        if not value.is_finite() or not 0 < value <= MOST:
            raise InvalidInput(name, f"What it {words} has to be a number above 0.")
        if rule.kind in AT_MOST_ALL and value > 100:
            raise InvalidInput(name, f"What it {words} is a part of a whole: 100% at most.")
    if rule.clears_at > rule.threshold:
        raise InvalidInput(
            "clears_at",
            f"It clears below {rule.clears_at:f}, which has to be {rule.threshold:f} or less: what "
            "it fires at.",
        )


def _require_minutes(name: str, words: str, minutes: int, least: int) -> None:
    if not least <= minutes <= WEEK_MINUTES:
        raise InvalidInput(
            name, f"{words} {least} to {WEEK_MINUTES:,} minutes (a week), not {minutes:,}."
        )


def _require_quiet(rule: Rule) -> None:
    ends = (rule.quiet_from, rule.quiet_until)
    if (ends[0] is None) != (ends[1] is None):
        raise InvalidInput("quiet", "Quiet hours need both a beginning and an end.")
    if ends[0] is not None and ends[0] == ends[1]:
        raise InvalidInput("quiet", "Quiet hours end at another time than they begin.")
    if any(end is not None and not 0 <= end < DAY_MINUTES for end in ends):
        raise InvalidInput("quiet", "Quiet hours are times of the day.")
    try:
        ZoneInfo(rule.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            "timezone",
            f"There is no time zone named {rule.timezone!r}; one is Europe/Berlin.",
        ) from error


def _require_scope(connection: Connection, rule: Rule) -> None:
    for table, key, words in (
        (Team, rule.team_id, "team"),
        (Developer, rule.developer_id, "developer"),
    ):
        if key is None:
            continue
        if connection.execute(select(table.id).where(table.id == key)).first() is None:
            raise InvalidInput("scope", f"There is no {words} with id {key}.")


def _require(connection: Connection, rule_id: int) -> Rule:
    found = [one for one in read_rules(connection) if one.id == rule_id and not one.removed_at]
    if not found:
        raise InvalidInput("rule", "This rule was removed already.")
    return found[0].rule


def _stop(connection: Connection, rule_id: int) -> None:
    connection.execute(delete(AlertState).where(AlertState.rule_id == rule_id))
    connection.execute(
        update(AlertFiring)
        .where(AlertFiring.rule_id == rule_id, AlertFiring.cleared_at.is_(None))
        .values(cleared_at=now_of(connection), ended="stopped")
    )
