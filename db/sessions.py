"""Who is signed in: a browser's cookie, and what its account is at this very moment."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, Engine, bindparam, delete, insert, select

from db.admins import may_enter, role_of_account
from db.connect import reading, writing
from db.ids import now_ms
from db.memberships import as_role, team_id_at
from db.schema import Account, Developer, Role, SignedIn

LASTS_MS = 12 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Visitor:
    """The account behind a cookie, as it is now. `must_change`: before anything else they have to
    replace a password that somebody else chose."""

    account_id: int
    name: str
    role: Role
    developer_id: int | None
    team_id: int | None
    must_change: bool
    has_password: bool


def open_session(engine: Engine, account_id: int) -> str:
    """Sign a browser in; returns its cookie, which cannot be had again."""
    cookie = secrets.token_urlsafe(32)
    now = now_ms()
    with writing(engine) as connection:
        connection.execute(delete(SignedIn).where(SignedIn.expires_at <= now))
        row = {"account_id": account_id, "created_at": now, "expires_at": now + LASTS_MS}
        connection.execute(insert(SignedIn).values(digest=_digest(cookie), **row))
    return cookie


def visitor(engine: Engine, cookie: str | None) -> Visitor | None:
    """Who holds the cookie; None where it was signed out or has run out, and where the account is
    disabled or its developer archived."""
    if not cookie:
        return None
    with reading(engine) as connection:
        row = connection.execute(_by_digest, {"digest": _digest(cookie), "now": now_ms()}).first()
    if row is None or row.role is None:
        return None
    account_id, name, role, developer_id, team_id, *password = row
    must_change, has_password = map(bool, password)
    return Visitor(
        account_id, name, as_role(role), developer_id, team_id, must_change, has_password
    )


def close_session(engine: Engine, cookie: str) -> None:
    """Sign a browser out; the cookie opens nothing any more."""
    with writing(engine) as connection:
        connection.execute(delete(SignedIn).where(SignedIn.digest == _digest(cookie)))


def close_sessions_of(connection: Connection, developer_id: int) -> None:
    """Sign a developer's account out, on every browser."""
    theirs = select(Account.id).where(Account.developer_id == developer_id)
    connection.execute(delete(SignedIn).where(SignedIn.account_id.in_(theirs)))


_now: BindParameter[int] = bindparam("now")
_by_digest = (
    select(
        Account.id,
        Account.name,
        role_of_account(_now).label("role"),
        Account.developer_id,
        team_id_at(Developer.id, _now).label("team_id"),
        Account.password_once,
        Account.password_hash.is_not(None),
    )
    .select_from(SignedIn)
    .join(Account, Account.id == SignedIn.account_id)
    .outerjoin(Developer, Developer.id == Account.developer_id)
    .where(SignedIn.digest == bindparam("digest"), SignedIn.expires_at > _now, may_enter())
)


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
