"""Who looks at the pages, and whose figures they may see. The one place where roles mean something.

| role      | sees                                                            |
|-----------|-----------------------------------------------------------------|
| developer | their own usage, requests and keys; Chat and Connect            |
| lead      | besides, their team of now, and the requests made in it         |
| manager   | everybody's figures and costs, and Settings without changing it |
| admin     | everything, and changes it                                      |

Each role may do whatever those above it may. `access` finds the viewer in the database on every
run of a page and for every request. A page that is for everybody reads within `viewer.scope`; one
that tells everybody's figures is in `pages` for managers, and its reads ask for one again.
"""

from dataclasses import dataclass
from typing import Literal

from db.errors import InvalidInput
from db.export_queries import EVERYBODY, Whose
from db.schema import ROLES, Role

NOBODY = 0  # the id of no developer and no team


class NotAllowed(InvalidInput):
    """Somebody asked for what their role may not see or change."""

    def __init__(self, message: str) -> None:
        super().__init__("role", message)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody at the pages, as their account is at this moment.

    `account_id` None: whoever sits at this machine, where nobody signs in. `developer_id` None: an
    account that belongs to no developer. `team_id`: the team that its developer is in now.
    """

    account_id: int | None
    name: str
    role: Role
    developer_id: int | None
    team_id: int | None

    def is_at_least(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)

    def require(self, role: Role) -> None:
        """NotAllowed where the viewer's role is a lesser one."""
        if not self.is_at_least(role):
            raise NotAllowed(f"This is for {for_whom(role)}; you are signed in as a {self.role}.")

    @property
    def scope(self) -> Whose:
        """Whose requests the viewer may see. A lead's are those made in the team, whoever made
        them and wherever they are now; a lead without a team sees their own."""
        if self.is_at_least("manager"):
            return EVERYBODY
        if self.role == "lead" and self.team_id is not None:
            return Whose(team_id=self.team_id)
        return Whose(developer_id=self.developer_id or NOBODY)

    def narrowed(self, asked: Whose) -> Whose:
        """What of the requests asked for is within the scope: never more than either. NotAllowed
        where another person or team is named than those in the scope. Who asks for their own gets
        all of it, from whichever team, as My usage counts it."""
        if asked.developer_id is not None and asked.developer_id == self.developer_id:
            return asked
        scope = self.scope
        developer, team = asked.developer_id, asked.team_id
        if scope.developer_id not in (None, developer) and developer is not None:
            raise NotAllowed("You may see your own requests only.")
        if scope.team_id not in (None, team) and team is not None:
            raise NotAllowed("You may see your own team's requests only.")
        return Whose(
            developer if scope.developer_id is None else scope.developer_id,
            team if scope.team_id is None else scope.team_id,
        )

    def require_team(self, team_id: int | None) -> None:
        """For a team's figures as a whole (None: all teams', 0: of those in none): a manager, or
        the lead of this very team."""
        own = self.role == "lead" and team_id == self.scope.team_id is not None
        if not own:
            self.require("manager")

    def require_own(self, developer_id: int) -> None:
        """For a developer's figures as a whole, in whichever team: a manager, or the developer."""
        if developer_id != self.developer_id:
            self.require("manager")

    def may_change_keys_of(self, developer_id: int) -> bool:
        """Whether they may make and revoke a developer's keys: their own; an admin anybody's."""
        return self.is_at_least("admin") or developer_id == self.developer_id


LOCAL = Viewer(None, "dashboard", "admin", None, None)


def for_whom(least: Role) -> str:
    """The roles that may do what `least` may, in words."""
    plurals: dict[Literal["developer", "lead", "manager", "admin"], str] = {
        "developer": "everybody who is signed in",
        "lead": "leads, managers and admins",
        "manager": "managers and admins",
        "admin": "admins",
    }
    return plurals[least]
