"""What a model's tokens take in joules, to reserve energy of a budget before it is measured."""

from collections import defaultdict
from dataclasses import dataclass


@dataclass(slots=True)
class _Sum:
    tokens: int = 0
    joules: float = 0.0


class EnergyRates:
    """Means since this gateway started. Before the first answer nothing can be said."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = defaultdict(_Sum)

    def note(self, model: str, tokens: int, joules: float | None) -> None:
        """A request took this; None: it is not known."""
        if joules is not None:
            self._sums[model].tokens += tokens
            self._sums[model].joules += joules

    def most_j(self, model: str, tokens: int) -> float | None:
        """An estimate for so many tokens; None: not known."""
        known = self._sums.get(model)
        return known.joules / known.tokens * tokens if known and known.tokens else None
