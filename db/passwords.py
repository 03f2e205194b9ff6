"""Passwords: which may be one, and their argon2 hashes."""

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from db.errors import InvalidInput

SHORTEST = 10
LONGEST = 1024

_hasher = PasswordHasher()


def hash_of(password: str) -> str:
    """Its hash; InvalidInput where it is too short or too long to be a password."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            "password", f"A password has at least {SHORTEST} characters, and at most {LONGEST:,}."
        )
    return _hasher.hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Whether this is the password. Takes some 50 ms on purpose, and as long where none is
    stored, so that the time tells nobody whether there is such an account."""
    decoy = _decoy()
    try:
        right = _hasher.verify(stored or decoy, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None and len(password) <= LONGEST


def one_time() -> str:
    """A password for somebody else, who has to replace it: 96 random bits."""
    return secrets.token_urlsafe(12)


@lru_cache(maxsize=1)
def _decoy() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
