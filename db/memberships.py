"""In which team a developer is, and as what, over time: a change never alters what it is not about.

What is in force at a time is the row with the latest `valid_from` up to then; of two with the same
one, the one recorded last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from sqlalchemy import (
    Connection,
    Engine,
    ScalarSelect,
    SQLColumnExpression,
    insert,
    select,
    update,
)

from db import usage
from db.connect import reading
from db.errors import InvalidInput
from db.ids import now_ms, utc_text
from db.retention import horizons
from db.schema import Developer, Membership, Request, Role, Team

_LATEST = 253_402_300_800_000  # the year 10000


@dataclass(frozen=True, slots=True)
class Change:
    """From `valid_from` (UTC epoch ms) on in this team (None: in none) and in this role.
    `in_force` False: another one with the same date was recorded later."""

    valid_from: int
    team: str | None
    role: Role
    recorded_at: int
    in_force: bool


@dataclass(frozen=True, slots=True)
class TeamPlace:
    """From `valid_from` (UTC epoch ms) on in this team, by its name now; None: in none."""

    valid_from: int
    team_id: int | None
    team: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change did: the team or role before it, and how many requests changed their team."""

    before: str | None
    requests: int


# Parts of queries of developers


def team_id_at(developer_id: SQLColumnExpression[int], at: Any) -> ScalarSelect[int | None]:
    """The id of a developer's team at a time (UTC epoch ms), as part of a query of developers."""
    return _in_force(Membership.team_id, developer_id, at)


def moved_at(developer_id: SQLColumnExpression[int], at: Any) -> ScalarSelect[int]:
    """From when on they have been in it, or in another role, as part of a query of developers."""
    return _in_force(Membership.valid_from, developer_id, at)


def role_at(developer_id: SQLColumnExpression[int], at: Any) -> ScalarSelect[str]:
    """A developer's role at a time (UTC epoch ms), as part of a query of developers."""
    return _in_force(Membership.role, developer_id, at)


def team_name_at(developer_id: SQLColumnExpression[int], at: Any) -> ScalarSelect[str]:
    """The name of a developer's team at a time, as part of a query of developers."""
    return select(Team.name).where(Team.id == team_id_at(developer_id, at)).scalar_subquery()


def _in_force(what: Any, developer_id: SQLColumnExpression[int], at: Any) -> ScalarSelect[Any]:
    return (
        select(what)
        .where(Membership.developer_id == developer_id, Membership.valid_from <= at)
        .order_by(Membership.valid_from.desc(), Membership.id.desc())
        .limit(1)
        .correlate(Developer)
        .scalar_subquery()
    )


def as_role(text: str) -> Role:
    """A role as it stands in the database, whose constraint knows the same ones."""
    return cast(Role, text)


# What was and will be


def history(engine: Engine, developer_id: int) -> list[Change]:
    """Every change of a developer's, latest `valid_from` first, also those that were replaced."""
    m = Membership
    query = (
        select(m.valid_from, Team.name, m.role, m.recorded_at)
        .outerjoin(Team, Team.id == m.team_id)
        .where(m.developer_id == developer_id)
        .order_by(m.valid_from.desc(), m.id.desc())
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    seen: set[int] = set()
    changes = []
    for row in rows:
        valid_from, team, role, recorded_at = row
        in_force = valid_from not in seen
        changes.append(Change(valid_from, team, as_role(role), recorded_at, in_force))
        seen.add(valid_from)
    return changes


def team_places(engine: Engine) -> dict[int, list[TeamPlace]]:
    """Every developer's teams as they are in force, oldest first, by the developer's id."""
    m = Membership
    query = (
        select(m.developer_id, m.valid_from, m.team_id, Team.name)
        .outerjoin(Team, Team.id == m.team_id)
        .order_by(m.valid_from, m.id)
    )
    places: dict[int, dict[int, TeamPlace]] = {}
    with reading(engine) as connection:
        for developer_id, valid_from, team_id, team in connection.execute(query):
            place = TeamPlace(valid_from, team_id, team)
            places.setdefault(developer_id, {})[valid_from] = place
    return {developer_id: list(line.values()) for developer_id, line in places.items()}


def team_of(engine: Engine, developer_id: int, at: int | None = None) -> str | None:
    """The name of a developer's team at a time (default: now); None: in none."""
    query = select(team_name_at(Developer.id, now_ms() if at is None else at)).where(
        Developer.id == developer_id
    )
    with reading(engine) as connection:
        return connection.execute(query).scalar()


# Changes


@dataclass(frozen=True, slots=True)
class _Place:
    valid_from: int
    team_id: int | None
    role: str


def join_team(
    connection: Connection,
    developer_id: int,
    team: str | None,
    *,
    role: Role = "developer",
    valid_from: int,
) -> None:
    """Record that a developer is in this team from `valid_from` on; None: in none. A team that is
    new is added, without a word in the audit trail: it is for people who are made up."""
    team_id = None if team is None else _team_id(connection, team)
    enter(connection, developer_id, team_id, role=role, valid_from=valid_from)


def _team_id(connection: Connection, name: str) -> int:
    """The team of this name, whatever the case of its letters."""
    for row in connection.execute(select(Team.id, Team.name)):
        if row.name.casefold() == name.casefold():
            return int(row.id)
    key = connection.execute(insert(Team).values(name=name, created_at=now_ms()))
    assert key.inserted_primary_key is not None
    return int(key.inserted_primary_key[0])


def enter(
    connection: Connection,
    developer_id: int,
    team_id: int | None,
    *,
    role: Role = "developer",
    valid_from: int = 0,
) -> None:
    """Record the first place of a developer who has made no request yet."""
    _record(connection, developer_id, [_Place(valid_from, team_id, role)])


def change_team(
    connection: Connection, developer_id: int, team_id: int | None, valid_from: int
) -> Moved:
    """Put a developer into a team from `valid_from` on, until the next change of team there is.

    The requests of that time become that team's, and with them what they add up to. InvalidInput
    where some of them may have been deleted: those that are left would tell half the story.
    """
    kept_from = horizons(connection).requests_from
    if kept_from is not None and valid_from < kept_from:
        raise InvalidInput(
            "valid_from",
            f"Requests before {utc_text(kept_from)} are not kept any more, so nobody's team can be"
            " changed for the time before.",
        )
    before, until = _change(connection, developer_id, valid_from, "team_id", team_id)
    name = select(Team.name).where(Team.id == before)
    which = (Request.developer_id == developer_id) & (Request.started_at >= valid_from)
    if until is not None:
        which &= Request.started_at < until
    with usage.changing(connection, which):
        moved = connection.execute(update(Request).where(which).values(team_id=team_id)).rowcount
    return Moved(connection.execute(name).scalar(), moved)


def change_role(connection: Connection, developer_id: int, role: str, valid_from: int) -> Moved:
    """Give a developer a role from `valid_from` on, until the next change of role there is."""
    if role not in get_args(Role):
        raise InvalidInput("role", "A role is one of " + ", ".join(get_args(Role)) + ".")
    before, _ = _change(connection, developer_id, valid_from, "role", role)
    return Moved(before, 0)


def _change(
    connection: Connection,
    developer_id: int,
    valid_from: int,
    what: Literal["team_id", "role"],
    to: Any,
) -> tuple[Any, int | None]:
    """Record a change, and returns what it was before and until when the change holds.

    A later row that only changed the other thing (the role, where this is about the team) goes on
    with it: it is recorded anew with this change in it.
    """
    if not 0 <= valid_from < _LATEST:
        raise InvalidInput("valid_from", "The date is not one of the years 1970 to 9999.")
    line = _timeline(connection, developer_id)
    present = [place for place in line if place.valid_from <= valid_from][-1]
    before = getattr(present, what)
    places = [replace(present, valid_from=valid_from, **{what: to})]
    until = None
    for later in line[line.index(present) + 1 :]:
        if getattr(later, what) != before:
            until = later.valid_from
            break
        places.append(replace(later, **{what: to}))
    _record(connection, developer_id, places)
    return before, until


def _timeline(connection: Connection, developer_id: int) -> list[_Place]:
    """What is in force from when on, oldest first."""
    m = Membership
    rows = connection.execute(
        select(m.valid_from, m.team_id, m.role)
        .where(m.developer_id == developer_id)
        .order_by(m.valid_from, m.id)
    )
    return list({row.valid_from: _Place(*row) for row in rows}.values())


def _record(connection: Connection, developer_id: int, places: Sequence[_Place]) -> None:
    connection.execute(
        insert(Membership),
        [
            {
                "developer_id": developer_id,
                "team_id": place.team_id,
                "role": place.role,
                "valid_from": place.valid_from,
                "recorded_at": now_ms(),
            }
            for place in places
        ],
    )
