"""Verifies on a real ledger what the product promises. Reads only."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, and_, case, exists, func, not_, or_, select
from sqlalchemy.sql.expression import ColumnElement

from db import energy_rollups, months, usage_rebuild
from db.connect import reading, without_time_limit
from db.errors import LedgerUnavailable
from db.migrate import is_current
from db.months import Use
from db.presence import has_a_writer
from db.retention import horizons, removed_j
from db.schema import (
    ENERGY_BASES,
    STATUSES,
    AlertFiring,
    AlertState,
    ApiKey,
    Developer,
    EnergyInterval,
    ImportedUsage,
    Membership,
    MeterReading,
    Request,
    Team,
)
from db.urls import is_postgresql

_NAMED_ROWS = 20
_TOLERANCE_J = 1e-9  # relative to the total, for the rounding of many additions


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that `count` rows break; `rows` names the first of them."""

    rule: str
    count: int
    rows: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    requests: int
    intervals: int
    violations: list[Violation]


def check(engine: Engine, *, live: bool | None = None) -> Report:
    """Verify every rule on one snapshot of the ledger.

    `live` says whether a gateway was at work on it, whose requests may be running; by default it is
    found out, which cannot be done for a copy.
    Raises LedgerUnavailable where the database is not a ledger of this version.
    """
    if not is_current(engine):
        raise LedgerUnavailable(
            "The database is not a ledger of this version; start Breakeven on it once to update it."
        )
    live = has_a_writer(engine) if live is None else live
    with reading(engine) as connection:
        without_time_limit(connection)
        requests = connection.execute(select(func.count()).select_from(Request)).scalar_one()
        intervals = connection.execute(
            select(func.count()).select_from(EnergyInterval)
        ).scalar_one()
        found = [] if is_postgresql(engine.url) else _of_file(connection)
        for rule, column, broken in [
            *_request_rules(live),
            *_interval_rules(),
            *_other_rules(),
        ]:
            found.append(_breaking(connection, rule, column, broken))
        found.append(_ids_are_unique(connection))
        found.append(_keys_are_the_developers(connection))
        found.append(_energy_is_conserved(connection))
        found.append(_meters_add_up(connection))
        found.append(_months_add_up(connection))
        found.append(_usage_adds_up(connection))
        found.append(_hours_of_energy_add_up(connection))
    return Report(requests, intervals, [violation for violation in found if violation])


Rule = tuple[str, Any, ColumnElement[bool]]


def _request_rules(live: bool) -> list[Rule]:
    r = Request
    ended = r.status != "running"
    rules = [
        ("a status is one of " + ", ".join(STATUSES), r.status.not_in(STATUSES)),
        ("a request that has ended says when and how long it took",
         and_(ended, or_(r.finished_at.is_(None), r.duration_ms.is_(None)))),
        ("a request's counts are exact or they are estimated",
         r.counts_exact.not_in((True, False))),
        ("a request's team exists",
         and_(r.team_id.is_not(None), ~exists().where(Team.id == r.team_id))),
        ("a running request has no end", and_(not_(ended), r.finished_at.is_not(None))),
        ("a request starts before its first token and that before its end",
         or_(r.first_token_at < r.started_at, r.finished_at < r.started_at,
             r.finished_at < r.first_token_at)),
        ("tokens are 0 or more, and cached ones are part of the input",
         or_(r.input_tokens < r.cached_input_tokens, r.cached_input_tokens < 0,
             r.output_tokens < 0)),
        ("a request that answered with tokens had a first one",
         and_(r.status == "ok", r.output_tokens > 0, r.first_token_at.is_(None))),
        ("what a request reserves is 0 or more",
         or_(r.reserved_tokens < 0, r.reserved_energy_j < 0)),
        ("durations are 0 or more",
         or_(r.queue_ms < 0, r.ttft_ms < 0, r.duration_ms < 0)),
        ("energy is 0 J or more, with a basis and a source",
         and_(r.energy_j.is_not(None),
              or_(r.energy_j < 0, r.energy_basis.is_(None), r.energy_basis == "unknown",
                  r.energy_source.is_(None)))),
        ("energy that is not known is not given another basis",
         and_(r.energy_j.is_(None), r.energy_basis != "unknown")),
        ("an energy basis is one of " + ", ".join(ENERGY_BASES),
         r.energy_basis.not_in(ENERGY_BASES)),
        ("a prompt's energy is part of its request's, and uncertainty is 0 J or more",
         or_(r.prefill_energy_j < 0, r.prefill_energy_j > r.energy_j * (1 + 1e-9) + 1e-9,
             r.energy_uncertainty_j < 0)),
    ]  # fmt: skip
    if not live:
        rules.append(("nothing is running while no gateway is", not_(ended)))
    return [(rule, r.id, broken) for rule, broken in rules]


def _interval_rules() -> list[Rule]:
    e = EnergyInterval
    uses = (e.attributed_j, e.idle_j, e.overhead_j, e.loading_j, e.other_j)
    parts = (*uses, e.unclaimed_j)
    tolerance = _TOLERANCE_J * (1 + e.total_j)
    rules = [
        ("a minute's joules of requests, idle, overhead, loading and other programs are its total",
         func.abs(e.attributed_j + e.idle_j + e.overhead_j + e.loading_j + e.other_j - e.total_j)
         > tolerance),
        ("a minute's joules are 0 or more, the unclaimed ones part of the idle",
         or_(*[part < 0 for part in parts], e.uncertainty_j < 0,
             e.idle_j < e.unclaimed_j - tolerance)),
        ("a minute's joules are all known or all unknown",
         or_(*[(part.is_(None)) != (e.total_j.is_(None)) for part in parts],
             (e.total_j.is_(None)) != (e.basis == "unknown"))),
        ("a minute's energy has a basis, one of " + ", ".join(ENERGY_BASES),
         e.basis.not_in(ENERGY_BASES)),
        ("an interval ends after it starts, within its minute's count",
         or_(e.ended_at < e.started_at, e.duration_ms < 0, e.started_at < e.minute_at)),
    ]  # fmt: skip
    return [(rule, e.minute_at, broken) for rule, broken in rules]


def _other_rules() -> list[Rule]:
    m, u = Membership, ImportedUsage
    counts = (u.requests, u.input_tokens, u.cached_input_tokens, u.cache_write_tokens,
              u.output_tokens)  # fmt: skip
    placed = exists().where(m.developer_id == Developer.id, m.valid_from == 0)
    f, fires = AlertFiring, AlertState
    open_one = exists().where(
        fires.rule_id == f.rule_id, fires.subject == f.subject, fires.phase == "firing"
    )
    return [
        ("an alert that fires has a state that says so", f.id,
         and_(f.cleared_at.is_(None), ~open_one)),
        ("an alert ends after it fired", f.id, f.cleared_at < f.fired_at),
        ("a developer is in a team, or in none, from the beginning", Developer.id, ~placed),
        ("imported counts are 0 or more, and cached tokens are part of the input", u.id,
         or_(*[count < 0 for count in counts], u.cached_input_tokens > u.input_tokens)),
    ]  # fmt: skip


def _breaking(
    connection: Connection, rule: str, column: Any, broken: ColumnElement[bool]
) -> Violation | None:
    count = connection.execute(select(func.count(column)).where(broken)).scalar_one()
    if not count:
        return None
    query = select(column).where(broken).order_by(column).limit(_NAMED_ROWS)
    table = column.class_.__tablename__
    rows = [f"{table} {key}" for key in connection.execute(query).scalars()]
    return Violation(rule, count, rows)


def _of_file(connection: Connection) -> list[Violation | None]:
    """What a PostgreSQL server sees to by itself."""
    return [_file_is_sound(connection), _references_exist(connection)]


def _file_is_sound(connection: Connection) -> Violation | None:
    lines = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    if list(lines) == ["ok"]:
        return None
    return Violation("the database file is sound", len(lines), list(lines[:_NAMED_ROWS]))


def _references_exist(connection: Connection) -> Violation | None:
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if not rows:
        return None
    named = [f"{row[0]} {row[1]} (of {row[2]})" for row in rows[:_NAMED_ROWS]]
    return Violation("what a row refers to exists", len(rows), named)


def _ids_are_unique(connection: Connection) -> Violation | None:
    query = select(Request.id).group_by(Request.id).having(func.count() > 1)
    doubled = connection.execute(query).scalars().all()
    if not doubled:
        return None
    named = [f"requests {key}" for key in doubled[:_NAMED_ROWS]]
    return Violation("a request has one row", len(doubled), named)


def _keys_are_the_developers(connection: Connection) -> Violation | None:
    query = (
        select(Request.id)
        .join(ApiKey, ApiKey.id == Request.api_key_id)
        .where(ApiKey.developer_id != Request.developer_id)
    )
    foreign = connection.execute(query).scalars().all()
    if not foreign:
        return None
    named = [f"requests {key}" for key in foreign[:_NAMED_ROWS]]
    return Violation("a request was made with its own developer's key", len(foreign), named)


def _energy_is_conserved(connection: Connection) -> Violation | None:
    """Each window's shares were added to requests and to its interval in one transaction. What
    retention deleted is part of both sums."""
    of_requests = connection.execute(select(func.sum(Request.energy_j))).scalar() or 0.0
    of_requests += removed_j(connection, "requests")
    of_intervals = connection.execute(select(func.sum(EnergyInterval.attributed_j))).scalar() or 0.0
    of_intervals += removed_j(connection, "minutes")
    if abs(of_requests - of_intervals) <= _TOLERANCE_J * (1 + of_intervals):
        return None
    return Violation(
        "the requests' joules are those that the intervals attribute",
        1,
        [f"requests have {of_requests:.6f} J, energy_intervals attribute {of_intervals:.6f} J"],
    )


def _meters_add_up(connection: Connection) -> Violation | None:
    """Where no meter reads the whole machine, its total is what the devices' meters read."""
    m, e = MeterReading, EnergyInterval
    read = (
        select(
            m.minute_at,
            m.machine,
            func.sum(m.energy_j).label("energy_j"),
            func.max(case((and_(m.kind == "machine", m.known_ms > 0), 1), else_=0)).label("whole"),
        )
        .group_by(m.minute_at, m.machine)
        .subquery()
    )
    told = (
        select(
            e.minute_at,
            e.machine,
            func.sum(e.total_j).label("total_j"),
        )
        .group_by(e.minute_at, e.machine)
        .subquery()
    )
    query = (
        select(read.c.minute_at, read.c.machine, read.c.energy_j, told.c.total_j)
        .join(
            told,
            and_(told.c.minute_at == read.c.minute_at, told.c.machine == read.c.machine),
            isouter=True,
        )
        .where(
            read.c.whole == 0,
            func.abs(read.c.energy_j - func.coalesce(told.c.total_j, 0.0))
            > _TOLERANCE_J * (1 + read.c.energy_j),
        )
    )
    wrong = connection.execute(query).all()
    if not wrong:
        return None
    named = [
        f"minute {row.minute_at} of {row.machine}: meters {row.energy_j:.6f} J,"
        f" booked {row.total_j or 0.0:.6f} J"
        for row in wrong[:_NAMED_ROWS]
    ]
    return Violation("a minute's total is what its meters read", len(wrong), named)


def _months_add_up(connection: Connection) -> Violation | None:
    """Budgets are checked against `monthly_use`, so it has to be what the requests add up to, and
    no less than that in months of which retention deleted requests."""
    counted = months.recount(connection)
    kept = months.read(connection)
    first_whole = _first_whole_month(connection)
    wrong = sorted(
        user
        for user in counted.keys() | kept.keys()
        if not (_same_use if user.month >= first_whole else _no_less_use)(
            kept.get(user, Use()), counted.get(user, Use())
        )
    )
    if not wrong:
        return None
    named = [
        f"monthly_use {user.month}, developer {user.developer_id}, key {user.api_key_id}"
        for user in wrong[:_NAMED_ROWS]
    ]
    return Violation("a month's use is what its requests add up to", len(wrong), named)


def _usage_adds_up(connection: Connection) -> Violation | None:
    """Pages read hours, days, months and years of usage: they must be what requests add up to."""
    rows_from = horizons(connection).requests_from
    count, differing = usage_rebuild.differences(connection, rows_from, _NAMED_ROWS)
    if not count:
        return None
    named = [
        f"{difference.table} " + ", ".join(f"{key} {of}" for key, of in difference.key.items())
        for difference in differing
    ]
    rule = "hours, days, months and years are what their requests add up to"
    return Violation(rule, count, named)


def _hours_of_energy_add_up(connection: Connection) -> Violation | None:
    """Pages read what quarters, hours and days of energy add up to."""
    wrong = energy_rollups.differences(connection, horizons(connection).minutes_from)
    if not wrong:
        return None
    named = [str(each) for each in wrong[:_NAMED_ROWS]]
    return Violation("an hour's energy is what its minutes add up to", len(wrong), named)


def _same_use(kept: Use, counted: Use) -> bool:
    whole = (
        kept.requests == counted.requests
        and kept.input_tokens == counted.input_tokens
        and kept.output_tokens == counted.output_tokens
    )
    tolerance = _TOLERANCE_J * (1 + counted.energy_j)
    return whole and abs(kept.energy_j - counted.energy_j) <= tolerance


def _no_less_use(kept: Use, counted: Use) -> bool:
    return (
        kept.requests >= counted.requests
        and kept.input_tokens >= counted.input_tokens
        and kept.output_tokens >= counted.output_tokens
        and kept.energy_j >= counted.energy_j - _TOLERANCE_J * (1 + counted.energy_j)
    )


def _first_whole_month(connection: Connection) -> str:
    """The first month (`YYYY-MM`) of which every request is still there."""
    kept_from = horizons(connection).requests_from
    if kept_from is None:
        return ""
    before = months.month_of(kept_from - 1)
    return months.month_after(before)
