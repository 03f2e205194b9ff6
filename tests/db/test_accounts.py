"""Who may sign in: passwords, roles, and the admin that there always is."""

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from db import accounts, erase, people, sessions
from db.accounts import Account, Holder
from db.connect import connect, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.ledger import Ledger
from db.migrate import migrate, migrations
from db.passwords import hash_of
from db.schema import OwnRole, Role
from tests.db.team import Fresh, Team, on_sqlite, rows

PASSWORD = "correct horse"
DAY_MS = 24 * 3600 * 1000


def add(ledger: Ledger, name: str = "boss", role: OwnRole = "admin") -> Account:
    holder = Holder(role=role)
    return accounts.add_account(ledger.engine, name, holder, password=PASSWORD, actor="test")


def add_for(ledger: Ledger, developer_id: int, role: Role = "developer") -> Account:
    people.set_role(ledger.engine, developer_id, role, actor="test")
    holder = Holder(developer_id)
    return accounts.add_account(ledger.engine, "ada", holder, password=PASSWORD, actor="test")


def name_an_organisation(options: pytest.MonkeyPatch) -> None:
    """So that an e-mail is a way in."""
    for name, value in {
        "PUBLIC_URL": "https://breakeven.example",
        "OIDC_METADATA_URL": "https://acme.example/.well-known/openid-configuration",
        "OIDC_CLIENT_ID": "breakeven",
        "OIDC_CLIENT_SECRET": "the client's secret",
    }.items():
        options.setenv(f"BREAKEVEN_{name}", value)


def test_the_password_and_only_it_is_accepted(ledger: Ledger) -> None:
    boss = add(ledger)
    assert accounts.check_password(ledger.engine, "boss", PASSWORD) == boss
    assert accounts.check_password(ledger.engine, " BOSS ", PASSWORD) == boss
    for name, password in [("boss", "Correct horse"), ("boss", ""), ("nobody", PASSWORD)]:
        assert accounts.check_password(ledger.engine, name, password) is None


def test_a_new_password_replaces_the_old_one(ledger: Ledger) -> None:
    boss = add(ledger)
    accounts.set_password(ledger.engine, boss.id, "battery staple", actor="test", must_change=True)
    assert accounts.check_password(ledger.engine, "boss", PASSWORD) is None
    found = accounts.check_password(ledger.engine, "boss", "battery staple")
    assert found is not None
    assert found.must_change


@pytest.mark.parametrize("password", ["", "ninechars", "x" * 1025])
def test_a_password_has_10_to_1024_characters(ledger: Ledger, password: str) -> None:
    with pytest.raises(InvalidInput):
        accounts.add_account(
            ledger.engine, "boss", Holder(role="admin"), password=password, actor="test"
        )


def test_a_password_is_kept_as_an_argon2_hash_alone(ledger: Ledger) -> None:
    add(ledger)
    (row,) = rows(ledger.engine, "accounts")
    assert row["password_hash"].startswith("$argon2id$")
    assert "horse" not in str(rows(ledger.engine, "audit"))


def test_a_developers_account_has_the_role_of_their_membership_now(
    ledger: Ledger, team: Team
) -> None:
    add(ledger)
    add_for(ledger, team.ada)
    for role in ("lead", "manager", "admin", "developer"):
        people.set_role(ledger.engine, team.ada, role, actor="test")
        found = accounts.find_account(ledger.engine, "ada")
        assert found is not None
        assert found.role == role
    people.set_role(ledger.engine, team.ada, "admin", actor="test", valid_from=now_ms() + DAY_MS)
    found = accounts.find_account(ledger.engine, "ada")
    assert found is not None
    assert found.role == "developer", "what holds from tomorrow on does not hold today"


def test_nobody_enters_whose_account_is_disabled_or_whose_developer_is_archived(
    ledger: Ledger, team: Team
) -> None:
    ada = add_for(ledger, team.ada)
    accounts.disable_account(ledger.engine, ada.id, actor="test")
    assert accounts.check_password(ledger.engine, "ada", PASSWORD) is None
    accounts.enable_account(ledger.engine, ada.id, actor="test")
    assert accounts.check_password(ledger.engine, "ada", PASSWORD) is not None
    people.archive_developer(ledger.engine, team.ada, actor="test")
    assert accounts.check_password(ledger.engine, "ada", PASSWORD) is None


@pytest.mark.parametrize(
    ("name", "email", "holder"),
    [
        ("BOSS", None, Holder(role="admin")),
        ("bｏss", None, Holder(role="admin")),  # a wide o is an o
        ("other", "Boss@Team.example", Holder(role="admin")),
        ("", None, Holder(role="admin")),
        ("x\n", "no e-mail", Holder(role="admin")),
        ("other", None, Holder()),
        ("other", None, Holder(1, "admin")),
        ("other", None, Holder(99)),
    ],
)
def test_what_cannot_be_an_account_is_refused(
    ledger: Ledger, team: Team, name: str, email: str | None, holder: Holder
) -> None:
    accounts.add_account(
        ledger.engine, "boss", Holder(role="admin"), email="boss@team.example", actor="test"
    )
    with pytest.raises(InvalidInput):
        accounts.add_account(
            ledger.engine, name, holder, password=PASSWORD, email=email, actor="test"
        )
    assert len(accounts.list_accounts(ledger.engine)) == 1


def test_an_account_needs_a_way_in(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput, match="needs a password, or an e-mail"):
        accounts.add_account(ledger.engine, "boss", Holder(role="admin"), actor="test")
    boss = accounts.add_account(
        ledger.engine, "boss", Holder(role="admin"), email="b@team.example", actor="test"
    )
    assert accounts.account_of_email(ledger.engine, " B@TEAM.example") == boss
    with pytest.raises(InvalidInput, match="the only way in"):
        accounts.change_account(ledger.engine, boss.id, Holder(role="admin"), None, actor="test")


def test_a_developer_has_one_account(ledger: Ledger, team: Team) -> None:
    add_for(ledger, team.ada)
    with pytest.raises(InvalidInput, match="Ada has the account ada already"):
        accounts.add_account(
            ledger.engine, "ada 2", Holder(team.ada), password=PASSWORD, actor="test"
        )


def test_the_database_itself_holds_what_an_account_may_be(ledger: Ledger, team: Team) -> None:
    boss = add(ledger)
    for change in ("role = 'developer'", "role = NULL", f"developer_id = {team.ada}"):
        with pytest.raises(IntegrityError), ledger.engine.begin() as connection:
            connection.execute(text(f"UPDATE accounts SET {change} WHERE id = {boss.id}"))


class TestTheLastAdmin:
    """Whatever ends somebody's being an admin is refused where there is no other."""

    def test_standing_alone_cannot_be_disabled_or_made_something_else(
        self, ledger: Ledger, team: Team
    ) -> None:
        boss = add(ledger)
        for end in (
            lambda: accounts.disable_account(ledger.engine, boss.id, actor="test"),
            lambda: self._change(ledger, boss, Holder(role="manager")),
            lambda: self._change(ledger, boss, Holder(team.ada)),
        ):
            with pytest.raises(InvalidInput, match="last admin"):
                end()
        assert accounts.find_account(ledger.engine, "boss") == boss

    def test_who_is_a_developer_cannot_be_demoted_archived_or_erased(
        self, ledger: Ledger, team: Team
    ) -> None:
        add_for(ledger, team.ada, "admin")
        tomorrow = now_ms() + DAY_MS
        for end in (
            lambda: people.set_role(ledger.engine, team.ada, "lead", actor="test"),
            lambda: people.set_role(
                ledger.engine, team.ada, "lead", actor="test", valid_from=tomorrow
            ),
            lambda: people.archive_developer(ledger.engine, team.ada, actor="test"),
            lambda: erase.erase_developer(ledger.engine, team.ada, actor="test"),
        ):
            with pytest.raises(InvalidInput, match="last admin"):
                end()
        ada = accounts.find_account(ledger.engine, "ada")
        assert ada is not None
        assert (ada.role, ada.may_enter) == ("admin", True)

    def test_has_to_be_able_to_sign_in_by_e_mail_too(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        boss = add(ledger)
        accounts.add_account(
            ledger.engine, "eva", Holder(role="admin"), email="eva@team.example", actor="test"
        )
        with pytest.raises(InvalidInput, match="last admin"):
            accounts.disable_account(ledger.engine, boss.id, actor="test")
        name_an_organisation(monkeypatch)
        accounts.disable_account(ledger.engine, boss.id, actor="test")
        assert accounts.has_admin(ledger.engine)

    def test_may_go_once_there_is_another(self, ledger: Ledger, team: Team) -> None:
        boss = add(ledger)
        add_for(ledger, team.ada, "admin")
        accounts.disable_account(ledger.engine, boss.id, actor="test")
        assert accounts.has_admin(ledger.engine)

    def test_without_accounts_people_are_changed_as_ever(self, ledger: Ledger, team: Team) -> None:
        people.set_role(ledger.engine, team.ada, "admin", actor="test")
        people.archive_developer(ledger.engine, team.ada, actor="test")
        assert not accounts.has_admin(ledger.engine)

    @staticmethod
    def _change(ledger: Ledger, account: Account, holder: Holder) -> None:
        accounts.change_account(ledger.engine, account.id, holder, None, actor="test")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["disable", "enable", "manager", "admin", "link", "demote", "promote", "archive"]
        ),
        st.integers(0, 2),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_whatever_is_done_somebody_can_sign_in_as_an_admin(
    fresh: Fresh, steps: list[tuple[str, int]]
) -> None:
    with fresh() as url, pytest.MonkeyPatch.context() as options:
        name_an_organisation(options)
        engine = connect(url)
        ids = [people.add_developer(engine, f"D{n}", actor="t").id for n in range(3)]
        made = [
            accounts.add_account(
                engine, f"A{n}", Holder(role="admin"), email=f"{n}@x.example", actor="t"
            )
            for n in range(3)
        ]
        changes: dict[str, Callable[[int], object]] = {
            "disable": lambda n: accounts.disable_account(engine, made[n].id, actor="t"),
            "enable": lambda n: accounts.enable_account(engine, made[n].id, actor="t"),
            "manager": lambda n: accounts.change_account(
                engine, made[n].id, Holder(role="manager"), made[n].email, actor="t"
            ),
            "admin": lambda n: accounts.change_account(
                engine, made[n].id, Holder(role="admin"), made[n].email, actor="t"
            ),
            "link": lambda n: accounts.change_account(
                engine, made[n].id, Holder(ids[n]), made[n].email, actor="t"
            ),
            "demote": lambda n: people.set_role(engine, ids[n], "lead", actor="t"),
            "promote": lambda n: people.set_role(engine, ids[n], "admin", actor="t"),
            "archive": lambda n: people.archive_developer(engine, ids[n], actor="t"),
        }
        for name, number in steps:
            with suppress(InvalidInput):
                changes[name](number)
            listed = accounts.list_accounts(engine)
            assert any(it.may_enter and it.role == "admin" for it in listed)
        engine.dispose()


def test_the_password_of_before_is_that_of_the_account_admin(
    another_url: Callable[[], str],
) -> None:
    engine = connect(another_url())
    with writing(engine) as connection:
        before = ScriptDirectory.from_config(migrations(connection)).get_revision("0011")
        assert before is not None
        command.upgrade(migrations(connection), str(before.down_revision))
        connection.execute(
            text("INSERT INTO admin (id, password_hash, changed_at) VALUES (1, :hash, :at)"),
            {"hash": hash_of(PASSWORD), "at": 1_700_000_000_000},
        )
    migrate(engine)
    admin = accounts.check_password(engine, "admin", PASSWORD)
    assert admin is not None
    assert (admin.role, admin.must_change, admin.created_at) == ("admin", False, 1_700_000_000_000)
    another = accounts.add_account(
        engine, "boss", Holder(role="admin"), password=PASSWORD, actor="test"
    )
    assert another.id != admin.id


def test_an_erased_person_leaves_no_account(ledger: Ledger, team: Team) -> None:
    add(ledger)
    people.set_role(ledger.engine, team.ada, "admin", actor="boss")
    holder, email = Holder(team.ada), "ada.l@team.example"
    accounts.add_account(
        ledger.engine, "lovelace", holder, password=PASSWORD, email=email, actor="lovelace"
    )
    erase.erase_developer(ledger.engine, team.ada, actor="boss")
    left = str(rows(ledger.engine, "accounts")) + str(rows(ledger.engine, "audit"))
    assert "lovelace" not in left
    assert "ada.l" not in left
    assert "boss" in left
    assert '"role": "admin"' in left
    assert accounts.check_password(ledger.engine, "lovelace", PASSWORD) is None


@on_sqlite
def test_an_unknown_name_takes_as_long_as_a_wrong_password(ledger: Ledger) -> None:
    """Of many tries the quickest each, so that what else runs here does not matter: an answer
    without a hash would take a hundredth of one with."""
    add(ledger)

    def quickest(name: str) -> float:
        times = []
        for _ in range(4):
            begun = time.process_time()
            accounts.check_password(ledger.engine, name, "a wrong password")
            times.append(time.process_time() - begun)
        return min(times)

    assert quickest("nobody") > quickest("boss") / 3


def test_by_an_e_mail_enters_whom_it_belongs_to_and_who_may(ledger: Ledger) -> None:
    engine, holder = ledger.engine, Holder(role="manager")
    max_ = accounts.add_account(engine, "max", holder, email="max@team.example", actor="test")
    assert accounts.enter_by_email(engine, " MAX@team.example", actor="test") == max_
    assert accounts.enter_by_email(engine, "other@team.example", actor="test") is None
    accounts.disable_account(engine, max_.id, actor="test")
    assert accounts.enter_by_email(engine, "max@team.example", actor="test") is None


def test_a_one_time_password_ends_with_the_first_visit_by_e_mail(ledger: Ledger) -> None:
    engine, holder = ledger.engine, Holder(role="manager")
    email, password = "max@team.example", "one-time password"
    max_ = accounts.add_account(
        engine, "max", holder, email=email, password=password, must_change=True, actor="test"
    )
    opened_with_it = sessions.open_session(engine, max_.id)
    entered = accounts.enter_by_email(engine, email, actor="test")
    assert entered is not None
    assert (entered.must_change, entered.has_password) == (False, False)
    assert accounts.check_password(engine, "max", password) is None
    assert sessions.visitor(engine, opened_with_it) is None, "whoever chose it may hold this"


@pytest.mark.parametrize("end", ["own password", "disabled"])
def test_a_visit_by_e_mail_counts_what_happened_while_it_was_looked_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    engine, email = ledger.engine, "max@team.example"
    max_ = accounts.add_account(
        engine,
        "max",
        Holder(role="manager"),
        email=email,
        password="one-time password",
        must_change=True,
        actor="test",
    )
    look_up = accounts.account_of_email

    def meanwhile(engine: Engine, email: str) -> Account | None:
        found = look_up(engine, email)
        if end == "own password":
            accounts.set_password(engine, max_.id, PASSWORD, actor="max")
        else:
            accounts.disable_account(engine, max_.id, actor="test")
        return found

    monkeypatch.setattr(accounts, "account_of_email", meanwhile)
    entered = accounts.enter_by_email(engine, email, actor="test")
    if end == "disabled":
        assert entered is None
    else:
        assert entered is not None
        assert accounts.check_password(engine, "max", PASSWORD) == entered


@pytest.mark.parametrize("text", ["\0", "bo\0ss", "\ud800", "boss\u202e", ""])
def test_what_can_be_no_name_or_e_mail_is_nobodys(ledger: Ledger, text: str) -> None:
    add(ledger)
    assert accounts.check_password(ledger.engine, text, PASSWORD) is None
    assert accounts.find_account(ledger.engine, text) is None
    assert accounts.account_of_email(ledger.engine, text) is None
