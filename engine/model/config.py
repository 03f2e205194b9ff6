"""The numbers that describe a decoder of any family. Knows nothing of files and of torch.

A model is a stack of blocks; each block says which attention and which feed-forward it has, so that
families which mix them (dense layers first, every second layer sparse, windows on some) need no
special case further down.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class LinearScaling:
    """Positions divided by `factor`."""

    factor: float


@dataclass(frozen=True)
class Llama3Scaling:
    """Llama 3.1's: long waves divided by `factor`, short ones kept, a ramp between."""

    factor: float
    low_frequency_factor: float
    high_frequency_factor: float
    original_context: int


@dataclass(frozen=True)
class Yarn:
    """YaRN (arXiv 2309.00071). `attention_factor` multiplies cosines and sines."""

    factor: float
    original_context: int
    attention_factor: float
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    truncate: bool = True  # the ramp's ends rounded to whole dimensions


@dataclass(frozen=True)
class FrequencyFactors:
    """Each frequency divided by a number of its own."""

    factors: tuple[float, ...]  # dim / 2


@dataclass(frozen=True)
class Rotary:
    """Rotary embedding of the first `dim` numbers of a head."""

    dim: int
    theta: float
    interleaved: bool = False  # pairs side by side (GGUF's llama, DeepSeek); else half of dim apart
    scaling: LinearScaling | Llama3Scaling | Yarn | FrequencyFactors | None = None


@dataclass(frozen=True)
class Attention:
    """Grouped-query attention; `scale` multiplies the scores."""

    heads: int
    kv_heads: int
    head_dim: int
    scale: float
    rotary: Rotary
    qk_norm: Literal["none", "head", "projection"] = "none"  # RMS norm per head, or over all of q
    clip: float | None = None  # q, k and v are clamped to ±clip (OLMoE, after the norms of q and k)
    window: int | None = None  # a token sees itself and the window - 1 before it
    sinks: bool = False  # a learned score a head that takes weight and gives nothing (gpt-oss)
    qkv_bias: bool = False
    output_bias: bool = False

    @property
    def cached_per_token(self) -> int:
        """Numbers that the cache keeps of a token."""
        return 2 * self.kv_heads * self.head_dim

    @property
    def operations_per_position(self) -> int:
        return 2 * self.heads * self.head_dim

    def parameters(self, hidden: int) -> int:
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        count = 2 * hidden * (queries + keys) + (self.heads if self.sinks else 0)
        count += (queries + 2 * keys if self.qkv_bias else 0) + (hidden if self.output_bias else 0)
        match self.qk_norm:
            case "head":
                return count + 2 * self.head_dim
            case "projection":
                return count + queries + keys
            case _:
                return count


@dataclass(frozen=True)
class LatentAttention:
    """DeepSeek's multi-head latent attention (arXiv 2405.04434)."""

    heads: int
    query_rank: int | None  # None: queries are projected directly
    kv_rank: int
    nope_dim: int
    rope_dim: int
    value_dim: int
    scale: float
    rotary: Rotary
    bias: bool = False  # on q_a, kv_a and o

    @property
    def cached_per_token(self) -> int:
        """Numbers that the cache keeps of a token: the latent and the shared rotary key."""
        return self.kv_rank + self.rope_dim

    @property
    def operations_per_position(self) -> int:
        return self.heads * (2 * self.kv_rank + self.rope_dim)  # absorbed: in the latent space

    def parameters(self, hidden: int) -> int:
        queries = self.heads * (self.nope_dim + self.rope_dim)
        rank = self.query_rank
        count = hidden * queries if rank is None else rank * (hidden + 1 + queries)
        count += hidden * (self.kv_rank + self.rope_dim) + self.kv_rank
        count += self.kv_rank * self.heads * (self.nope_dim + self.value_dim)
        count += self.heads * self.value_dim * hidden
        biases = (rank or 0) + self.kv_rank + self.rope_dim + hidden
        return count + (biases if self.bias else 0)


@dataclass(frozen=True)
class Dense:
    """down(silu(gate x) · up x)."""

    neurons: int


@dataclass(frozen=True)
class Router:
    """How a token's experts are chosen and weighed.

    `softmax`: over all experts, then the top ones. `top_softmax`: the top ones' scores, then
    softmax over those. `sigmoid`: each on its own. `selection_bias` takes part in the choice only.
    With `groups`, experts outside of the `groups_chosen` best groups are out; a group's score is
    the sum of its two best (`top2`) or its best (`max`).
    """

    scores: Literal["softmax", "top_softmax", "sigmoid"]
    normalise: bool = False  # the chosen weights are divided by their sum
    scale: float = 1.0
    groups: int = 1
    groups_chosen: int = 1
    group_score: Literal["top2", "max"] = "top2"
    selection_bias: bool = False
    bias: bool = False


@dataclass(frozen=True)
class Experts:
    """Routed experts, and a shared one where `shared_neurons` is not 0."""

    count: int
    per_token: int
    neurons: int  # of each routed expert
    router: Router
    shared_neurons: int = 0
    shared_gate: bool = False  # the shared expert's output times sigmoid(gate x) (Qwen2-MoE)
    activation: Literal["silu", "clamped_swiglu"] = "silu"
    bias: bool = False  # on gate, up and down of the routed experts

    def expert_parameters(self, hidden: int) -> int:
        """Weights of one routed expert."""
        biases = 2 * self.neurons + hidden if self.bias else 0
        return 3 * hidden * self.neurons + biases

    def parameters(self, hidden: int, routed: int) -> int:
        """Weights of the router, the shared expert and `routed` of the routed ones."""
        choosing = self.router.bias + self.router.selection_bias
        own = self.count * (hidden + choosing) + (hidden if self.shared_gate else 0)
        return own + 3 * hidden * self.shared_neurons + routed * self.expert_parameters(hidden)


@dataclass(frozen=True)
class Block:
    attention: Attention | LatentAttention
    feed_forward: Dense | Experts


@dataclass(frozen=True)
class ModelConfig:
    """A decoder. Sizes are counts of numbers."""

    name: str
    architecture: str
    hidden: int
    vocab_size: int
    context_length: int
    norm_eps: float
    eos_token_ids: tuple[int, ...]
    tied_head: bool  # the output head is the embedding
    blocks: tuple[Block, ...]
    embedding_multiplier: float = 1.0
    residual_multiplier: float = 1.0
    logits_divisor: float = 1.0

    @property
    def layers(self) -> int:
        return len(self.blocks)

    @property
    def mixtures(self) -> list[Experts]:
        """The feed-forwards with routed experts, by layer; dense layers are left out."""
        parts = (block.feed_forward for block in self.blocks)
        return [part for part in parts if isinstance(part, Experts)]

    @property
    def routed_experts(self) -> int:
        """Routed experts of the layer that has most; 0 for a dense model."""
        return max((part.count for part in self.mixtures), default=0)

    @property
    def cached_per_token(self) -> int:
        """Numbers that the cache keeps of a token, all layers together."""
        return sum(block.attention.cached_per_token for block in self.blocks)

    def parameters(self) -> int:
        """Weights, biases included; a head that is the embedding is counted once."""
        ends = self.hidden * self.vocab_size * (1 if self.tied_head else 2) + self.hidden
        return ends + sum(self._block_parameters(block, every=True) for block in self.blocks)

    def active_parameters(self) -> int:
        """Weights that one token goes through (its row of an untied embedding not counted in)."""
        ends = self.hidden * self.vocab_size + self.hidden
        return ends + sum(self._block_parameters(block, every=False) for block in self.blocks)

    def attention_operations(self) -> int:
        """Multiplications that a token's attention takes for each earlier position."""
        return sum(block.attention.operations_per_position for block in self.blocks)

    def _block_parameters(self, block: Block, every: bool) -> int:
        part = block.feed_forward
        if isinstance(part, Dense):
            wide = 3 * self.hidden * part.neurons
        else:
            wide = part.parameters(self.hidden, part.count if every else part.per_token)
        return block.attention.parameters(self.hidden) + wide + 2 * self.hidden
