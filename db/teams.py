"""Teams: groups of people whose costs are told together. Archived, never deleted."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.memberships import as_role, role_at, team_id_at
from db.schema import Developer, Role, Team

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Group:
    """A team and how many active developers are in it now. `archived_at` None: active."""

    id: int
    name: str
    members: int
    created_at: int
    archived_at: int | None


@dataclass(frozen=True, slots=True)
class Member:
    developer_id: int
    name: str
    role: Role


def list_teams(engine: Engine, *, archived: bool = False) -> list[Group]:
    """Teams by name: the active ones, and with `archived` the others too."""
    with reading(engine) as connection:
        teams = _groups(connection)
    return [team for team in teams if archived or team.archived_at is None]


def find_team(engine: Engine, name: str) -> Group | None:
    """The team of this name, whatever the case of its letters."""
    with reading(engine) as connection:
        return _find(connection, name)


def members_of(engine: Engine, team_id: int, at: int | None = None) -> list[Member]:
    """Who is in a team at a time (default: now), by name; the archived ones are not left out."""
    at = now_ms() if at is None else at
    query = (
        select(Developer.id, Developer.name, role_at(Developer.id, at))
        .where(team_id_at(Developer.id, at) == team_id)
        .order_by(Developer.name)
    )
    with reading(engine) as connection:
        return [
            Member(developer_id, name, as_role(role))
            for developer_id, name, role in connection.execute(query)
        ]


def add_team(engine: Engine, name: str, *, actor: str) -> Group:
    """Add a team. InvalidInput where the name is empty, too long or taken."""
    name = _required(name)
    with writing(engine) as connection:
        _require_free(connection, name)
        return _require(connection, _add(connection, name, actor))


def rename_team(engine: Engine, team_id: int, name: str, *, actor: str) -> Group:
    """Give a team another name, for the past too: it is the same team."""
    name = _required(name)
    with writing(engine) as connection:
        _require_free(connection, name, except_id=team_id)
        return _change(connection, team_id, actor, "team renamed", name=name)


def archive_team(engine: Engine, team_id: int, *, actor: str) -> Group:
    """Take a team off the lists. InvalidInput while active developers are in it."""
    with writing(engine) as connection:
        team = _require(connection, team_id)
        if team.members:
            raise InvalidInput(
                "team", f"Developers are in {team.name} now ({team.members}); move them first."
            )
        return _change(connection, team_id, actor, "team archived", archived_at=now_ms())


def restore_team(engine: Engine, team_id: int, *, actor: str) -> Group:
    with writing(engine) as connection:
        return _change(connection, team_id, actor, "team restored", archived_at=None)


def find_or_add(connection: Connection, name: str | None, actor: str) -> int | None:
    """The id of the team of this name, whatever the case of its letters; a new one is added.
    None: of no team. InvalidInput where it is archived."""
    if name is None:
        return None
    team = _find(connection, name)
    if team is None:
        return _add(connection, name, actor)
    if team.archived_at is not None:
        raise InvalidInput("team", f"The team {team.name} is archived; restore it first.")
    return team.id


def valid_team(team: str | None) -> str | None:
    """The name as it is kept; None for an empty one, InvalidInput for one that is too long."""
    team = " ".join((team or "").split())
    if len(team) > LONGEST_NAME or not team.isprintable():
        raise InvalidInput("team", f"A team has at most {LONGEST_NAME} printable characters.")
    return team or None


def _required(name: str) -> str:
    valid = valid_team(name)
    if valid is None:
        raise InvalidInput("team", "A team needs a name.")
    return valid


def _groups(connection: Connection) -> list[Group]:
    now = now_ms()
    of = (
        select(team_id_at(Developer.id, now).label("team_id"))
        .where(Developer.archived_at.is_(None))
        .subquery()
    )
    counted = connection.execute(
        select(of.c.team_id, func.count().label("members")).group_by(of.c.team_id)
    )
    members = {row.team_id: row.members for row in counted}
    query = select(Team.id, Team.name, Team.created_at, Team.archived_at).order_by(Team.name)
    return [
        Group(row.id, row.name, members.get(row.id, 0), row.created_at, row.archived_at)
        for row in connection.execute(query)
    ]


def _find(connection: Connection, name: str) -> Group | None:
    wanted = " ".join(name.split()).casefold()
    return next((team for team in _groups(connection) if team.name.casefold() == wanted), None)


def _require(connection: Connection, team_id: int) -> Group:
    for team in _groups(connection):
        if team.id == team_id:
            return team
    raise InvalidInput("team", f"There is no team with id {team_id}.")


def _require_free(connection: Connection, name: str, except_id: int | None = None) -> None:
    holder = _find(connection, name)
    if holder is not None and holder.id != except_id:
        where = " (archived)" if holder.archived_at is not None else ""
        raise InvalidInput("team", f"There is already a team named {holder.name}{where}.")


def _add(connection: Connection, name: str, actor: str) -> int:
    key = connection.execute(insert(Team).values(name=name, created_at=now_ms()))
    assert key.inserted_primary_key is not None
    team_id = int(key.inserted_primary_key[0])
    note(connection, actor, "team added", id=team_id, name=name)
    return team_id


def _change(connection: Connection, team_id: int, actor: str, action: str, **values: Any) -> Group:
    before = _require(connection, team_id)
    connection.execute(update(Team).where(Team.id == team_id).values(**values))
    was = {name: getattr(before, name) for name in values}
    note(connection, actor, action, id=team_id, was=was, now=values)
    return _require(connection, team_id)
