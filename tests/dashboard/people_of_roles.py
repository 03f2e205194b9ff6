"""A team with an account of every role, each with requests of their own, and the doors to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.testclient import TestClient

from dashboard import access
from dashboard.door.lockout import LockOut
from dashboard.door.oidc import Organisation
from dashboard.door.password import OwnPassword
from dashboard.door.setup import SetUp
from dashboard.door.signin import SignIn
from dashboard.gate import SIGN_IN, Gate
from db import accounts, people, sessions
from db.accounts import Holder
from db.ledger import Ledger
from db.schema import Role
from tests.db.team import Team, outcome

PASSWORD = "correct horse battery"
ORIGIN = "http://gpu-box:8501"
TEAMS = {"Ada": "Platform", "Lea": "Platform", "Bob": "Data", "Max": "Data", "Amy": "Data"}
ROLES: dict[str, Role] = {"Ada": "developer", "Lea": "lead", "Max": "manager", "Amy": "admin"}
SEES = {  # whose requests
    "Ada": {"Ada"},
    "Lea": {"Ada", "Lea"},
    "Max": {"Ada", "Lea", "Bob", "Max", "Amy"},
    "Amy": {"Ada", "Lea", "Bob", "Max", "Amy"},
}


@dataclass(frozen=True)
class Somebody:
    """An account, and what a browser that it has signed in sends."""

    name: str
    account_id: int
    developer_id: int
    team_id: int
    cookie: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{access.COOKIE}={self.cookie}"}


Be = Callable[[str], Somebody]  # be this person on the pages from now on


def make_people(ledger: Ledger) -> dict[str, Somebody]:
    """Ada of Platform, its lead Lea, and of Data Bob, Max the manager and Amy the admin. Everybody
    has made a request; Bob may not sign in."""
    engine, made = ledger.engine, {}
    team_ids: dict[str, int] = {}
    for name, team in TEAMS.items():
        person = people.add_developer(engine, name, team, actor="test")
        people.set_role(engine, person.id, ROLES.get(name, "developer"), actor="test", valid_from=0)
        team_ids.setdefault(team, len(team_ids) + 1)
        ask(ledger, person.id, name)
        if name in ROLES:
            account = accounts.add_account(
                engine, name.lower(), Holder(person.id), password=PASSWORD, actor="test"
            )
            cookie = sessions.open_session(engine, account.id)
            made[name] = Somebody(name, account.id, person.id, team_ids[team], cookie)
    return made


def ask(ledger: Ledger, developer_id: int, name: str) -> None:
    """One answered request."""
    team = Team(developer_id, key=0)
    request_id = team.admit(ledger, developer_name=name, api_key_id=None)
    ledger.finish(outcome(request_id)).result(20)


class Door:
    """The doors as the product has them, in front of `routes`."""

    def __init__(
        self,
        database: Callable[[], Engine],
        routes: Sequence[BaseRoute],
        organisation: Organisation | None = None,
    ) -> None:
        lock_out = LockOut()
        self.set_up = SetUp(database, lock_out)
        sign_in = SignIn(database, lock_out, organisation)
        parts = (sign_in, self.set_up, OwnPassword(database, lock_out))
        self.app = Starlette(
            routes=[*[route for part in parts for route in part.routes()], *routes],
            middleware=[Middleware(Gate, database=database)],
        )

    def browser(self, origin: str = ORIGIN) -> TestClient:
        return TestClient(self.app, base_url=origin, follow_redirects=False)


def sign_in(
    browser: TestClient, name: str, password: str = PASSWORD, origin: str = ORIGIN, to: str = "/"
) -> Any:
    form = {"username": name, "password": password, "to": to}
    return browser.post(SIGN_IN, data=form, headers={"Origin": origin})
