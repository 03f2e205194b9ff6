"""One request inside the engine."""

import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.model.tokenizer import Tokenizer
from engine.runtime.protocol import FinishReason, SamplingParams, Submit
from engine.runtime.textstream import TextStream


@dataclass(eq=False)
class Sequence:
    """`num_computed` tokens have keys and values in the cache; it chases `len(token_ids)`."""

    request_id: int
    token_ids: list[int]
    prompt_length: int
    sampling: SamplingParams
    report_experts: bool
    limit: int  # tokens, prompt included, at which it ends with "length"
    text: TextStream
    random: np.random.Generator
    expert_counts: NDArray[np.int64]  # [layers, routed experts]
    submitted: float = field(default_factory=time.monotonic)
    queue_ms: float | None = None
    num_computed: int = 0
    blocks: list[int] = field(default_factory=list)
    generated: Counter[int] = field(default_factory=Counter)  # for the penalties
    finish_reason: FinishReason | None = None

    @classmethod
    def from_submit(
        cls, submit: Submit, tokenizer: Tokenizer, context_length: int, layers: int, routed: int
    ) -> "Sequence":
        sampling, prompt = submit.sampling, submit.prompt_token_ids
        seed = None if sampling.seed is None else sampling.seed % 2**64
        return cls(
            request_id=submit.request_id,
            token_ids=list(prompt),
            prompt_length=len(prompt),
            sampling=sampling,
            report_experts=submit.report_experts,
            limit=min(context_length, len(prompt) + sampling.max_tokens),
            text=TextStream(tokenizer, sampling.stop),
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

    def append(self, token_id: int) -> None:
        self.token_ids.append(token_id)
        self.generated[token_id] += 1

    def forget_computed(self) -> None:
        """After its cache blocks were taken away: everything is computed again."""
        self.num_computed = 0
        self.expert_counts[:] = 0

    def experts_active_mean(self) -> float | None:
        """Routed experts a token and layer used, on average; None for a dense model."""
        layers, routed = self.expert_counts.shape
        if routed == 0 or self.num_computed == 0:
            return None
        return float(self.expert_counts.sum() / (layers * self.num_computed))
