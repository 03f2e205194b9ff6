"""Developers: who uses the gateway. They are archived, never deleted: their requests name them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, insert, select, update

from db import memberships, teams
from db.admins import keeping_an_admin
from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.memberships import role_at, team_name_at
from db.schema import Developer, Role
from db.sessions import close_sessions_of

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Person:
    """A developer, in the team and role of now. Times are UTC epoch milliseconds; `archived_at`
    None: active."""

    id: int
    name: str
    team: str | None
    role: Role
    created_at: int
    archived_at: int | None


def list_developers(engine: Engine, *, archived: bool = False) -> list[Person]:
    """Developers by name: the active ones, and with `archived` the others too."""
    query = _people().order_by(Developer.name)
    if not archived:
        query = query.where(Developer.archived_at.is_(None))
    with reading(engine) as connection:
        return [Person(*row) for row in connection.execute(query)]


def get_developer(engine: Engine, developer_id: int) -> Person | None:
    with reading(engine) as connection:
        return _get(connection, developer_id)


def find_developer(engine: Engine, name: str) -> Person | None:
    """The developer of this name, whatever the case of its letters."""
    with reading(engine) as connection:
        return _find(connection, name)


def add_developer(engine: Engine, name: str, team: str | None = None, *, actor: str) -> Person:
    """Add a developer. InvalidInput where the name is empty, too long or taken."""
    name = _valid_name(name)
    team = teams.valid_team(team)
    with writing(engine) as connection:
        _require_free(connection, name)
        team_id = teams.find_or_add(connection, team, actor)
        row = insert(Developer).values(name=name, created_at=now_ms())
        key = connection.execute(row).inserted_primary_key
        assert key is not None
        memberships.enter(connection, key[0], team_id)
        note(connection, actor, "developer added", id=key[0], name=name, team=team)
        return _require(connection, key[0])


def rename_developer(engine: Engine, developer_id: int, name: str, *, actor: str) -> Person:
    """Change a name. Requests of the past keep the name they were made under."""
    name = _valid_name(name)
    with writing(engine) as connection:
        _require_free(connection, name, except_id=developer_id)
        return _change(connection, developer_id, actor, "developer renamed", name=name)


def set_team(
    engine: Engine,
    developer_id: int,
    team: str | None,
    *,
    actor: str,
    valid_from: int | None = None,
) -> Person:
    """Move a developer to another team from `valid_from` (UTC epoch ms; default: now) on.

    What they used before stays the old team's. What they used since a date in the past becomes the
    new one's, up to the next change of team that is recorded; a date in the future is kept until
    it comes. InvalidInput for a time of which retention has deleted requests.
    """
    team = teams.valid_team(team)
    with writing(engine) as connection:
        _require(connection, developer_id)
        team_id = teams.find_or_add(connection, team, actor)
        at = now_ms() if valid_from is None else valid_from
        moved = memberships.change_team(connection, developer_id, team_id, at)
        note(
            connection,
            actor,
            "developer's team changed",
            id=developer_id,
            was={"team": moved.before},
            now={"team": team},
            valid_from=at,
            requests_moved=moved.requests,
        )
        return _require(connection, developer_id)


def set_role(
    engine: Engine, developer_id: int, role: str, *, actor: str, valid_from: int | None = None
) -> Person:
    """Give a developer another role from `valid_from` (UTC epoch ms; default: now) on.
    InvalidInput where nobody could sign in as an admin then."""
    with writing(engine) as connection, keeping_an_admin(connection):
        _require(connection, developer_id)
        at = now_ms() if valid_from is None else valid_from
        before = memberships.change_role(connection, developer_id, role, at).before
        change = {"was": {"role": before}, "now": {"role": role}, "valid_from": at}
        note(connection, actor, "developer's role changed", id=developer_id, **change)
        return _require(connection, developer_id)


def archive_developer(engine: Engine, developer_id: int, *, actor: str) -> Person:
    """End a developer's access: their keys stop working, so does their account, which is signed
    out everywhere; their requests stay. InvalidInput where it is the last admin's account."""
    with writing(engine) as connection, keeping_an_admin(connection):
        close_sessions_of(connection, developer_id)
        return _change(connection, developer_id, actor, "developer archived", archived_at=now_ms())


def restore_developer(engine: Engine, developer_id: int, *, actor: str) -> Person:
    with writing(engine) as connection:
        return _change(connection, developer_id, actor, "developer restored", archived_at=None)


def _people() -> Select[*tuple[Any, ...]]:
    at = now_ms()
    return select(
        Developer.id,
        Developer.name,
        team_name_at(Developer.id, at),
        role_at(Developer.id, at),
        Developer.created_at,
        Developer.archived_at,
    )


def _get(connection: Connection, developer_id: int) -> Person | None:
    row = connection.execute(_people().where(Developer.id == developer_id)).first()
    return Person(*row) if row else None


def _require(connection: Connection, developer_id: int) -> Person:
    person = _get(connection, developer_id)
    if person is None:
        raise InvalidInput("developer", f"There is no developer with id {developer_id}.")
    return person


def _find(connection: Connection, name: str) -> Person | None:
    wanted = name.strip().casefold()
    for row in connection.execute(_people()):
        if row.name.casefold() == wanted:
            return Person(*row)
    return None


def _require_free(connection: Connection, name: str, except_id: int | None = None) -> None:
    holder = _find(connection, name)
    if holder is not None and holder.id != except_id:
        where = " (archived)" if holder.archived_at is not None else ""
        raise InvalidInput(
            "name", f"There is already a developer named {holder.name}{where}; choose another name."
        )


def _change(
    connection: Connection, developer_id: int, actor: str, action: str, **values: Any
) -> Person:
    before = _require(connection, developer_id)
    connection.execute(update(Developer).where(Developer.id == developer_id).values(**values))
    was = {name: getattr(before, name) for name in values}
    note(connection, actor, action, id=developer_id, was=was, now=values)
    return _require(connection, developer_id)


def _valid_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise InvalidInput("name", "A developer needs a name.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput("name", f"A name has at most {LONGEST_NAME} printable characters.")
    return name
