"""Who is calling: the bearer keys of developers' tools and the dashboard's own session keys."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine
from starlette.datastructures import Headers

from db import keys, people
from db.errors import InvalidInput, LedgerDamaged
from db.limits import NO_LIMITS, Limits, get_limits
from engine.api.errors import bad_key
from engine.api.incoming import note_developer

TRUSTED_FOR_S = 0.5  # the ledger refuses what a key that was revoked meanwhile asks for
_LARGEST_CACHE = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request is charged to. `key_id` None: a session key. `tool`: the key's name."""

    developer_id: int
    developer_name: str
    key_id: int | None
    tool: str
    key_limits: Limits = NO_LIMITS
    developer_limits: Limits = NO_LIMITS


class Authenticator:
    """Checks keys against the ledger, remembering a good one for half a second. Keys are compared
    by their digests only, so how long that takes tells nothing of them.

    A session key is a bearer for one developer that only this process knows: it is never stored
    and ends with the process, or when the developer is archived. `on_damage` hears of a ledger that
    cannot be read for good.
    """

    def __init__(
        self, ledger_engine: Callable[[], Engine], on_damage: Callable[[LedgerDamaged], None]
    ) -> None:
        self._ledger_engine = ledger_engine
        self._on_damage = on_damage
        self._sessions: dict[bytes, tuple[int, str]] = {}  # digest → developer's id, tool
        self._session_keys: dict[tuple[int, str], str] = {}
        self._trusted: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, headers: Headers) -> Caller:
        """Whom the Authorization header names, or Anthropic's own; a 401 where it is nobody."""
        caller = await self._find(headers)
        note_developer(caller.developer_id, caller.developer_name)
        return caller

    async def _find(self, headers: Headers) -> Caller:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        key = key.strip() if scheme.lower() == "bearer" else ""
        key = key or headers.get("x-api-key", "").strip()
        if not key:
            raise bad_key(
                "No API key was sent. Send one as 'Authorization: Bearer bk-…' or 'x-api-key';"
                " keys are created in Settings or by `python -m db key create`."
            )
        digest = _digest(key)
        trusted = self._trusted.get(digest)
        if trusted and time.monotonic() - trusted[1] < TRUSTED_FOR_S:
            return trusted[0]
        asked_at = time.monotonic()
        try:
            caller = await asyncio.to_thread(self._look_up, key)
        except LedgerDamaged as error:
            self._on_damage(error)
            raise
        if caller is None:
            self._trusted.pop(digest, None)
            raise bad_key(
                f"The API key {_shown(key)} is not valid: it is unknown, expired or revoked."
            )
        if len(self._trusted) >= _LARGEST_CACHE:
            self._trusted.clear()
        self._trusted[digest] = (caller, asked_at)
        return caller

    def session_key(self, developer_id: int, tool: str) -> str:
        """A bearer for one developer, the same for the same tool; InvalidInput where there is no
        such developer. May be called from any thread."""
        if self._active_developer(developer_id) is None:
            raise InvalidInput("developer", f"There is no active developer with id {developer_id}.")
        key = self._session_keys.setdefault(
            (developer_id, tool), "bk-session-" + secrets.token_urlsafe(32)
        )
        self._sessions[_digest(key)] = (developer_id, tool)
        return key

    def _look_up(self, key: str) -> Caller | None:
        if session := self._sessions.get(_digest(key)):
            developer_id, tool = session
            name = self._active_developer(developer_id)
            if name is None:
                return None
            own = get_limits(self._ledger_engine(), developer_id=developer_id)
            return Caller(developer_id, name, None, tool, developer_limits=own)
        owner = keys.verify(self._ledger_engine(), key)
        if owner is None:
            return None
        return Caller(
            owner.developer_id,
            owner.developer_name,
            owner.key_id,
            owner.key_name,
            owner.key_limits,
            owner.developer_limits,
        )

    def _active_developer(self, developer_id: int) -> str | None:
        person = people.get_developer(self._ledger_engine(), developer_id)
        return person.name if person is not None and person.archived_at is None else None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _shown(key: str) -> str:
    """Enough of a key to recognise it: its first letters, where it has many."""
    start = "".join(char for char in key[:7] if char.isprintable())
    return f"'{start}…'" if len(key) > 20 else "sent"
