"""One way to get a model that runs."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from platformdirs import user_cache_path
from torch import Tensor

from engine.model.batch import BLOCK_TOKENS, Chunk, Forward
from engine.model.config import ModelConfig
from engine.model.gguf_file import GgufFile
from engine.model.kernel_llama import KernelLlama
from engine.model.kernels.build import NoKernel
from engine.model.llama import TorchLlama
from engine.model.routing import Carving, Routing

Precision = Literal["float32", "bfloat16", "int4"]
_log = logging.getLogger(__name__)


class Model:
    """A loaded model: its numbers, its experts, and whoever computes it."""

    def __init__(
        self,
        config: ModelConfig,
        routing: Routing,
        runner: TorchLlama | KernelLlama,
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
        return (
            self.config.active_parameters()
            + self.routing.parameters()
            - self.routing.idle_parameters(self.config)
        )


def load(
    gguf: Path,
    carved: Path | None = None,
    precision: Precision = "int4",
    experts_per_token: int | None = None,
    threads: int | None = None,
    kernel_folder: Path | None = None,
) -> Model:
    """Reads the weights and, with `carved`, makes a mixture of experts of them.

    `int4` is the compiled kernel, kept in `kernel_folder`; without a compiler it is bfloat16 in
    torch, which `Model.kernel` then says. Raises ModelFileError where a file cannot be used.
    """
    weights = GgufFile(gguf)
    config = weights.config()
    routing = Routing(Carving.read(carved, config, gguf) if carved else None, experts_per_token)
    kernel = "torch"
    if precision == "int4":
        folder = kernel_folder or user_cache_path("breakeven", appauthor=False) / "kernels"
        try:
            fast = KernelLlama(config, weights, routing, threads or torch.get_num_threads(), folder)
            return Model(config, routing, fast, "int4", f"C++ ({fast.instructions})")
        except NoKernel as reason:
            kernel = f"torch ({reason})"
            precision = "bfloat16"
            _log.warning("Computing in torch, several times slower: %s.", reason)
    dtype = torch.float32 if precision == "float32" else torch.bfloat16
    return Model(config, routing, TorchLlama(config, weights, routing, dtype), precision, kernel)


def shipped_carving(gguf: Path) -> Path | None:
    """The carving that comes with the product for this model, if there is one."""
    path = Path(__file__).parent / "carved" / f"{gguf.stem.partition('.')[0].lower()}.safetensors"
    return path if path.exists() else None
