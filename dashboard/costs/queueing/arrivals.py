"""When requests arrive: Poisson, at one rate or at that of each hour of the week.

Rates are for each developer and hour, so that a team of any size follows by multiplication: twice
the developers ask twice as often, in the same pattern. Within an hour arrivals are taken to be
independent; tools that ask in bursts wait longer than is computed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dashboard.costs.queueing.tokens import Tokens, Whole

HOURS_PER_WEEK = 168
HOUR_S = 3600.0
Floats = np.ndarray[Any, np.dtype[np.float64]]
_Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class PoissonArrivals(_Model):
    """The same rate at all times."""

    kind: Literal["poisson"] = "poisson"
    per_developer_hour: _Rate = Field(description="Requests of a developer in an hour.")

    def rates(self) -> tuple[float, ...]:
        return (self.per_developer_hour,) * HOURS_PER_WEEK


class WeeklyArrivals(_Model):
    """A rate for each hour of the week, the first from Monday 0:00 in the team's own time."""

    kind: Literal["weekly"] = "weekly"
    per_developer_hour: tuple[_Rate, ...] = Field(
        min_length=HOURS_PER_WEEK,
        max_length=HOURS_PER_WEEK,
        description="Requests of a developer in each of the 168 hours of the week, from Monday "
        "0:00 in the team's time zone.",
    )

    def rates(self) -> tuple[float, ...]:
        return self.per_developer_hour


Arrivals = Annotated[PoissonArrivals | WeeklyArrivals, Field(discriminator="kind")]


class Workload(_Model):
    """What a developer asks of the server: when, and how much."""

    arrivals: Arrivals = Field(description="When requests come, for each developer.")
    tokens: Tokens = Field(description="How many tokens a request has.")

    def busiest_hour(self) -> int:
        """Of the week, 0 to 167; of equals the first."""
        rates = self.arrivals.rates()
        return rates.index(max(rates))

    def busiest_per_s(self, developers: int) -> float:
        """Requests a second that so many developers make in the busiest hour of the week, as it is
        on average: a single week's may be busier."""
        return max(self.arrivals.rates()) * developers / HOUR_S


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests in the order of their arrival, in seconds from the start."""

    at_s: Floats
    prompt_tokens: Whole
    answer_tokens: Whole


def rates_per_developer(
    counts: Sequence[int], weeks: Sequence[float], developers: float
) -> WeeklyArrivals:
    """The pattern of a team of `developers` whose requests were counted by hour of the week.

    `weeks` is how many times each of the 168 hours was seen: a range of four whole weeks has 4.0
    of each, one that begins on a Wednesday more of some than of others.
    """
    if len(counts) != HOURS_PER_WEEK or len(weeks) != HOURS_PER_WEEK:
        raise ValueError(f"A week has {HOURS_PER_WEEK} hours: give a count and weeks for each.")
    if developers <= 0:
        raise ValueError("A pattern needs developers: nobody made a request in this range.")
    if min(weeks) <= 0:
        raise ValueError(
            "Not every hour of the week was seen; choose a range of at least a whole week."
        )
    rates = [count / seen / developers for count, seen in zip(counts, weeks, strict=True)]
    return WeeklyArrivals(per_developer_hour=tuple(rates))


def steady_requests(
    workload: Workload, per_s: float, number: int, seed: np.random.SeedSequence
) -> Requests:
    """`number` requests at one rate.

    With the same seed the same requests come in the same order whatever the rate, only sooner or
    later, so that two loads differ by the load alone.
    """
    gaps, tokens = (np.random.default_rng(child) for child in _spawned(seed))
    drawn = workload.tokens.draw(tokens, number)
    at_s = np.cumsum(gaps.standard_exponential(number)) / per_s
    return Requests(at_s, drawn.prompt_tokens, drawn.answer_tokens)


def weekly_requests(
    workload: Workload, developers: int, first_hour: int, hours: int, seed: np.random.SeedSequence
) -> Requests:
    """What so many developers ask in `hours` from `first_hour` of the week on; 0 s is its start.

    A Poisson process of rate 1, run through as fast as the rate of each hour says.
    """
    pattern = np.array(workload.arrivals.rates()) * developers
    rates = pattern[(first_hour + np.arange(hours)) % HOURS_PER_WEEK]
    passed = np.concatenate([[0.0], np.cumsum(rates)])
    gaps, tokens = (np.random.default_rng(child) for child in _spawned(seed))
    ticks = _unit_poisson(gaps, float(passed[-1]))
    hour = np.searchsorted(passed, ticks, side="right") - 1
    at_s = (hour + (ticks - passed[hour]) / rates[hour]) * HOUR_S
    drawn = workload.tokens.draw(tokens, len(at_s))
    return Requests(at_s, drawn.prompt_tokens, drawn.answer_tokens)


def _spawned(seed: np.random.SeedSequence) -> list[np.random.SeedSequence]:
    """Two of its children, the same ones at each call (`spawn` itself counts its calls)."""
    return [
        np.random.SeedSequence(entropy=seed.entropy, spawn_key=(*seed.spawn_key, number))
        for number in range(2)
    ]


def _unit_poisson(generator: np.random.Generator, until: float) -> Floats:
    """Arrivals at rate 1 before `until`."""
    parts: list[Floats] = []
    reached = 0.0
    while reached < until:
        gaps = generator.standard_exponential(int(until - reached) + 64)
        parts.append(reached + np.cumsum(gaps))
        reached = float(parts[-1][-1])
    ticks = np.concatenate(parts) if parts else np.empty(0)
    return ticks[ticks < until]
