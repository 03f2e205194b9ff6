"""How weights are held."""

from pathlib import Path
from typing import Literal, get_args

from engine.model.config_file import read_json

Precision = Literal["float32", "bfloat16", "int8", "int4"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_FOUR_BITS = ("mxfp4", "compressed-tensors")  # of quantization_config.quant_method


def default_precision(model: Path, accelerator: bool = False) -> Precision:
    """4 bits where the weights have about as many already, as most GGUF files' do; else 8.

    Rounding others to 4 bits costs a small model much (tests/benchmarks/precision.py). Products in
    4 and 8 bits are the processor's: with an `accelerator`, folders are held in bfloat16.
    """
    if not model.is_dir():
        return "int4"
    if accelerator:
        return "bfloat16"
    stated = read_json(model / "config.json").get("quantization_config") or {}
    return "int4" if stated.get("quant_method") in _FOUR_BITS else "int8"
