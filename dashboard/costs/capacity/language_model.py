"""A model's shape, from its config.json, and what follows from it: parameters, cache, work.

All counts leave out norms, biases and routers' corrections, far below 1%.
"""

from typing import Annotated, Literal

from pydantic import Field

from dashboard.costs.capacity.hardware import ComputePrecision
from dashboard.costs.capacity.parts import Entry, Positive, Source


class LatentAttention(Entry):
    """Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434): one latent vector a token."""

    kind: Literal["latent"]
    latent_rank: int = Field(ge=1)
    rotary_dim: int = Field(ge=1)
    query_rank: int = Field(ge=1)
    head_dim: int = Field(ge=1, description="Of keys, without the rotary part")
    value_dim: int = Field(ge=1)

    def parameters(self, hidden: int, heads: int) -> float:
        queries = hidden * self.query_rank
        queries += self.query_rank * heads * (self.head_dim + self.rotary_dim)
        latents = hidden * (self.latent_rank + self.rotary_dim)
        latents += self.latent_rank * heads * (self.head_dim + self.value_dim)
        return float(queries + latents + heads * self.value_dim * hidden)

    def cached_numbers(self, layers: int, context: float) -> float:
        return layers * context * (self.latent_rank + self.rotary_dim)

    def split_over(self, accelerators: int) -> int:
        """Over how many accelerators tensor parallelism splits the cache: every one needs all."""
        return 1

    def decode_flops(self, layers: int, heads: int, context: float) -> float:
        """For one token: keys and values stay latent, as engines compute it."""
        return 2.0 * layers * heads * context * (2 * self.latent_rank + self.rotary_dim)

    def prefill_flops(self, layers: int, heads: int, context: float) -> float:
        """For one token among `context` earlier ones, with keys and values unfolded."""
        return 2.0 * layers * heads * context * (self.head_dim + self.rotary_dim + self.value_dim)


class GroupedAttention(Entry):
    """Grouped-query attention (arXiv 2305.13245), in some layers over a window only."""

    kind: Literal["grouped"]
    kv_heads: int = Field(ge=1)
    head_dim: int = Field(ge=1)
    window_tokens: int | None = Field(default=None, ge=1)
    windowed_layers: int = Field(default=0, ge=0)

    def parameters(self, hidden: int, heads: int) -> float:
        return float(2 * hidden * self.head_dim * (heads + self.kv_heads))

    def cached_numbers(self, layers: int, context: float) -> float:
        return self._seen(layers, context) * 2 * self.kv_heads * self.head_dim

    def split_over(self, accelerators: int) -> int:
        """Over how many accelerators tensor parallelism splits the cache: by heads at most."""
        return min(accelerators, self.kv_heads)

    def decode_flops(self, layers: int, heads: int, context: float) -> float:
        return 4.0 * heads * self.head_dim * self._seen(layers, context)

    def prefill_flops(self, layers: int, heads: int, context: float) -> float:
        return self.decode_flops(layers, heads, context)

    def _seen(self, layers: int, context: float) -> float:
        """Tokens that are looked at, over all layers."""
        windowed = self.windowed_layers if self.window_tokens else 0
        window = min(context, self.window_tokens or context)
        return (layers - windowed) * context + windowed * window


Attention = Annotated[LatentAttention | GroupedAttention, Field(discriminator="kind")]


class Precision(Entry):
    """How weights are stored and multiplied."""

    name: str
    expert_bits: Positive = Field(description="Bits per weight of routed experts, with scales")
    other_bits: Positive = Field(description="Bits per weight of all else")
    compute: ComputePrecision = Field(description="What is multiplied, where the hardware has it")


class LanguageModel(Entry):
    """The shape of a decoder, with experts or without."""

    name: str
    title: str
    layers: int = Field(ge=1)
    dense_layers: int = Field(ge=0, description="Layers with one feed-forward, without experts")
    hidden: int = Field(ge=1)
    dense_width: int = Field(ge=0)
    expert_width: int = Field(ge=0)
    experts: int = Field(ge=0, description="Routed experts of a layer; 0: a dense model")
    active_experts: int = Field(ge=0, description="Routed experts that a token visits")
    shared_experts: int = Field(ge=0)
    vocabulary: int = Field(ge=1)
    heads: int = Field(ge=1)
    context_tokens: int = Field(ge=1, description="The longest context that it was made for")
    published_total: Positive = Field(description="Parameters, as its card says")
    published_active: Positive = Field(description="Parameters a token visits, as its card says")
    attention: Attention
    precision: tuple[Precision, ...] = Field(min_length=1)
    source: Source

    @property
    def expert_layers(self) -> int:
        return self.layers - self.dense_layers

    @property
    def expert_parameters(self) -> float:
        """One expert of one layer: gate, up and down projection."""
        return 3.0 * self.hidden * self.expert_width

    @property
    def routed_parameters(self) -> float:
        """All routed experts of all layers."""
        return self.expert_layers * self.experts * self.expert_parameters

    @property
    def embedding_parameters(self) -> float:
        """The input table, of which a token needs one row."""
        return float(self.vocabulary * self.hidden)

    @property
    def always_parameters(self) -> float:
        """What every token visits: attention, dense layers, shared experts, routers, output."""
        attention = self.layers * self.attention.parameters(self.hidden, self.heads)
        dense = self.dense_layers * 3.0 * self.hidden * self.dense_width
        shared = self.expert_layers * self.shared_experts * self.expert_parameters
        routers = self.expert_layers * self.hidden * self.experts
        return attention + dense + shared + routers + self.vocabulary * self.hidden

    @property
    def total_parameters(self) -> float:
        return self.always_parameters + self.routed_parameters + self.embedding_parameters

    @property
    def visited_expert_parameters(self) -> float:
        """Of routed experts, what one token visits."""
        return self.expert_layers * self.active_experts * self.expert_parameters

    @property
    def active_parameters(self) -> float:
        """What one token visits, one row of the input table counted as nothing."""
        return self.always_parameters + self.visited_expert_parameters

    def kv_bytes(self, context: float, kv_bits: int = 16) -> float:
        """The cache of one sequence of `context` tokens, in bytes."""
        return self.attention.cached_numbers(self.layers, context) * kv_bits / 8

    def at(self, precision: str) -> Precision:
        for known in self.precision:
            if known.name == precision:
                return known
        names = ", ".join(known.name for known in self.precision)
        raise ValueError(f"{self.title} has no precision {precision!r}: choose one of {names}.")
