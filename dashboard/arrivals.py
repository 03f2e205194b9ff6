"""How a team asks, read from its ledger: how often in each hour of the week, and how much.

Requests of every status count as arrivals. How many tokens a request has is told by the newest
that were answered.
"""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from dashboard.costs.queueing.arrivals import HOURS_PER_WEEK, Workload, rates_per_developer
from dashboard.costs.queueing.tokens import ObservedTokens
from dashboard.periods import HOUR_MS, QUARTER_MS
from db import queries
from db.request_pages import Which, recent_requests

NEWEST = 2_000  # requests: enough for a 95th percentile, and read at once


@dataclass(frozen=True, slots=True)
class Pattern:
    """A range of a ledger, by hour of the week: 0 is Monday 0:00 in the team's time zone.

    `counts` are requests; `weeks` is how many times each hour was seen, in part at the range's
    ends. `developers` made a request in the range: one who joined late counts whole, so choose a
    range in which the team was as it is. `tokens` has the newest answered requests of
    the range: input tokens, those of them from cache, output tokens; `estimated` of them are
    counts that the engine did not tell.
    """

    counts: tuple[int, ...]
    weeks: tuple[float, ...]
    developers: int
    tokens: tuple[tuple[int, int, int], ...]
    estimated: int

    def workload(self) -> Workload:
        """As the simulation takes it. ValueError where the ledger does not tell enough: less than a
        week, or no answered request."""
        if not self.tokens:
            raise ValueError("No request was answered in this range, so none can be drawn.")
        return Workload(
            arrivals=rates_per_developer(self.counts, self.weeks, self.developers),
            tokens=ObservedTokens(requests=self.tokens),
        )


def pattern(engine: Engine, zone: ZoneInfo, start_ms: int, end_ms: int) -> Pattern:
    """Of the requests from `start_ms` to before `end_ms` (UTC epoch milliseconds); the quarter of
    an hour in which it begins belongs to it whole."""
    start_ms -= start_ms % QUARTER_MS
    timeline = queries.timeline(engine, start_ms, end_ms, QUARTER_MS)
    counts = np.zeros(HOURS_PER_WEEK, dtype=np.int64)
    np.add.at(counts, _hours_of_week(timeline["bucket_ms"], zone), timeline["requests"].to_numpy())
    newest = _newest_answered(engine, start_ms, end_ms)
    columns = ["input_tokens", "cached_input_tokens", "output_tokens"]
    return Pattern(
        counts=tuple(counts.tolist()),
        weeks=_weeks(zone, start_ms, end_ms),
        developers=queries.totals(engine, start_ms, end_ms).developers,
        tokens=tuple(map(tuple, newest[columns].to_numpy(np.int64).tolist())),
        estimated=int((~newest["counts_exact"].astype(bool)).sum()),
    )


def _newest_answered(engine: Engine, start_ms: int, end_ms: int) -> pd.DataFrame:
    """An answer without a token (an embedding, a refusal) is left out."""
    newest = recent_requests(engine, NEWEST, which=Which(start_ms, end_ms, status="ok"))
    return newest[newest["output_tokens"] > 0]


def _weeks(zone: ZoneInfo, start_ms: int, end_ms: int) -> tuple[float, ...]:
    """How many times the range has each hour of the week: clocks are changed in some of them."""
    quarters = np.arange(start_ms, end_ms, QUARTER_MS, dtype=np.int64)
    lengths = np.minimum(quarters + QUARTER_MS, end_ms) - quarters
    seen = np.zeros(HOURS_PER_WEEK)
    np.add.at(seen, _hours_of_week(pd.Series(quarters), zone), lengths / HOUR_MS)
    return tuple(seen.tolist())


def _hours_of_week(
    at_ms: "pd.Series[int]", zone: ZoneInfo
) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """A quarter of an hour lies within one hour in every zone in use."""
    local = pd.to_datetime(at_ms.astype("int64"), unit="ms", utc=True).dt.tz_convert(zone).dt
    return np.asarray(local.day_of_week * 24 + local.hour, dtype=np.int64)
