"""Marks of names that were erased, so that an import still knows whose records have such a name.

A mark is a slow hash of a name: who knows the name can check it, and nobody can read the name from
it but by trying names, at some milliseconds each. (RFC 7914, scrypt.) The audit trail keeps the
marks with the erasure they belong to.
"""

import hashlib
import json
import re
from functools import lru_cache

from sqlalchemy import Engine, select

from db.connect import reading
from db.schema import Audit

ERASED = "developer erased"
_SALT = b"breakeven: a name that was erased"


def plain(name: str) -> str:
    """`Ada.Lovelace`, `ada_lovelace` and `Ada Lovelace` are one name."""
    return " ".join(re.split(r"[\s._-]+", name.strip().casefold())).strip()


@lru_cache(maxsize=4096)
def mark(name: str) -> str:
    """128 bits of hexadecimal digits."""
    text = plain(name).encode("utf-8", "replace")
    return hashlib.scrypt(text, salt=_SALT, n=2**12, r=8, p=1, dklen=16).hex()


def erased_marks(engine: Engine) -> dict[str, int]:
    """The developer's id by each mark of a name that was erased."""
    query = select(Audit.detail).where(Audit.action == ERASED).order_by(Audit.id)
    with reading(engine) as connection:
        erasures = [json.loads(text) for text in connection.execute(query).scalars()]
    return {mark: each["id"] for each in erasures for mark in each.get("marks", ())}
