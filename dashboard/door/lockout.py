"""Whoever guesses has to wait: after a few wrong passwords for an account, or from an address."""

import ipaddress
import time
from collections.abc import Callable

from db.accounts import key_of

ACCOUNT_FAILURES = 5
ADDRESS_FAILURES = 20  # an office may share one
LOCKED_FOR_S = 15 * 60
MOST_KNOWN = 10_000  # names and addresses; beyond them the oldest are forgotten

Guessed = tuple[str, str]  # what it is, and which


class LockOut:
    """Counts failures in this process. A name counts whether or not there is such an account, so
    that having to wait tells nobody that there is. The right password for one account does not
    make good for others from its address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[Guessed, list[float]] = {}
        self._locked_until: dict[Guessed, float] = {}

    def seconds_left(self, name: str, address: str) -> float:
        """For how long nothing is tried for this name or from this address."""
        return max(self._left(guessed) for guessed in _both(name, address))

    def failed(self, name: str, address: str) -> list[Guessed]:
        """Count it; returns what is locked by it that was not before."""
        locked = []
        for guessed in _both(name, address):
            times = [*self._recent(guessed), self._clock()]
            self._failures.pop(guessed, None)  # so that it becomes the newest
            self._failures[guessed] = times
            if len(times) == _allowed(guessed):
                self._locked_until[guessed] = self._clock() + LOCKED_FOR_S
                locked.append(guessed)
        while len(self._failures) > MOST_KNOWN:
            self._forget(next(iter(self._failures)))
        return locked

    def succeeded(self, name: str) -> None:
        self._forget(("account", key_of(name)))

    def _forget(self, guessed: Guessed) -> None:
        self._failures.pop(guessed, None)
        self._locked_until.pop(guessed, None)

    def _left(self, guessed: Guessed) -> float:
        """Counted from the failure that locked it: those before it grow old meanwhile."""
        return max(0.0, self._locked_until.get(guessed, 0.0) - self._clock())

    def _recent(self, guessed: Guessed) -> list[float]:
        now = self._clock()
        return [at for at in self._failures.get(guessed, []) if now - at < LOCKED_FOR_S]


def _both(name: str, address: str) -> tuple[Guessed, Guessed]:
    return ("account", key_of(name)), ("address", _network(address))


def _allowed(guessed: Guessed) -> int:
    return ACCOUNT_FAILURES if guessed[0] == "account" else ADDRESS_FAILURES


def _network(address: str) -> str:
    """Of IPv6 the /64, which one machine may have all of."""
    try:
        if ipaddress.ip_address(address).version == 6:
            return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        pass
    return address
