"""How fast the hardware is, as far as a queue in front of it depends on that."""

from collections.abc import Callable
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from dashboard.costs.queueing.tokens import MeanRequest


class Speed(Protocol):
    """What the simulation asks of a server: any object with these four.

    `prefill_tokens_per_s` is the prompt tokens that one replica reads a second; `step_s(batch)` the
    seconds in which it gives each of `batch` sequences one more token; `most_at_once` the sequences
    that fit a replica; `replicas` how many of them serve one queue.
    """

    @property
    def prefill_tokens_per_s(self) -> float: ...

    @property
    def step_s(self) -> Callable[[int], float]: ...

    @property
    def most_at_once(self) -> int: ...

    @property
    def replicas(self) -> int: ...


class LinearSpeed(BaseModel):
    """A server known by a few measurements: a step takes longer by so much for each sequence."""

    model_config = ConfigDict(frozen=True)

    prefill_tokens_per_s: float = Field(
        gt=0, allow_inf_nan=False, description="Prompt tokens that a replica reads a second."
    )
    step_base_s: float = Field(
        ge=0, allow_inf_nan=False, description="Seconds of a decoding step, whatever its batch."
    )
    step_per_sequence_s: float = Field(
        ge=0, allow_inf_nan=False, description="Seconds that each sequence adds to a decoding step."
    )
    most_at_once: int = Field(ge=1, description="Sequences that fit a replica at once.")
    replicas: int = Field(default=1, ge=1, description="Replicas that serve one queue.")

    def step_s(self, batch: int) -> float:
        return self.step_base_s + batch * self.step_per_sequence_s


def most_requests_per_s(speed: Speed, mean: MeanRequest) -> float:
    """The rate that no schedule of this server exceeds: from there on the queue grows.

    All replicas always at work, and every decoding step at the batch that costs least a sequence:

        replicas ÷ (prompt ÷ prefill rate + (answer − 1) × min step_s(b) ÷ b)

    The first token of an answer comes with its prompt. The true limit is lower, because batches
    are not always full.
    """
    per_token_s = min(speed.step_s(b) / b for b in range(1, speed.most_at_once + 1))
    prompt_s = mean.prompt_tokens / speed.prefill_tokens_per_s
    return speed.replicas / (prompt_s + (mean.answer_tokens - 1) * per_token_s)


def longest_service_s(speed: Speed, mean: MeanRequest) -> float:
    """What a mean request takes on a full replica, without waiting."""
    prompt_s = mean.prompt_tokens / speed.prefill_tokens_per_s
    return prompt_s + (mean.answer_tokens - 1) * speed.step_s(speed.most_at_once)
