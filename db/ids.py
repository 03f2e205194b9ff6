"""Request ids: 63-bit integers that sort by time; unique in a process, and among the writers of a
ledger."""

import secrets
import threading
import time
from datetime import UTC, datetime

_COUNTER_BITS = 20
_WRITER_BITS = 8

_lock = threading.Lock()
_last = 0
_writer = 0


def write_as(writer_id: int) -> None:
    """Make this process's ids differ from those of other writers of the ledger: of any 256 that
    entered it one after the other."""
    global _writer
    _writer = writer_id % 2**_WRITER_BITS


def new_id() -> int:
    """A new id: UTC epoch milliseconds in the upper bits, below them 12 that start at random and
    count, then 8 of the writer.

    Ids of one process always grow, also within a millisecond and when the clock is set back.
    """
    global _last
    with _lock:
        now = time.time_ns() // 1_000_000
        begun = now << _COUNTER_BITS | secrets.randbits(_COUNTER_BITS - 1)
        counted = max(begun >> _WRITER_BITS, (_last >> _WRITER_BITS) + 1)
        _last = counted << _WRITER_BITS | _writer
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
