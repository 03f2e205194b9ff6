"""The numbers that describe a model, read from its weights file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    """A Llama-style decoder. Sizes are counts of numbers; `neurons` is the feed-forward width."""

    name: str
    architecture: str
    layers: int
    hidden: int
    neurons: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    context_length: int
    rope_theta: float
    norm_eps: float
    eos_token_id: int
    tied_head: bool  # the output head is the embedding
