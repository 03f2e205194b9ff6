"""Accounts: who may sign in to the pages, as whom, and by what. Disabled, never deleted."""

import unicodedata
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import Connection, Engine, Select, delete, insert, select, update

from db import passwords
from db.admins import is_there_an_admin, keeping_an_admin, may_enter, role_of_account
from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.memberships import as_role
from db.schema import Account as Row
from db.schema import Developer, OwnRole, Role, SignedIn

LONGEST_NAME = 80
LONGEST_EMAIL = 254
LOCKED = "sign-in locked"  # the action of an entry of the audit trail


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose an account is: a developer's, or standing alone with a role of its own."""

    developer_id: int | None = None
    role: OwnRole | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it may be shown. `role` is that of now. `may_enter` False: it is disabled, or
    its developer archived. `must_change`: its password is one that somebody else chose."""

    id: int
    name: str
    email: str | None
    developer_id: int | None
    developer: str | None
    role: Role
    has_password: bool
    must_change: bool
    created_at: int
    disabled_at: int | None
    may_enter: bool

    @property
    def holder(self) -> Holder:
        if self.developer_id is not None:
            return Holder(self.developer_id)
        return Holder(role="admin" if self.role == "admin" else "manager")


def list_accounts(engine: Engine) -> list[Account]:
    """Every account by name, also those that are disabled."""
    with reading(engine) as connection:
        return [_account(row) for row in connection.execute(_query().order_by(Row.name_key))]


def find_account(engine: Engine, name: str) -> Account | None:
    """The account of this name, whatever the case of its letters."""
    with reading(engine) as connection:
        row = connection.execute(_query().where(Row.name_key == key_of(name))).first()
    return _account(row) if row else None


def account_of_email(engine: Engine, email: str) -> Account | None:
    """The account that enters by this e-mail."""
    if not email.isprintable():
        return None
    with reading(engine) as connection:
        row = connection.execute(_query().where(Row.email == email.strip().lower())).first()
    return _account(row) if row else None


def has_admin(engine: Engine) -> bool:
    """Whether somebody could sign in as an admin."""
    with reading(engine) as connection:
        return is_there_an_admin(connection, now_ms())


def check_password(engine: Engine, name: str, password: str) -> Account | None:
    """Whose name and password these are; None where they are nobody's who may enter. It takes as
    long whether or not there is such an account."""
    with reading(engine) as connection:
        query = _query().add_columns(Row.password_hash).where(Row.name_key == key_of(name))
        row = connection.execute(query).first()
    found = _account(row[:-1]) if row else None
    right = passwords.is_right(row.password_hash if row else None, password)
    return found if right and found is not None and found.may_enter else None


def add_account(
    engine: Engine,
    name: str,
    holder: Holder,
    *,
    actor: str,
    password: str | None = None,
    must_change: bool = False,
    email: str | None = None,
) -> Account:
    """Add an account. InvalidInput where its name, e-mail or developer has one already, or where
    there is no way in: neither a password nor an e-mail."""
    name, email = _valid_name(name), _valid_email(email)
    if password is None and email is None:
        raise InvalidInput("password", "An account needs a password, or an e-mail to enter by.")
    password_hash = None if password is None else passwords.hash_of(password)
    with writing(engine) as connection:
        _require_free(connection, None, name, email)
        _require_holder(connection, holder)
        values = {
            "name": name,
            "name_key": key_of(name),
            "email": email,
            "password_hash": password_hash,
            "password_once": must_change,
            "developer_id": holder.developer_id,
            "role": holder.role,
            "created_at": now_ms(),
        }
        key = connection.execute(insert(Row).values(values)).inserted_primary_key
        assert key is not None
        added = _require(connection, key[0])
        note(connection, actor, "account added", id=key[0], **_told(added))
        return added


def set_password(
    engine: Engine, account_id: int, password: str, *, actor: str, must_change: bool = False
) -> Account:
    """Replace a password, which signs the account out everywhere."""
    password_hash = passwords.hash_of(password)
    with writing(engine) as connection:
        before = _require(connection, account_id)
        connection.execute(
            update(Row)
            .where(Row.id == account_id)
            .values(password_hash=password_hash, password_once=must_change)
        )
        sign_out(connection, account_id)
        note(
            connection,
            actor,
            "account's password set",
            id=account_id,
            name=before.name,
            was={"set": before.has_password},
            now={"set": True},
            must_change=must_change,
        )
        return _require(connection, account_id)


def enter_by_email(engine: Engine, email: str, *, actor: str) -> Account | None:
    """Whose e-mail this is, which their organisation vouches for; None where it is nobody's who may
    enter. A one-time password that waits for its first use ends, as nobody needs it any more, and
    with it the sessions that whoever chose it may have opened."""
    found = account_of_email(engine, email)
    if found is None or not found.may_enter:
        return None
    if not found.must_change:
        return found
    with writing(engine) as connection:
        present = _require(connection, found.id)  # they may have set a password of their own
        if not (present.must_change and present.may_enter):
            return present if present.may_enter else None
        connection.execute(
            update(Row).where(Row.id == found.id).values(password_hash=None, password_once=False)
        )
        sign_out(connection, found.id)
        note(connection, actor, "account's one-time password ended", id=found.id, name=found.name)
        return _require(connection, found.id)


def change_account(
    engine: Engine, account_id: int, holder: Holder, email: str | None, *, actor: str
) -> Account:
    """Link an account to a developer or give it a role of its own, and change its e-mail.
    InvalidInput where it would leave no admin, or no way in."""
    email = _valid_email(email)
    with writing(engine) as connection, keeping_an_admin(connection):
        before = _require(connection, account_id)
        _require_free(connection, account_id, before.name, email)
        _require_holder(connection, holder, account_id)
        if email is None and not before.has_password:
            raise InvalidInput("email", "Without a password, the e-mail is the only way in.")
        connection.execute(
            update(Row)
            .where(Row.id == account_id)
            .values(developer_id=holder.developer_id, role=holder.role, email=email)
        )
        after = _require(connection, account_id)
        changes = {"was": _told(before), "now": _told(after)}
        note(connection, actor, "account changed", id=account_id, **changes)
        return after


def disable_account(engine: Engine, account_id: int, *, actor: str) -> Account:
    """End an account's access at once. InvalidInput where it is the last admin's."""
    with writing(engine) as connection, keeping_an_admin(connection):
        sign_out(connection, account_id)
        return _set_disabled(connection, account_id, now_ms(), "account disabled", actor)


def enable_account(engine: Engine, account_id: int, *, actor: str) -> Account:
    """Let a disabled account in again."""
    with writing(engine) as connection:
        return _set_disabled(connection, account_id, None, "account enabled", actor)


def sign_out(connection: Connection, account_id: int) -> None:
    """End an account's sessions, on every browser."""
    connection.execute(delete(SignedIn).where(SignedIn.account_id == account_id))


def note_lock_out(engine: Engine, whom: Account | str, *, actor: str) -> None:
    """Write that an account or an address has to wait, after too many wrong passwords."""
    detail: dict[str, Any] = {"what": f"address {whom}"}
    if isinstance(whom, Account):
        detail = {"what": f"account {whom.name}", "id": whom.id}
    with writing(engine) as connection:
        note(connection, actor, LOCKED, **detail)


def key_of(name: str) -> str:
    """Names are one name whatever their case, and however they are written in Unicode. What cannot
    be a name, such as one with a zero byte, which PostgreSQL cannot be asked for, has no key."""
    name = " ".join(name.split())
    return unicodedata.normalize("NFKC", name).casefold() if name.isprintable() else ""


def _query() -> Select[*tuple[Any, ...]]:
    return select(
        Row.id,
        Row.name,
        Row.email,
        Row.developer_id,
        Developer.name.label("developer"),
        role_of_account(now_ms()).label("role"),
        Row.password_hash.is_not(None).label("has_password"),
        Row.password_once,
        Row.created_at,
        Row.disabled_at,
        may_enter().label("may_enter"),
    ).outerjoin(Developer, Developer.id == Row.developer_id)


def _account(row: Any) -> Account:
    account_id, name, email, developer_id, developer, role, has_password, once, *rest = row
    return Account(
        account_id,
        name,
        email,
        developer_id,
        developer,
        as_role(role),
        bool(has_password),
        bool(once),
        rest[0],
        rest[1],
        bool(rest[2]),
    )


def _require(connection: Connection, account_id: int) -> Account:
    row = connection.execute(_query().where(Row.id == account_id)).first()
    if row is None:
        raise InvalidInput("account", f"There is no account with id {account_id}.")
    return _account(row)


def _set_disabled(
    connection: Connection, account_id: int, at: int | None, action: str, actor: str
) -> Account:
    before = _require(connection, account_id)
    connection.execute(update(Row).where(Row.id == account_id).values(disabled_at=at))
    change = {"was": {"disabled_at": before.disabled_at}, "now": {"disabled_at": at}}
    note(connection, actor, action, id=account_id, name=before.name, **change)
    return _require(connection, account_id)


def _told(account: Account) -> dict[str, Any]:
    """What the audit trail says of an account."""
    own = account.role if account.developer_id is None else None
    return {
        "name": account.name,
        "email": account.email,
        "developer": account.developer,
        "own_role": own,
    }


def _require_free(
    connection: Connection, account_id: int | None, name: str, email: str | None
) -> None:
    for column, value, what in (
        (Row.name_key, key_of(name), "name"),
        (Row.email, email, "e-mail"),
    ):
        if value is None:
            continue
        found = connection.execute(select(Row.id, Row.name).where(column == value)).first()
        if found is not None and found.id != account_id:
            raise InvalidInput(what, f"The account {found.name} has this {what} already.")


def _require_holder(connection: Connection, holder: Holder, account_id: int | None = None) -> None:
    if (holder.developer_id is None) == (holder.role is None):
        raise InvalidInput(
            "developer", "An account is linked to a developer, or it has a role of its own."
        )
    if holder.role is not None and holder.role not in get_args(OwnRole):
        raise InvalidInput("role", "A role of its own is manager or admin.")
    if holder.developer_id is None:
        return
    developer = connection.execute(
        select(Developer.name).where(Developer.id == holder.developer_id)
    ).scalar()
    if developer is None:
        raise InvalidInput("developer", f"There is no developer with id {holder.developer_id}.")
    theirs = select(Row.id, Row.name).where(Row.developer_id == holder.developer_id)
    found = connection.execute(theirs).first()
    if found is not None and found.id != account_id:
        raise InvalidInput("developer", f"{developer} has the account {found.name} already.")


def _valid_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            "name", f"An account's name has 1 to {LONGEST_NAME} printable characters."
        )
    return name


def _valid_email(email: str | None) -> str | None:
    email = (email or "").strip().lower()
    if not email:
        return None
    name, _, domain = email.rpartition("@")
    plain = email.isprintable() and not any(char.isspace() for char in email)
    if not (name and domain and plain) or len(email) > LONGEST_EMAIL:
        raise InvalidInput("e-mail", "This is no e-mail address.")
    return email
