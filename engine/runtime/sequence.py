"""One request inside the engine."""

import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.model.batch import BLOCK_TOKENS
from engine.model.grammar import Constraint
from engine.model.tokenizer import Tokenizer
from engine.runtime.cache import Held
from engine.runtime.protocol import FinishReason, SamplingParams, Submit
from engine.runtime.textstream import TextStream


@dataclass(eq=False)
class Sequence:
    """`num_computed` tokens have keys and values in the cache; it chases `len(token_ids)`.

    `cached_tokens` of the prompt were in the cache when it was first looked for; `tokens_run` went
    through the model, those again that lost their place in the cache. `siblings` are further
    answers to the same prompt, which begin once it is in the cache.
    """

    request_id: int
    tenant: int
    index: int
    token_ids: list[int]
    prompt_length: int
    sampling: SamplingParams
    report_experts: bool
    limit: int  # tokens, prompt included, at which it ends with "length"
    text: TextStream
    constraint: Constraint | None
    random: np.random.Generator
    expert_counts: NDArray[np.int64]  # [layers, routed experts]
    submitted: float = field(default_factory=time.monotonic)
    queue_ms: float | None = None
    num_computed: int = 0
    held: Held = field(default_factory=Held)
    cached_tokens: int = 0
    tokens_run: int = 0
    generated: Counter[int] = field(default_factory=Counter)  # for the penalties
    finish_reason: FinishReason | None = None
    siblings: list["Sequence"] = field(default_factory=list)

    @classmethod
    def from_submit(
        cls,
        submit: Submit,
        index: int,
        tokenizer: Tokenizer,
        context_length: int,
        layers: int,
        routed: int,
        constraint: Constraint | None = None,
    ) -> "Sequence":
        sampling, prompt = submit.sampling, submit.prompts[index // submit.n]
        seed = None if sampling.seed is None else (sampling.seed + index) % 2**64
        return cls(
            request_id=submit.request_id,
            tenant=submit.tenant,
            index=index,
            token_ids=list(prompt),
            prompt_length=len(prompt),
            sampling=sampling,
            report_experts=submit.report_experts,
            limit=min(context_length, len(prompt) + sampling.max_tokens),
            text=TextStream(tokenizer, sampling.stop, submit.shown),
            constraint=constraint,
            random=np.random.Generator(np.random.Philox(seed)),
            expert_counts=np.zeros((layers, routed), np.int64),
        )

    @property
    def pending(self) -> int:
        """Tokens that are not computed yet: one while decoding."""
        return len(self.token_ids) - self.num_computed

    @property
    def output_tokens(self) -> int:
        return len(self.token_ids) - self.prompt_length

    def begin(self, held: Held) -> None:
        """Starts behind what the cache has of it already."""
        self.held = held
        self.num_computed = len(held.blocks) * BLOCK_TOKENS
        if self.tokens_run == 0:
            self.cached_tokens = self.num_computed

    def append(self, token_id: int) -> None:
        self.token_ids.append(token_id)
        self.generated[token_id] += 1

    def experts_active_mean(self) -> float | None:
        """Routed experts a token and layer used, on average; None for a dense model."""
        layers, routed = self.expert_counts.shape
        if routed == 0 or self.tokens_run == 0:
            return None
        return float(self.expert_counts.sum() / (layers * self.tokens_run))
