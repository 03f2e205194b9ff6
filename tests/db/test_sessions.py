"""A cookie opens what its account may see at that moment, until it is signed out."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from db import accounts, people, sessions
from db.accounts import Account, Holder
from db.ledger import Ledger
from tests.db.team import Team, rows

PASSWORD = "correct horse"


@pytest.fixture
def ada(ledger: Ledger, team: Team) -> Account:
    return accounts.add_account(
        ledger.engine, "ada", Holder(team.ada), password=PASSWORD, actor="test"
    )


def test_a_cookie_names_its_account_with_its_role_developer_and_team(
    ledger: Ledger, team: Team, ada: Account
) -> None:
    cookie = sessions.open_session(ledger.engine, ada.id)
    found = sessions.visitor(ledger.engine, cookie)
    assert found == sessions.Visitor(
        ada.id, "ada", "developer", team.ada, 1, must_change=False, has_password=True
    )


@pytest.mark.parametrize("cookie", [None, "", "x", "' OR 1=1 --", "\udcff"])
def test_a_made_up_cookie_is_nobodys(ledger: Ledger, ada: Account, cookie: str | None) -> None:
    sessions.open_session(ledger.engine, ada.id)
    assert sessions.visitor(ledger.engine, cookie) is None


def test_the_ledger_holds_nothing_that_opens_a_session(ledger: Ledger, ada: Account) -> None:
    cookie = sessions.open_session(ledger.engine, ada.id)
    (row,) = rows(ledger.engine, "sessions")
    assert cookie not in str(row)
    assert sessions.visitor(ledger.engine, row["digest"]) is None


def test_signing_out_ends_one_browsers_session(ledger: Ledger, ada: Account) -> None:
    here = sessions.open_session(ledger.engine, ada.id)
    there = sessions.open_session(ledger.engine, ada.id)
    sessions.close_session(ledger.engine, here)
    assert sessions.visitor(ledger.engine, here) is None
    assert sessions.visitor(ledger.engine, there) is not None


ENDS: dict[str, Callable[[Ledger, Account], object]] = {
    "a new password": lambda it, ada: accounts.set_password(
        it.engine, ada.id, "battery staple", actor="test"
    ),
    "disabling": lambda it, ada: accounts.disable_account(it.engine, ada.id, actor="test"),
    "archiving": lambda it, ada: people.archive_developer(
        it.engine, ada.developer_id or 0, actor="test"
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_session_of_an_account_ends_at_once_with(
    ledger: Ledger, ada: Account, end: str
) -> None:
    cookies = [sessions.open_session(ledger.engine, ada.id) for _ in range(2)]
    ENDS[end](ledger, ada)
    assert [sessions.visitor(ledger.engine, cookie) for cookie in cookies] == [None, None]


def test_enabling_an_account_does_not_bring_its_sessions_back(ledger: Ledger, ada: Account) -> None:
    cookie = sessions.open_session(ledger.engine, ada.id)
    accounts.disable_account(ledger.engine, ada.id, actor="test")
    accounts.enable_account(ledger.engine, ada.id, actor="test")
    assert sessions.visitor(ledger.engine, cookie) is None


def test_restoring_a_developer_does_not_bring_their_sessions_back(
    ledger: Ledger, ada: Account
) -> None:
    cookie = sessions.open_session(ledger.engine, ada.id)
    people.archive_developer(ledger.engine, ada.developer_id or 0, actor="test")
    people.restore_developer(ledger.engine, ada.developer_id or 0, actor="test")
    assert sessions.visitor(ledger.engine, cookie) is None


def test_a_change_of_role_or_team_holds_at_once(ledger: Ledger, ada: Account) -> None:
    cookie = sessions.open_session(ledger.engine, ada.id)
    assert ada.developer_id is not None
    people.set_role(ledger.engine, ada.developer_id, "manager", actor="test")
    people.set_team(ledger.engine, ada.developer_id, "Data", actor="test")
    found = sessions.visitor(ledger.engine, cookie)
    assert found is not None
    assert (found.role, found.team_id) == ("manager", 2)


def test_a_session_ends_after_twelve_hours_and_the_next_sign_in_forgets_it(
    ledger: Ledger, ada: Account
) -> None:
    cookie = sessions.open_session(ledger.engine, ada.id)
    (row,) = rows(ledger.engine, "sessions")
    assert row["expires_at"] - row["created_at"] == 12 * 3600 * 1000
    with ledger.engine.begin() as connection:
        connection.execute(text("UPDATE sessions SET expires_at = created_at"))
    assert sessions.visitor(ledger.engine, cookie) is None
    sessions.open_session(ledger.engine, ada.id)
    assert len(rows(ledger.engine, "sessions")) == 1
