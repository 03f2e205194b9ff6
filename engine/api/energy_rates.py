"""What a model's tokens take in joules, to reserve energy of a budget before it is measured."""

from collections import defaultdict
from dataclasses import dataclass

_REMEMBERED = 10_000  # requests that ended: a meter on the network tells seconds later


@dataclass(slots=True)
class _Sum:
    tokens: int = 0
    joules: float = 0.0


@dataclass(slots=True)
class _Ended:
    model: str
    tokens: int
    is_counted: bool = False


class EnergyRates:
    """Means since this gateway started. Before the first answer nothing can be said."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = defaultdict(_Sum)
        self._ended: dict[int, _Ended] = {}  # in order

    def note(self, request_id: int, model: str, tokens: int, joules: float | None) -> None:
        """A request took this; None: it is not known yet."""
        ended = self._ended[request_id] = _Ended(model, tokens)
        if len(self._ended) > _REMEMBERED:
            del self._ended[next(iter(self._ended))]
        if joules is not None:
            self._add(ended, joules)

    def add(self, request_id: int, joules: float) -> None:
        """It took more than was known when it ended."""
        if ended := self._ended.get(request_id):
            self._add(ended, joules)

    def _add(self, ended: _Ended, joules: float) -> None:
        known = self._sums[ended.model]
        if not ended.is_counted:
            known.tokens += ended.tokens
            ended.is_counted = True
        known.joules += joules

    def most_j(self, model: str, tokens: int) -> float | None:
        """An estimate for so many tokens; None: not known."""
        known = self._sums.get(model)
        return known.joules / known.tokens * tokens if known and known.tokens else None
