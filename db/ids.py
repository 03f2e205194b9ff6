"""Request ids: 63-bit integers that sort by time; unique in a process, and by chance beyond it."""

import secrets
import threading
import time
from datetime import UTC, datetime

_COUNTER_BITS = 20

_lock = threading.Lock()
_last = 0


def new_id() -> int:
    """A new id: UTC epoch milliseconds in the upper bits, 20 random bits below.

    Ids of one process always grow, also within a millisecond and when the clock is set back.
    """
    global _last
    with _lock:
        now = time.time_ns() // 1_000_000
        candidate = now << _COUNTER_BITS | secrets.randbits(_COUNTER_BITS - 1)
        _last = max(candidate, _last + 1)
        return _last


def now_ms() -> int:
    """The present in the ledger's unit: UTC epoch milliseconds."""
    return time.time_ns() // 1_000_000


def utc_text(at_ms: int) -> str:
    """A time to the minute, for people."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def id_to_text(request_id: int) -> str:
    """How an id is shown outside: 16 hexadecimal digits."""
    return f"{request_id:016x}"


def id_from_text(text: str) -> int:
    """The inverse of `id_to_text`; a ValueError where the text is no such id."""
    return int(text, 16)
