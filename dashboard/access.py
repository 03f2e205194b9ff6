"""Who may see the pages: everybody on this machine; beyond it, who knows the admin's password.

The product listens on localhost, without a log-in, unless `server.address` says otherwise. From
then on each page, event and asset needs a cookie that only the password gives.
"""

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import streamlit as st
from itsdangerous import BadSignature, URLSafeTimedSerializer

from engine.api.hosts import is_loopback

COOKIE = "breakeven_session"
SESSION_S = 12 * 3600
FAILURES_ALLOWED = 5
LOCKED_FOR_S = 15 * 60


def password_needed() -> bool:
    """Whether the product listens beyond this machine, or is meant to be reached from there."""
    addresses = [st.get_option("server.address") or "0.0.0.0"]
    if st.get_option("browser.serverAddress"):
        addresses.append(st.get_option("browser.serverAddress"))
    return not all(is_loopback(address) for address in addresses)


class Sessions:
    """Signed cookies: issued after the password, revoked at sign-out, void when it changes.

    `fingerprint` returns something that changes with the password (None: no password is set, so
    no cookie is valid).
    """

    def __init__(
        self,
        secret: str,
        fingerprint: Callable[[], str | None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="session")
        self._fingerprint = fingerprint
        self._clock = clock
        self._revoked: dict[str, float] = {}
        self._lock = threading.Lock()

    def issue(self) -> str:
        return self._signer.dumps([secrets.token_urlsafe(16), self._digest()])

    def is_valid(self, token: str | None) -> bool:
        if not token:
            return False
        try:
            session_id, digest = self._signer.loads(token, max_age=SESSION_S)
        except (BadSignature, ValueError, TypeError):
            return False
        with self._lock:
            if session_id in self._revoked:
                return False
        return self._digest() is not None and secrets.compare_digest(
            str(digest), self._digest() or ""
        )

    def revoke(self, token: str) -> None:
        """The token is void from now on; forgotten once it would have run out anyway."""
        try:
            session_id, _digest = self._signer.loads(token, max_age=SESSION_S)
        except (BadSignature, ValueError, TypeError):
            return
        now = self._clock()
        with self._lock:
            self._revoked = {key: at for key, at in self._revoked.items() if now - at < SESSION_S}
            self._revoked[session_id] = now

    def _digest(self) -> str | None:
        fingerprint = self._fingerprint()
        return fingerprint[:32] if fingerprint else None


class Lockout:
    """After five wrong passwords from one address it must wait a quarter of an hour."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, list[float]] = {}

    def seconds_left(self, address: str) -> float:
        recent = self._recent(address)
        if len(recent) < FAILURES_ALLOWED:
            return 0.0
        return LOCKED_FOR_S - (self._clock() - recent[-1])

    def failed(self, address: str) -> None:
        self._failures = {known: self._recent(known) for known in self._failures}
        self._failures = {known: times for known, times in self._failures.items() if times}
        self._failures.setdefault(address, []).append(self._clock())

    def succeeded(self, address: str) -> None:
        self._failures.pop(address, None)

    def _recent(self, address: str) -> list[float]:
        now = self._clock()
        return [at for at in self._failures.get(address, []) if now - at < LOCKED_FOR_S]


def signing_secret(home: Path) -> str:
    """The key that signs cookies, made once and kept in the home folder, readable by its owner."""
    path = home / "session-secret"
    if path.exists() and (kept := path.read_text().strip()):
        return kept
    home.mkdir(parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(prefix="session-secret-", dir=home)
    with os.fdopen(descriptor, "w") as file:  # whole or not at all: an empty key signs anything
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(descriptor)
    Path(fresh).replace(path)
    return path.read_text()


def cookie_of(header: str) -> str | None:
    """The session's token in a Cookie header, if there is one."""
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


_sessions: Sessions | None = None


def use(sessions: Sessions) -> None:
    """The sessions of this process, for pages to ask."""
    global _sessions
    _sessions = sessions


def allowed(token: str | None) -> bool:
    """Whether who holds this cookie may see the pages now."""
    return not password_needed() or (_sessions is not None and _sessions.is_valid(token))


def page_allowed() -> bool:
    """Whether the reader of the page that is running may see it."""
    return allowed(st.context.cookies.get(COOKIE))
