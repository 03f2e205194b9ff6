"""Who may ask now: models, requests at once, and requests and tokens in the last minute.

Kept in memory by one gateway. Budgets of a month are the ledger's (`db.admission`).
"""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from db.limits import NO_LIMITS, Limits
from engine.api.auth import Caller
from engine.api.errors import not_allowed, too_many

WINDOW_S = 60.0


@dataclass(eq=False, slots=True)
class _Entry:
    """A request in its holder's last minute: what it may take until it ends, then what it took."""

    at: float
    tokens: int


@dataclass(eq=False, slots=True)
class _Use:
    running: int = 0
    entries: deque[_Entry] = field(default_factory=deque)  # oldest first

    def forget_before(self, at: float) -> None:
        while self.entries and self.entries[0].at <= at:
            self.entries.popleft()

    @property
    def tokens(self) -> int:
        return sum(entry.tokens for entry in self.entries)


class Grant:
    """Leave for one request, to be settled once when it is over."""

    def __init__(self, entries: list[tuple[_Use, _Entry]]) -> None:
        self._entries = entries

    def settle(self, tokens: int) -> None:
        """It took this many; 0 where it was not computed at all."""
        for use, entry in self._entries:
            use.running -= 1
            entry.tokens = tokens
        self._entries = []


class Limiter:
    """Lives on one event loop: between check and grant nobody else is asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._uses: dict[tuple[str, int], _Use] = {}

    def grant(self, caller: Caller, model: str, most_tokens: int) -> Grant:
        """Leave for a request that takes `most_tokens` at most, prompt included.

        A 403 for a model that the key or developer may not use, a 429 that says when there is room
        again. A request that alone takes more than a minute's tokens has the minute for itself.
        """
        now = self._clock()
        held: list[tuple[_Use, Limits]] = []
        for whose, number, limits in _holders(caller):
            if limits == NO_LIMITS:
                continue
            _require_model(whose, limits, model)
            use = self._uses.setdefault((whose, number), _Use())
            use.forget_before(now - WINDOW_S)
            _require_room(whose, use, limits, most_tokens, now)
            held.append((use, limits))
        entries = []
        for use, limits in held:
            most = min(most_tokens, limits.tokens_per_minute or most_tokens)
            entry = _Entry(now, most)
            use.running += 1
            use.entries.append(entry)
            entries.append((use, entry))
        return Grant(entries)


def require_allowed(caller: Caller, model: str) -> None:
    """A 403 for a model that the key or developer may not use."""
    for whose, _, limits in _holders(caller):
        _require_model(whose, limits, model)


def allowed(caller: Caller, model: str) -> bool:
    """Whether key and developer may use a model."""
    lists = [limits.models for _, _, limits in _holders(caller)]
    return all(models is None or model.lower() in models for models in lists)


def _holders(caller: Caller) -> list[tuple[str, int, Limits]]:
    of_developer = ("developer", caller.developer_id, caller.developer_limits)
    if caller.key_id is None:
        return [of_developer]
    return [("key", caller.key_id, caller.key_limits), of_developer]


def _require_model(whose: str, limits: Limits, model: str) -> None:
    if limits.models is not None and model.lower() not in limits.models:
        raise not_allowed(
            f"This {whose} may not use the model {model!r}; allowed: {', '.join(limits.models)}."
        )


def _require_room(whose: str, use: _Use, limits: Limits, tokens: int, now: float) -> None:
    at_once, requests = limits.concurrent_requests, limits.requests_per_minute
    if at_once is not None and use.running >= at_once:
        raise too_many(
            f"This {whose} may have {at_once} requests at once, and {use.running} are running.",
            "concurrent_requests_exceeded",
            retry_after_s=1,
        )
    if requests is not None and len(use.entries) >= requests:
        free_at = use.entries[len(use.entries) - requests].at + WINDOW_S
        raise too_many(
            f"This {whose} may make {requests} requests a minute.",
            "requests_per_minute_exceeded",
            retry_after_s=math.ceil(free_at - now),
        )
    per_minute = limits.tokens_per_minute
    if per_minute is not None and use.tokens + min(tokens, per_minute) > per_minute:
        raise too_many(
            f"This {whose} may use {per_minute} tokens a minute: {use.tokens} are used or reserved"
            f" by requests that run, and this one may take {tokens}.",
            "tokens_per_minute_exceeded",
            retry_after_s=math.ceil(_room_at(use, min(tokens, per_minute), per_minute) - now),
        )


def _room_at(use: _Use, tokens: int, per_minute: int) -> float:
    """When enough of the last minute's tokens are forgotten."""
    left = use.tokens
    for entry in use.entries:
        left -= entry.tokens
        if left + tokens <= per_minute:
            return entry.at + WINDOW_S
    return use.entries[-1].at + WINDOW_S
