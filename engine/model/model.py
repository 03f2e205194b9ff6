"""A loaded model: its numbers, its experts, and whoever computes it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from torch import Tensor

from engine.model.batch import BLOCK_TOKENS, Chunk, Forward
from engine.model.config import ModelConfig
from engine.model.precision import Precision
from engine.model.routing import Routing


class Runner(Protocol):
    """Computes chunks of sequences, whose earlier tokens are in a cache only it looks inside."""

    @property
    def weight_bytes(self) -> int: ...

    def new_cache(self, blocks: int) -> Any: ...

    def forward(
        self, chunks: Sequence[Chunk], cache: Any, every_token: bool = False
    ) -> Forward: ...


class Model:
    """What `engine.load` gives: a decoder of any family, and the figures that describe it."""

    def __init__(
        self,
        config: ModelConfig,
        routing: Routing,
        runner: Runner,
        precision: Precision,
        kernel: str,
    ) -> None:
        self.config = config
        self.routing = routing
        self.precision = precision
        self.kernel = kernel  # what computes it, in words
        self._runner = runner

    def new_cache(self, blocks: int) -> Any:
        """Room for the keys and values of `blocks` · 32 positions; only `forward` looks inside."""
        return self._runner.new_cache(blocks)

    def forward(self, chunks: Sequence[Chunk], cache: Any, every_token: bool = False) -> Forward:
        """Computes chunks of sequences, whose earlier tokens are in the cache."""
        return self._runner.forward(chunks, cache, every_token)

    def logits(self, token_ids: Sequence[int]) -> Tensor:
        """Logits [tokens, vocab] of a whole text at once."""
        blocks = range(-(-len(token_ids) // BLOCK_TOKENS))
        chunk = Chunk(token_ids, 0, blocks)
        return self.forward([chunk], self.new_cache(len(blocks)), every_token=True).logits

    def generate(
        self,
        token_ids: Sequence[int],
        max_tokens: int = 256,
        choose: Callable[[Tensor], int] = lambda logits: int(logits.argmax()),
    ) -> Iterator[int]:
        """Tokens that follow, one by one, up to an end token, which is the last one given.

        `choose` draws a token from logits [vocab]; the default takes the most likely.
        """
        ids, done = list(token_ids), 0
        longest = min(len(ids) + max_tokens, self.config.context_length)
        blocks = range(-(-longest // BLOCK_TOKENS))
        cache = self.new_cache(len(blocks))
        while len(ids) < longest:
            logits = self.forward([Chunk(ids[done:], done, blocks)], cache).logits[0]
            done = len(ids)
            ids.append(choose(logits))
            yield ids[-1]
            if ids[-1] in self.config.eos_token_ids:
                return

    @property
    def weight_bytes(self) -> int:
        return self._runner.weight_bytes

    @property
    def cache_number_bytes(self) -> int:
        """Bytes of one number in the key-value cache."""
        return 4 if self.precision == "float32" else 2

    @property
    def total_parameters(self) -> int:
        """Weights, a head that is the embedding counted once."""
        return self.config.parameters() + self.routing.parameters()

    @property
    def active_parameters(self) -> int:
        """Weights that one token goes through."""
        every_expert = self.config.active_parameters() + self.routing.parameters()
        return every_expert - self.routing.idle_parameters(self.config)

    # Experts: a carved model's are its routing's, another's are its configuration's.

    @property
    def routed_experts(self) -> int:
        return self.routing.routed or self.config.routed_experts

    @property
    def shared_experts(self) -> int:
        """In experts' widths; a dense feed-forward counts as one."""
        if self.routing.carving:
            return self.routing.shared
        first = next(iter(self.config.mixtures), None)
        return first.shared_neurons // first.neurons if first else 1

    @property
    def experts_per_token(self) -> int:
        """Routed experts a token uses in a layer, on average over a carved model's layers."""
        if self.routing.carving:
            return self.routing.per_token
        return max((part.per_token for part in self.config.mixtures), default=0)

    @property
    def default_experts_per_token(self) -> int:
        return self.routing.default_per_token or self.experts_per_token

    @property
    def expert_parameters(self) -> int:
        """Weights of one routed expert; 0 for a dense model."""
        if self.routing.carving:
            return self.routing.carving.expert * 3 * self.config.hidden
        sizes = (part.expert_parameters(self.config.hidden) for part in self.config.mixtures)
        return max(sizes, default=0)

    @property
    def expert_choices(self) -> int:
        """Routed experts that a token goes through, summed over the layers."""
        if self.routing.carving:
            return sum(self.routing.counts)
        return sum(part.per_token for part in self.config.mixtures)
