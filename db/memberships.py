"""In which team a developer is, and as what, over time: a change never alters the past."""

from typing import Any

from sqlalchemy import Connection, ScalarSelect, SQLColumnExpression, insert, select

from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import Developer, Membership, Role, Team

LONGEST_NAME = 80


def team_id_at(developer_id: SQLColumnExpression[int], at: Any) -> ScalarSelect[int | None]:
    """The id of a developer's team at a time (UTC epoch ms), as part of a query of developers."""
    return _in_force(Membership.team_id, developer_id, at)


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


def join_team(
    connection: Connection,
    developer_id: int,
    team: str | None,
    *,
    role: Role = "developer",
    valid_from: int,
) -> None:
    """Record that a developer is in this team from `valid_from` on; None: in none. A team that is
    new is added."""
    connection.execute(
        insert(Membership).values(
            developer_id=developer_id,
            team_id=None if team is None else _team_id(connection, team),
            role=role,
            valid_from=valid_from,
            recorded_at=now_ms(),
        )
    )


def _team_id(connection: Connection, name: str) -> int:
    """The team of this name, whatever the case of its letters."""
    for row in connection.execute(select(Team.id, Team.name)):
        if row.name.casefold() == name.casefold():
            return int(row.id)
    key = connection.execute(insert(Team).values(name=name, created_at=now_ms()))
    assert key.inserted_primary_key is not None
    return int(key.inserted_primary_key[0])


def valid_team(team: str | None) -> str | None:
    """The name as it is kept; None for an empty one, InvalidInput for one that is too long."""
    team = " ".join((team or "").split())
    if len(team) > LONGEST_NAME or not team.isprintable():
        raise InvalidInput("team", f"A team has at most {LONGEST_NAME} printable characters.")
    return team or None
