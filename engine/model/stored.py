"""A folder's tensors by the names in its files, in floating point however they are stored."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.model.dequantise import fp8_blocks, int4_groups
from engine.model.errors import ModelFileError
from engine.model.safetensors_file import SafetensorsFile

_METHODS = ("fp8", "mxfp4", "compressed-tensors")
_FP8_BLOCK = (128, 128)
_PACKED = re.compile(r"\.weight$")


class StoredTensors:
    """`files`: which file holds a tensor. `quantisation`: config.json's quantization_config.

    Raises ModelFileError for a quantisation that this engine does not undo.
    """

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, SafetensorsFile],
        quantisation: Mapping[str, Any] | None,
    ) -> None:
        self._folder, self._files = folder, files
        quantisation = quantisation or {}
        method = quantisation.get("quant_method", "fp8")
        if method not in _METHODS:
            raise ModelFileError(
                f"{folder}/config.json: quantization_config.quant_method is {method!r}; "
                f"this engine reads {', '.join(_METHODS)} and plain floating point."
            )
        rows, columns = quantisation.get("weight_block_size") or _FP8_BLOCK
        self._fp8_block = int(rows), int(columns)

    def __contains__(self, name: str) -> bool:
        return name in self._files or _packed(name) in self._files

    def read(self, name: str, index: int | None = None) -> Tensor:
        """Tensor `name`, or row `index` of it, as floating point."""
        if name not in self._files and _packed(name) in self._files:
            return self._int4(name)
        tensor = self.raw(name, index)
        if f"{name}_scale_inv" in self._files:
            return fp8_blocks(tensor, self.raw(f"{name}_scale_inv"), self._fp8_block)
        if not tensor.is_floating_point() or tensor.element_size() == 1:
            raise ModelFileError(
                f"{self.path(name)}: {name} is stored as {str(tensor.dtype).removeprefix('torch.')}"
                " without the scales that would make numbers of it."
            )
        return tensor

    def raw(self, name: str, index: int | None = None) -> Tensor:
        """As stored."""
        if name not in self._files:
            raise ModelFileError(f"{self._folder} has no tensor {name}; fetch the model again.")
        return self._files[name].tensor(name, index)

    def path(self, name: str) -> Path:
        """The file that holds `name`, for messages."""
        file = self._files.get(name) or self._files.get(_packed(name))
        return file.path if file else self._folder

    def _int4(self, name: str) -> Tensor:
        stem = name.removesuffix(".weight")
        columns = int(self.raw(f"{stem}.weight_shape")[1])
        return int4_groups(self.raw(_packed(name)), self.raw(f"{stem}.weight_scale"), columns)


def _packed(name: str) -> str:
    """compressed-tensors' name for a matrix in 4 bits."""
    return _PACKED.sub(".weight_packed", name)
