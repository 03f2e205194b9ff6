"""One way to get a model that runs."""

import logging
from pathlib import Path

import torch
from platformdirs import user_cache_path

from engine.model import config_file
from engine.model.config import ModelConfig
from engine.model.decoder import Decoder
from engine.model.folder import Folder
from engine.model.gguf_file import GgufFile
from engine.model.gguf_weights import GgufWeights
from engine.model.kernel_llama import KernelLlama
from engine.model.kernels.build import NoKernel
from engine.model.model import Model
from engine.model.precision import Precision
from engine.model.routing import Carving, Routing
from engine.model.sizes import available_memory, check_fits, needs

_log = logging.getLogger(__name__)


def load(
    path: Path,
    carved: Path | None = None,
    precision: Precision = "int4",
    experts_per_token: int | None = None,
    threads: int | None = None,
    kernel_folder: Path | None = None,
) -> Model:
    """Reads a GGUF file or a folder of safetensors; `carved` makes a mixture of experts of a file.

    `int4` is the compiled kernel, kept in `kernel_folder`; where that does not run, for want of a
    compiler or because of the model, it is bfloat16 in torch, which `Model.kernel` then says.
    Raises ModelFileError where a file cannot be used.
    """
    if path.is_dir():
        return _load_folder(path, precision)
    weights = GgufFile(path)
    config = weights.config()
    check_fits(needs(config), precision, available_memory())
    routing = Routing(Carving.read(carved, config, path) if carved else None, experts_per_token)
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
    decoder = Decoder(config, GgufWeights(weights), routing, precision)
    return Model(config, routing, decoder, precision, kernel)


def _load_folder(path: Path, precision: Precision) -> Model:
    kernel = "torch"
    if precision == "int4":
        kernel, precision = "torch (the compiled kernel runs GGUF files only)", "bfloat16"
    check_fits(needs(read_config(path)), precision, available_memory())
    weights = Folder(path)
    routing = Routing(None)
    decoder = Decoder(weights.config, weights, routing, precision)
    return Model(weights.config, routing, decoder, precision, kernel)


def read_config(path: Path) -> ModelConfig:
    """What a GGUF file or a Hugging Face folder holds, its weights left unread."""
    if path.is_dir():
        return config_file.read_config(path)[2]
    return GgufFile(path).config()


def shipped_carving(gguf: Path) -> Path | None:
    """The carving that comes with the product for this model, if there is one."""
    path = Path(__file__).parent / "carved" / f"{gguf.stem.partition('.')[0].lower()}.safetensors"
    return path if path.exists() else None
