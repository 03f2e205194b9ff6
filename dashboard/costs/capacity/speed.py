"""What a deployment can do for requests of one shape: the numbers that a queue needs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.factors import Factors
from dashboard.costs.capacity.load import factors as calibrated
from dashboard.costs.capacity.memory import most_sequences
from dashboard.costs.capacity.roofline import decode_step_s, prefill_s

READ_AT_ONCE = 8192  # tokens of prompts in one step of one scheduler; vLLM's default on large GPUs


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast each of `replicas` equal replicas is.

    `prefill_tokens_per_s`: prompt tokens of one replica, with nothing else to do.
    `step_s`: seconds of a decode step of one replica with so many sequences (1 to `most_at_once`).
    `most_at_once`: sequences that one replica's memory and scheduler hold.
    """

    prefill_tokens_per_s: float
    step_s: Callable[[int], float]
    most_at_once: int
    replicas: int

    def decode_tokens_per_s(self, sequences: int) -> float:
        """Output tokens of one replica that answers so many at once, and reads no prompts."""
        return sequences / self.step_s(sequences)

    def tokens_per_s_of_each(self, sequences: int) -> float:
        return 1 / self.step_s(sequences)

    def first_token_s(self, new_prompt_tokens: int) -> float:
        """Seconds to the first token of a request that finds the replica idle."""
        return new_prompt_tokens / self.prefill_tokens_per_s + self.step_s(1)

    def output_tokens_per_s(
        self, new_prompt_tokens: float, answer_tokens: float, sequences: int | None = None
    ) -> float:
        """Output tokens of one replica under full load, with prompts and answers taking turns.

        A request takes its prompt's time, and its part of `answer_tokens` steps.
        """
        at_once = self.most_at_once if sequences is None else sequences
        seconds = new_prompt_tokens / self.prefill_tokens_per_s
        seconds += answer_tokens * self.step_s(at_once) / at_once
        return answer_tokens / seconds

    def slower(self, factor: float) -> "Speed":
        """The same with everything taking `factor` times as long; the memory holds as many."""
        return replace(
            self,
            prefill_tokens_per_s=self.prefill_tokens_per_s / factor,
            step_s=lambda sequences: self.step_s(sequences) * factor,
        )


def speed(
    deployment: Deployment,
    prompt_tokens: int,
    answer_tokens: int,
    cached_tokens: int = 0,
    replicas: int = 1,
    factors: Factors | None = None,
) -> Speed:
    """The speed for requests of this shape, in the middle of their answers.

    `cached_tokens` of the prompt are in the cache already. ValueError: not one such request fits,
    or it is longer than the model was made for.
    """
    known = calibrated() if factors is None else factors
    longest = deployment.model.context_tokens
    if prompt_tokens + answer_tokens > longest:
        raise ValueError(
            f"{deployment.model.title} was made for {longest:,} tokens, fewer than prompt and "
            f"answer have with {prompt_tokens + answer_tokens:,}: shorten them."
        )
    context = prompt_tokens + answer_tokens // 2
    at_once = most_sequences(deployment, context)
    if at_once == 0:
        raise ValueError(
            f"{deployment.title} does not hold {deployment.model.title} in "
            f"{deployment.precision.name} with one request of {context:,} tokens: take more "
            "memory, fewer bits or a shorter context."
        )
    seen = (prompt_tokens + cached_tokens) / 2
    return Speed(
        prefill_tokens_per_s=_prefill_tokens_per_s(deployment, seen, known),
        step_s=lambda sequences: decode_step_s(deployment, sequences, context, known),
        most_at_once=at_once,
        replicas=replicas,
    )


def _prefill_tokens_per_s(deployment: Deployment, seen: float, factors: Factors) -> float:
    """Prompt tokens a second with full steps, of many prompts or of one long one."""
    schedulers = deployment.accelerators if deployment.layout == "expert" else 1
    tokens = READ_AT_ONCE * schedulers
    return tokens / prefill_s(deployment, tokens, seen, factors)
