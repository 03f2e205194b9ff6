"""API keys: `bk-` and 256 random bits, shown once, kept as a SHA-256."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, insert, select, update

from db.audit import note
from db.connect import reading, writing
from db.errors import InvalidInput
from db.ids import now_ms
from db.schema import ApiKey, Developer

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
    """Whom a valid key belongs to."""

    key_id: int
    key_name: str
    developer_id: int
    developer_name: str


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
    query = (
        select(ApiKey.id, ApiKey.name, ApiKey.expires_at, Developer.id, Developer.name)
        .join(Developer, Developer.id == ApiKey.developer_id)
        .where(
            ApiKey.hash == _hash(plaintext),
            ApiKey.revoked_at.is_(None),
            Developer.archived_at.is_(None),
        )
    )
    with reading(engine) as connection:
        row = connection.execute(query).first()
    if row is None:
        return None
    key_id, key_name, expires_at, developer_id, developer_name = row
    if expires_at is not None and expires_at <= now_ms():
        return None
    return KeyOwner(key_id, key_name, developer_id, developer_name)


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
            note(connection, actor, "key revoked", id=key_id, developer=key.developer_name)
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
