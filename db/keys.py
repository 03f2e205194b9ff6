"""API keys: `bk-` and 256 random bits, shown once, kept as a SHA-256."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, bindparam, insert, select, update
from sqlalchemy.orm import aliased

from db import limits
from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.limits import Limits
from db.schema import ApiKey, Developer, Limit

_LONGEST_NAME = 80
_PREFIX_LENGTH = 9


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it may be shown. `name` is the tool's; times are UTC epoch milliseconds."""

    id: int
    developer_id: int
    developer_name: str
    name: str
    prefix: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """Whom a valid key belongs to, until when it is one, and what both may use."""

    key_id: int
    key_name: str
    developer_id: int
    developer_name: str
    key_limits: Limits
    developer_limits: Limits
    expires_at: int | None


def create_key(
    engine: Engine, developer_id: int, name: str, *, actor: str, expires_at: int | None = None
) -> tuple[Key, str]:
    """A new key for a developer's tool, and its text, which cannot be had again.

    InvalidInput where the tool has no name, the developer is unknown or archived, or `expires_at`
    (UTC epoch milliseconds) is past.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput("name", f"A key needs its tool's name, up to {_LONGEST_NAME} letters.")
    if expires_at is not None and expires_at <= now_ms():
        raise InvalidInput("expires_at", "A key cannot expire in the past.")
    plaintext = "bk-" + secrets.token_urlsafe(32)
    with writing(engine) as connection:
        developer = connection.execute(
            select(Developer.name, Developer.archived_at).where(Developer.id == developer_id)
        ).first()
        if developer is None:
            raise InvalidInput("developer", f"There is no developer with id {developer_id}.")
        if developer.archived_at is not None:
            raise InvalidInput("developer", f"{developer.name} is archived; restore them first.")
        row = insert(ApiKey).values(
            developer_id=developer_id,
            name=name,
            prefix=plaintext[:_PREFIX_LENGTH],
            hash=_hash(plaintext),
            created_at=now_ms(),
            expires_at=expires_at,
        )
        primary_key = connection.execute(row).inserted_primary_key
        assert primary_key is not None
        key = _get(connection, primary_key[0])
        note(connection, actor, "key created", id=key.id, developer=developer.name, name=name)
    return key, plaintext


def verify(engine: Engine, plaintext: str) -> KeyOwner | None:
    """Whom the key belongs to; None where it is unknown, revoked, expired or its owner archived."""
    wanted = _hash(plaintext)
    with reading(engine) as connection:
        row = connection.execute(_owner, {"hash": wanted}).first()
    if row is None:
        return None
    stored, expires_at, key_id, key_name, developer_id, developer_name = row[:6]
    if not hmac.compare_digest(stored, wanted):
        return None
    if expires_at is not None and expires_at <= now_ms():
        return None
    of_both = row[6:]
    return KeyOwner(
        key_id,
        key_name,
        developer_id,
        developer_name,
        limits.from_row(of_both[: len(of_both) // 2]),
        limits.from_row(of_both[len(of_both) // 2 :]),
        expires_at,
    )


_key_limit, _developer_limit = aliased(Limit), aliased(Limit)
_owner = (
    select(
        ApiKey.hash,
        ApiKey.expires_at,
        ApiKey.id,
        ApiKey.name,
        Developer.id,
        Developer.name,
        *limits.columns(_key_limit),
        *limits.columns(_developer_limit),
    )
    .join(Developer, Developer.id == ApiKey.developer_id)
    .outerjoin(_key_limit, _key_limit.api_key_id == ApiKey.id)
    .outerjoin(_developer_limit, _developer_limit.developer_id == Developer.id)
    .where(
        ApiKey.hash == bindparam("hash"),
        ApiKey.revoked_at.is_(None),
        Developer.archived_at.is_(None),
    )
)


def list_keys(
    engine: Engine, *, developer_id: int | None = None, revoked: bool = False
) -> list[Key]:
    """Keys, newest first; with `revoked` also those that no longer work."""
    query = _keys.order_by(ApiKey.id.desc())
    if developer_id is not None:
        query = query.where(ApiKey.developer_id == developer_id)
    if not revoked:
        query = query.where(ApiKey.revoked_at.is_(None))
    with reading(engine) as connection:
        return [Key(*row) for row in connection.execute(query)]


def revoke_key(engine: Engine, key_id: int, *, actor: str) -> Key:
    """Stop a key at once. Revoking twice changes nothing. InvalidInput where there is none."""
    with writing(engine) as connection:
        key = _get(connection, key_id)
        if key.revoked_at is None:
            connection.execute(
                update(ApiKey).where(ApiKey.id == key_id).values(revoked_at=now_ms())
            )
            of = {"id": key_id, "developer": key.developer_name, "name": key.name}
            change = {"was": {"state": "valid"}, "now": {"state": "revoked"}}
            note(connection, actor, "key revoked", **of, **change)
        return _get(connection, key_id)


_keys = select(
    ApiKey.id,
    ApiKey.developer_id,
    Developer.name,
    ApiKey.name,
    ApiKey.prefix,
    ApiKey.created_at,
    ApiKey.expires_at,
    ApiKey.revoked_at,
    ApiKey.last_used_at,
).join(Developer, Developer.id == ApiKey.developer_id)


def _get(connection: Connection, key_id: int) -> Key:
    row = connection.execute(_keys.where(ApiKey.id == key_id)).first()
    if row is None:
        raise InvalidInput("key", f"There is no key with id {key_id}.")
    return Key(*row)


def _hash(plaintext: str) -> str:
    return hashlib.sha256(plaintext.encode("utf-8", "surrogatepass")).hexdigest()
