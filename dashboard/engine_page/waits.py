"""How long requests of the last minutes waited, and what of their prompts was in the cache."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.api.events import RequestFinished


@dataclass(frozen=True, slots=True)
class Spread:
    """Of `number` durations in milliseconds: their median, and what 95% of them do not exceed."""

    number: int
    median_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True)
class CacheHits:
    """Of the prompts of `requests` requests: their tokens, and those not computed anew."""

    requests: int
    input_tokens: int
    cached_tokens: int

    @property
    def share(self) -> float | None:
        return self.cached_tokens / self.input_tokens if self.input_tokens else None


def spread(durations_ms: Iterable[float | None]) -> Spread | None:
    """None where none is known. The 95th percentile is the nearest rank: a value that there was."""
    known = sorted(duration for duration in durations_ms if duration is not None)
    if not known:
        return None
    rank = math.ceil(0.95 * len(known))
    return Spread(len(known), statistics.median(known), known[rank - 1])


def cache_hits(ended: Sequence[RequestFinished]) -> CacheHits:
    """Of requests of whose answer something came, since before that no prompt was looked up, and
    of which it is known."""
    known = [
        (event.input_tokens, event.cached_input_tokens)
        for event in ended
        if event.ttft_ms is not None and event.cached_input_tokens is not None
    ]
    return CacheHits(len(known), sum(all_ for all_, _ in known), sum(hit for _, hit in known))
