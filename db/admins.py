"""Who is who: the role that an account has at a time, and that there is always an admin."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from db.errors import InvalidInput
from db.ids import now_ms
from db.memberships import role_at
from db.schema import Account, Developer, Membership
from db.settings import Settings


def role_of_account(at: Any) -> ColumnElement[str]:
    """As part of a query of accounts, outer-joined to their developers."""
    return func.coalesce(Account.role, role_at(Developer.id, at))


def may_enter() -> ColumnElement[bool]:
    """As part of the same query: the account is not disabled, nor its developer archived."""
    return and_(Account.disabled_at.is_(None), Developer.archived_at.is_(None))


def enters_by_email() -> bool:
    """Whether this machine's options name an organisation through which accounts are entered by
    e-mail. Options that have been spoilt since the start name none."""
    try:
        return Settings().oidc_client_secret is not None
    except ValueError:
        return False


def is_there_an_admin(connection: Connection, at: int) -> bool:
    """Whether somebody could sign in as an admin at a time, as far as is known now."""
    ways_in = [Account.password_hash.is_not(None)]
    if enters_by_email():
        ways_in.append(Account.email.is_not(None))
    query = (
        select(Account.id)
        .outerjoin(Developer, Developer.id == Account.developer_id)
        .where(
            may_enter(),
            role_of_account(at) == "admin",
            or_(*ways_in),
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


@contextmanager
def keeping_an_admin(connection: Connection) -> Iterator[None]:
    """A change of accounts, roles or people: InvalidInput where it would leave no admin, now or on
    a day that a change of role is dated to. Without any admin before it, nothing is refused."""
    now = now_ms()
    had_one = is_there_an_admin(connection, now)
    yield
    if not had_one:
        return
    later = select(Membership.valid_from).where(Membership.valid_from > now).distinct()
    for at in (now_ms(), *connection.execute(later).scalars()):
        if not is_there_an_admin(connection, at):
            raise InvalidInput(
                "admin", "This is the last admin's account. Make somebody else an admin first."
            )
