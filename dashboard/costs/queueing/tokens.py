"""How many tokens a request has: as observed, or by a mean and a 95th percentile."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

Whole = np.ndarray[Any, np.dtype[np.int64]]

_Z95 = NormalDist().inv_cdf(0.95)
# From mean = exp(m + s²/2) and p95 = exp(m + z s): the ratio is largest where s = z.
MOST_P95_TO_MEAN = math.exp(_Z95**2 / 2)


@dataclass(frozen=True, slots=True)
class MeanRequest:
    """`prompt_tokens` are those that must be read: what a cache holds is not among them."""

    prompt_tokens: float
    answer_tokens: float


@dataclass(frozen=True, slots=True)
class Drawn:
    """Tokens of requests, in the order of their arrival; at least 1 of each kind."""

    prompt_tokens: Whole
    answer_tokens: Whole


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ObservedTokens(_Model):
    """Real requests, drawn from with replacement: prompts and answers stay together."""

    kind: Literal["observed"] = "observed"
    requests: tuple[tuple[int, int, int], ...] = Field(
        min_length=1,
        description="For each request: input tokens, those of them from cache, output tokens.",
    )

    @model_validator(mode="after")
    def _can_be_served(self) -> "ObservedTokens":
        for given, cached, answered in self.requests:
            if not 0 <= cached <= given or answered < 1:
                raise ValueError(
                    f"A request of {given} input tokens, {cached} of them from cache, and "
                    f"{answered} output tokens cannot be: leave out those without an answer."
                )
        return self

    def mean(self) -> MeanRequest:
        tokens = self._tokens()
        return MeanRequest(float(tokens[:, 0].mean()), float(tokens[:, 1].mean()))

    def draw(self, generator: np.random.Generator, number: int) -> Drawn:
        tokens = self._tokens()
        chosen = tokens[generator.integers(0, len(tokens), number)]
        return Drawn(chosen[:, 0], chosen[:, 1])

    def _tokens(self) -> Whole:
        """Columns: prompt tokens to read, answer tokens. The last token of a prompt is always read:
        the answer's first follows from it."""
        found = np.array(self.requests, dtype=np.int64)
        return np.column_stack([np.maximum(found[:, 0] - found[:, 1], 1), found[:, 2]])


class LognormalTokens(_Model):
    """Lengths as they are when nothing was observed: lognormal, prompt and answer independent."""

    kind: Literal["lognormal"] = "lognormal"
    prompt_mean: float = Field(ge=1, description="Mean input tokens, those from cache included.")
    prompt_p95: float = Field(ge=1, description="95th percentile of the input tokens.")
    cached_share: float = Field(
        default=0, ge=0, lt=1, description="Share of the input tokens that a cache holds."
    )
    answer_mean: float = Field(ge=1, description="Mean output tokens.")
    answer_p95: float = Field(ge=1, description="95th percentile of the output tokens.")

    @model_validator(mode="after")
    def _is_lognormal(self) -> "LognormalTokens":
        for name, mean, p95 in (
            ("prompt", self.prompt_mean, self.prompt_p95),
            ("answer", self.answer_mean, self.answer_p95),
        ):
            if not 1 <= p95 / mean <= MOST_P95_TO_MEAN:
                raise ValueError(
                    f"A lognormal {name} has a p95 of 1 to {MOST_P95_TO_MEAN:.2f} times its mean, "
                    f"not {p95 / mean:.2f}; give observed requests instead."
                )
        return self

    def mean(self) -> MeanRequest:
        """As stated; whole tokens, of which each request has one at least, move it slightly."""
        read = max(self.prompt_mean * (1 - self.cached_share), 1.0)
        return MeanRequest(read, self.answer_mean)

    def draw(self, generator: np.random.Generator, number: int) -> Drawn:
        prompts = _lognormal(generator, number, self.prompt_mean, self.prompt_p95)
        answers = _lognormal(generator, number, self.answer_mean, self.answer_p95)
        return Drawn(_whole(prompts * (1 - self.cached_share)), _whole(answers))


Tokens = Annotated[ObservedTokens | LognormalTokens, Field(discriminator="kind")]


def _lognormal(
    generator: np.random.Generator, number: int, mean: float, p95: float
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The narrower of the two lognormal distributions that have this mean and p95:
    ln(p95 ÷ mean) = z s − s²/2."""
    ratio = math.log(p95 / mean)
    sigma = _Z95 - math.sqrt(max(_Z95**2 - 2 * ratio, 0.0))
    return generator.lognormal(math.log(mean) - sigma**2 / 2, sigma, number)


def _whole(tokens: np.ndarray[Any, np.dtype[np.float64]]) -> Whole:
    found: Whole = np.maximum(np.rint(tokens), 1).astype(np.int64)
    return found
