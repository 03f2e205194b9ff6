"""One way to get a model that runs."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from engine.model.batch import BLOCK_TOKENS, Chunk
from engine.model.experts import Experts
from engine.model.gguf_file import GgufFile
from engine.model.llama import TorchLlama

Precision = Literal["float32", "bfloat16", "int4"]


class Model(TorchLlama):
    @property
    def precision(self) -> Precision:
        return "float32" if self.dtype == torch.float32 else "bfloat16"

    @property
    def experts_per_token(self) -> int:
        return self.experts.per_token

    def set_experts_per_token(self, experts_per_token: int | None) -> None:
        """Routed experts a token from the next step on; None: the model's own default."""
        self.experts.set_per_token(experts_per_token)

    @property
    def total_parameters(self) -> int:
        """Weights of the model, the tied embedding counted once."""
        one_layer = sum(t.numel() for t in vars(self.layers[0]).values())
        feed_forward = 3 * self.config.hidden * self.config.neurons
        layers = self.config.layers * (one_layer + feed_forward)
        head = 0 if self.head is self.embedding else self.head.numel()
        return layers + self.embedding.numel() + head + self.config.hidden

    @property
    def active_parameters(self) -> int:
        """Weights that one token is multiplied with."""
        feed_forward = 3 * self.config.hidden * self.config.neurons
        inactive = self.experts.inactive_share * self.config.layers * feed_forward
        return self.total_parameters - round(inactive)

    def logits(self, token_ids: list[int]) -> Tensor:
        """Logits [tokens, vocab] of a whole text at once."""
        blocks = range(-(-len(token_ids) // BLOCK_TOKENS))
        chunk = Chunk(token_ids, 0, blocks)
        return self.forward([chunk], self.new_cache(len(blocks)), every_token=True).logits


def load(
    gguf: Path,
    carved: Path | None = None,
    precision: Precision = "int4",
    experts_per_token: int | None = None,
) -> Model:
    """Raises ModelFileError where a file is missing, damaged or of another kind."""
    weights = GgufFile(gguf)
    config = weights.config()
    dtype = torch.float32 if precision == "float32" else torch.bfloat16
    return Model(config, weights, Experts(config, weights, dtype), dtype)
