"""One way to get a model that runs."""

import logging
from pathlib import Path

import torch
from platformdirs import user_cache_path

from engine.model import config_file
from engine.model.config import ModelConfig
from engine.model.decoder import Decoder
from engine.model.folder import Folder
from engine.model.gguf_config import gguf_config
from engine.model.gguf_file import GgufFile
from engine.model.gguf_weights import GgufWeights
from engine.model.holder import Holder
from engine.model.kernel_llama import KernelLlama
from engine.model.kernels.build import NoKernel
from engine.model.kernels.products import Products
from engine.model.model import Model
from engine.model.precision import Precision, default_precision
from engine.model.routing import Carving, Routing
from engine.model.sizes import available_memory, check_fits, needs

_log = logging.getLogger(__name__)


def load(
    path: Path,
    carved: Path | None = None,
    precision: Precision | None = None,
    experts_per_token: int | None = None,
    threads: int | None = None,
    kernel_folder: Path | None = None,
    offload: bool = False,
) -> Model:
    """Reads a GGUF file or a folder of safetensors; `carved` makes a mixture of experts of a file.

    Without a `precision` the files and the machine decide (precision.py). `float32` and `bfloat16`
    are computed on the accelerator where there is one. `int8` and `int4` need the compiled kernel,
    kept in `kernel_folder`; where there is no compiler weights are held in bfloat16, which
    `Model.kernel` then says. `offload` leaves routed experts on disk. Raises ModelFileError where a
    file cannot be used.
    """
    precision = precision or default_precision(path, torch.cuda.is_available())
    threads = threads or torch.get_num_threads()
    folder = kernel_folder or user_cache_path("breakeven", appauthor=False) / "kernels"
    file = None if path.is_dir() else GgufFile(path)
    config = config_file.read_config(path)[2] if file is None else gguf_config(file)
    routing = Routing(Carving.read(carved, config, path) if carved else None, experts_per_token)
    device = torch.device("cpu") if routing.carving else _device(precision)
    check_fits(needs(config), precision, _room(device), offload)
    weights = Folder(path) if file is None else GgufWeights(file, config)
    if precision == "int4" and isinstance(weights, GgufWeights):
        try:
            fast = KernelLlama(config, weights, routing, threads, folder)
            return Model(config, routing, fast, "int4", f"C++ ({fast.instructions})")
        except NoKernel as reason:
            _log.warning("Computing layer by layer, several times slower: %s.", reason)
    holder, kernel = _holder(config, precision, device, threads, folder)
    decoder = Decoder(config, weights, routing, holder, offload)
    return Model(config, routing, decoder, holder.precision, kernel)


def _holder(
    config: ModelConfig,
    precision: Precision,
    device: torch.device,
    threads: int,
    kernel_folder: Path,
) -> tuple[Holder, str]:
    """What holds the weights, and in words what computes with them."""
    if precision in ("float32", "bfloat16"):
        return Holder(precision, device=device), "torch" + _named(device)
    try:
        products = Products(kernel_folder, threads)
    except NoKernel as reason:
        _log.warning("Holding weights in bfloat16, several times slower: %s.", reason)
        return Holder("bfloat16"), f"torch ({reason})"
    holder = Holder(precision, products, mixture=bool(config.mixtures))
    return holder, f"torch and C++ ({products.instructions})"


def _device(precision: Precision) -> torch.device:
    """Products in 4 and 8 bits are compiled for processors only."""
    floating = precision in ("float32", "bfloat16")
    return torch.device("cuda" if floating and torch.cuda.is_available() else "cpu")


def _room(device: torch.device) -> int:
    """Bytes that weights and cache may take there."""
    if device.type == "cpu":
        return available_memory()
    return int(torch.cuda.mem_get_info(device)[0])


def _named(device: torch.device) -> str:
    return "" if device.type == "cpu" else f" ({torch.cuda.get_device_name(device)})"


def read_config(path: Path) -> ModelConfig:
    """What a GGUF file or a Hugging Face folder holds, its weights left unread."""
    if path.is_dir():
        return config_file.read_config(path)[2]
    return gguf_config(GgufFile(path))


def shipped_carving(gguf: Path) -> Path | None:
    """The carving that comes with the product for this model, if there is one."""
    if gguf.is_dir():
        return None
    path = Path(__file__).parent / "carved" / f"{gguf.stem.partition('.')[0].lower()}.safetensors"
    return path if path.exists() else None
