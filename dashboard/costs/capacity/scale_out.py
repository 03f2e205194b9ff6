"""From 10 developers to 100,000: how many accelerators, at what price, what power, what cost each.

On paper. A replica answers `b` requests at once, whose prompts it reads in turn; by Little's law
each is answered in b · (time to read one prompt) + (tokens of an answer) · (time of a step), and
the replica finishes b in that time. `b` is the greatest at which answers come fast enough.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil

from pydantic import Field

from dashboard.costs import money
from dashboard.costs.capacity.deployment import Deployment, both_layouts, counts
from dashboard.costs.capacity.hardware import Hardware
from dashboard.costs.capacity.language_model import LanguageModel, Precision
from dashboard.costs.capacity.memory import most_sequences
from dashboard.costs.capacity.parts import Entry, Positive
from dashboard.costs.capacity.planning import planning_speed
from dashboard.costs.capacity.running import Ownership, per_month
from dashboard.costs.capacity.speed import Speed
from dashboard.costs.capacity.validation import interval

MOST_IN_A_REPLICA = 128  # accelerators; the largest published deployments have 72 to 128
TEAMS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


class Load(Entry):
    """What one developer asks for in the busiest hour, and how fast answers must come."""

    requests_per_hour: Positive = Field(description="Requests of one developer, busiest hour")
    prompt_tokens: int = Field(ge=1, description="Tokens of a prompt, cached ones included")
    answer_tokens: int = Field(ge=1, description="Tokens of an answer")
    cached_share: float = Field(ge=0, lt=1, description="Part of a prompt that is cached already")
    least_tokens_per_s: Positive = Field(description="Tokens/s that each answer must reach")
    busy_share: float = Field(
        gt=0, le=1, description="Part of what it can do that a replica is planned for"
    )

    @property
    def context_tokens(self) -> int:
        """A request's whole length."""
        return self.prompt_tokens + self.answer_tokens

    @property
    def cached_tokens(self) -> int:
        return int(self.prompt_tokens * self.cached_share)

    @property
    def new_tokens(self) -> int:
        return self.prompt_tokens - self.cached_tokens


# An agent at work, as a start: assumed, not measured. A ledger's own figures should replace it.
ASSUMED_LOAD = Load(
    requests_per_hour=20,
    prompt_tokens=20_000,
    answer_tokens=500,
    cached_share=0.9,
    least_tokens_per_s=15,
    busy_share=0.7,
)


class Asked(Entry):
    """What hardware is chosen for: a load for each developer, and when answers must begin."""

    load: Load
    first_token_limit_s: Positive = Field(
        description="Seconds to the first token of a request that finds the hardware idle, at most"
    )

    def begins_in_time(self, fast: Speed) -> bool:
        return fast.first_token_s(self.load.new_tokens) <= self.first_token_limit_s


class Row(Entry):
    """The cheapest hardware for one team size. Speeds are corrected predictions: `planning`."""

    developers: int
    deployment: Deployment
    replicas: int
    replicas_if_fast: int = Field(description="At the fast end of the prediction's interval")
    replicas_if_slow: int = Field(description="At its slow end")
    sequences: int = Field(description="Requests that one replica answers at once at its limit")
    requests_per_s: float = Field(description="Of all replicas together, at their limit")
    accelerators: int = Field(description="Bought, which may be more than serve")
    nodes: int
    price: Decimal = Field(description="US dollars, with hosts")
    kilowatts: float = Field(description="Rated, with hosts where known, before PUE")
    cost_per_month: Decimal = Field(
        description="US dollars: price over life, electricity and operations"
    )
    cost_per_developer: Decimal = Field(description="US dollars a developer and month")


def scale_out(
    model: LanguageModel,
    precision: Precision,
    choices: Iterable[Hardware],
    asked: Asked,
    ownership: Ownership,
    teams: Sequence[int] = TEAMS,
) -> list[Row]:
    """A row for each team size: of all choices whose price is known, the cheapest a month.

    Hardware whose host has no price is not compared: it would seem cheaper than it is.
    ValueError: none of the choices with a price holds the model and is fast enough.
    """
    useful = _useful(model, precision, tuple(choices), asked)
    if not useful:
        raise ValueError(
            f"None of the hardware with a known price answers with {model.title} at "
            f"{asked.load.least_tokens_per_s:g} tokens a second and gives the first one within "
            f"{asked.first_token_limit_s:g} seconds: ask for slower answers, shorter prompts or "
            "other hardware."
        )
    return [_cheapest(developers, useful, asked.load, ownership) for developers in teams]


def limit(fast: Speed, load: Load) -> tuple[int, float]:
    """How many requests a replica answers at once and fast enough, and finishes a second.

    (0, 0.0): even one alone is too slow.
    """
    slow, good = fast.most_at_once + 1, 0
    while slow - good > 1:
        middle = (slow + good) // 2
        if load.answer_tokens / answer_s(fast, load, middle) >= load.least_tokens_per_s:
            good = middle
        else:
            slow = middle
    return (good, good / answer_s(fast, load, good)) if good else (0, 0.0)


def answer_s(fast: Speed, load: Load, sequences: int) -> float:
    """Seconds in which an answer is written while `sequences` are, others' prompts in between."""
    reading = sequences * load.new_tokens / fast.prefill_tokens_per_s
    return reading + load.answer_tokens * fast.step_s(sequences)


@dataclass(frozen=True, slots=True)
class _Replica:
    """A deployment that is fast enough: what it answers at once and finishes a second."""

    deployment: Deployment
    sequences: int
    rate: float

    def number(self, developers: int, load: Load, rate: float) -> int:
        """How many such a team takes, if each finishes `rate` requests a second."""
        asked = developers * load.requests_per_hour / 3600
        return max(1, ceil(asked / (rate * load.busy_share)))

    def price(self, number: int) -> Decimal:
        hardware = self.deployment.hardware
        return hardware.cost(self.deployment.accelerators * number) or Decimal(0)

    def watts(self, number: int) -> float:
        return self.deployment.hardware.rated_watts(self.deployment.accelerators * number)

    def per_month(self, number: int, ownership: Ownership) -> Fraction:
        """Price over life, electricity and operations, in dollars."""
        return per_month(ownership, self.price(number), self.watts(number))


@lru_cache(maxsize=16)
def _useful(
    model: LanguageModel, precision: Precision, choices: tuple[Hardware, ...], asked: Asked
) -> tuple[_Replica, ...]:
    """Deployments that hold the model and are fast enough, with what each can do.

    Kept, because one team after another is asked about, and they are the same for all.
    """
    found = []
    for hardware in choices:
        for number in counts(hardware) if hardware.cost(1) is not None else ():
            if number <= MOST_IN_A_REPLICA:
                for deployment in both_layouts(hardware, model, precision, number):
                    sequences, rate = _finished(deployment, asked)
                    if sequences:
                        found.append(_Replica(deployment, sequences, rate))
    return tuple(found)


def _finished(deployment: Deployment, asked: Asked) -> tuple[int, float]:
    """As `limit`; (0, 0.0) also where the deployment does not hold one request, or begins to
    answer too late."""
    load = asked.load
    if most_sequences(deployment, load.context_tokens) == 0:
        return 0, 0.0
    fast = planning_speed(deployment, load.prompt_tokens, load.answer_tokens, load.cached_tokens)
    return limit(fast, load) if asked.begins_in_time(fast) else (0, 0.0)


def _cheapest(developers: int, useful: Sequence[_Replica], load: Load, ownership: Ownership) -> Row:
    """Of equal costs, what can do more."""

    def order(replica: _Replica) -> tuple[Fraction, float]:
        number = replica.number(developers, load, replica.rate)
        return replica.per_month(number, ownership), -replica.rate * number

    return _row(developers, min(useful, key=order), load, ownership)


def _row(developers: int, replica: _Replica, load: Load, ownership: Ownership) -> Row:
    likely = interval(replica.rate)
    number = replica.number(developers, load, replica.rate)
    serving = replica.deployment.accelerators * number
    month = replica.per_month(number, ownership)
    return Row(
        developers=developers,
        deployment=replica.deployment,
        replicas=number,
        replicas_if_fast=replica.number(developers, load, likely.high),
        replicas_if_slow=replica.number(developers, load, likely.low),
        sequences=replica.sequences,
        requests_per_s=replica.rate * number,
        accelerators=replica.deployment.hardware.bought(serving),
        nodes=replica.deployment.hardware.nodes(serving),
        price=replica.price(number),
        kilowatts=replica.watts(number) / 1000,
        cost_per_month=money.cents(month),
        cost_per_developer=money.cents(month / developers),
    )
