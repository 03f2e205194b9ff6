"""The administrator's password, kept as an argon2 hash."""

import hashlib

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, delete, insert, select

from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import Admin

SHORTEST_PASSWORD = 10
_LONGEST_PASSWORD = 1024

_hasher = PasswordHasher()


def set_admin_password(engine: Engine, password: str, *, actor: str) -> None:
    """Set or replace the password. InvalidInput where it is shorter than 10 characters."""
    if not SHORTEST_PASSWORD <= len(password) <= _LONGEST_PASSWORD:
        raise InvalidInput(
            "password", f"The password needs at least {SHORTEST_PASSWORD} characters."
        )
    password_hash = _hasher.hash(password)
    with writing(engine) as connection:
        known = connection.execute(delete(Admin)).rowcount > 0
        connection.execute(
            insert(Admin).values(id=1, password_hash=password_hash, changed_at=now_ms())
        )
        note(connection, actor, "admin password set", was={"set": known}, now={"set": True})


def has_admin_password(engine: Engine) -> bool:
    return _stored_hash(engine) is not None


def verify_admin_password(engine: Engine, password: str) -> bool:
    """Whether this is the password. False where none is set. Takes about 50 ms, on purpose."""
    stored = _stored_hash(engine)
    if stored is None or len(password) > _LONGEST_PASSWORD:
        return False
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def password_fingerprint(engine: Engine) -> str | None:
    """Something that changes whenever the password does, and says nothing of it. None: not set."""
    stored = _stored_hash(engine)
    return hashlib.sha256(stored.encode()).hexdigest() if stored else None


def _stored_hash(engine: Engine) -> str | None:
    with reading(engine) as connection:
        return connection.execute(select(Admin.password_hash)).scalar()
