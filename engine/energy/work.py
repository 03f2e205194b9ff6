"""What a step costs, and how that divides over the requests in it.

A step's cost is taken as a sum: so much for every floating-point operation (a prompt's run in large
products, an answer's in thin ones, so they differ), for every byte of weights and of cache that is
read, and for the step itself. Operations and cache are each request's own. What is read once for
several is divided evenly over those that needed it. That is the Shapley value of the sum (Shapley,
1953): shares add up, equal work gets equal shares, and the order of arrival changes nothing.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(slots=True, unsafe_hash=True)  # frozen ones take thrice as long to make
class Effort:
    """What was computed: of `weight_bytes` and `steps`, which are shared, this is a part."""

    tokens: int = 0
    flops: float = 0.0
    weight_bytes: float = 0.0
    cache_bytes: float = 0.0
    steps: float = 0.0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(
            self.tokens + other.tokens,
            self.flops + other.flops,
            self.weight_bytes + other.weight_bytes,
            self.cache_bytes + other.cache_bytes,
            self.steps + other.steps,
        )


NOTHING = Effort()


@dataclass(slots=True)
class Work:
    """What a step computed for one request: of its prompt, and of its answer."""

    prefill: Effort = NOTHING
    decode: Effort = NOTHING

    def __add__(self, other: "Work") -> "Work":
        return Work(self.prefill + other.prefill, self.decode + other.decode)


@dataclass(frozen=True, slots=True)
class StepCosts:
    """What each part of a step costs, in any one unit: only their ratios count.

    `calibrate` measures them. Until then moving a byte costs as much as eight operations, about
    where common processors' arithmetic and memory take equally long.
    """

    prefill_flop: float = 1.0
    decode_flop: float = 1.0
    weight_byte: float = 8.0
    cache_byte: float = 8.0
    step: float = 0.0

    def of(self, effort: Effort, *, prefill: bool) -> float:
        flop = self.prefill_flop if prefill else self.decode_flop
        return (
            flop * effort.flops
            + self.weight_byte * effort.weight_bytes
            + self.cache_byte * effort.cache_bytes
            + self.step * effort.steps
        )


@dataclass(slots=True)
class Part:
    """A request's part of a step, and how much of that its prompt took. All parts add up to 1."""

    whole: float
    prefill: float


def parts_of(work: Mapping[int, Work], costs: StepCosts) -> dict[int, Part]:
    """By request. Where no cost is told: by tokens, else evenly."""

    def cost(done: Work) -> tuple[float, float]:
        return costs.of(done.prefill, prefill=True), costs.of(done.decode, prefill=False)

    def tokens(done: Work) -> tuple[float, float]:
        return float(done.prefill.tokens), float(done.decode.tokens)

    def presence(_done: Work) -> tuple[float, float]:
        return 0.0, 1.0

    measures: tuple[Callable[[Work], tuple[float, float]], ...] = (cost, tokens, presence)
    for measure in measures:
        told = {request: measure(done) for request, done in work.items()}
        total = math.fsum(value for pair in told.values() for value in pair)
        if total > 0:
            return {
                request: Part((prefill + decode) / total, prefill / total)
                for request, (prefill, decode) in told.items()
            }
    return {}
