"""Reads a safetensors file: the header at once, tensors as views of the mapped file.

Format: eight bytes with the header's length, a JSON object, then the bytes of the tensors.
The `safetensors` package maps privately, which counts as the process's own memory; this shares.
"""

import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.model.errors import ModelFileError
from engine.model.mapped_file import MappedFile

_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_LONGEST_HEADER = 100_000_000  # the format's own limit


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies in its file."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    size: int


class SafetensorsFile:
    """An open safetensors file. Raises ModelFileError where it is missing or damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = MappedFile(path)
        try:
            self.entries = self._read_header()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ModelFileError(
                f"{path} is not a complete safetensors file ({error}); fetch it again."
            ) from error

    def _read_header(self) -> dict[str, Entry]:
        length = int.from_bytes(self._file[:8], "little")
        if len(self._file) < 8 or length > min(_LONGEST_HEADER, len(self._file) - 8):
            raise ValueError("its header is cut short")
        header = json.loads(self._file[8 : 8 + length])
        header.pop("__metadata__", None)
        return {name: self._entry(name, 8 + length, fields) for name, fields in header.items()}

    def _entry(self, name: str, data: int, fields: dict[str, Any]) -> Entry:
        if fields["dtype"] not in _TYPES:
            raise ValueError(f"{name} has type {fields['dtype']}")
        dtype = _TYPES[fields["dtype"]]
        shape = tuple(fields["shape"])
        begin, end = fields["data_offsets"]
        if not all(isinstance(n, int) and n >= 0 for n in (*shape, begin, end)):
            raise ValueError(f"{name} has a size that is not a whole number")
        if end - begin != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"{name} has {end - begin} bytes for shape {list(shape)}")
        if data + end > len(self._file):
            raise ValueError(f"{name} runs past the end")
        return Entry(dtype, shape, data + begin, end - begin)

    def tensor(self, name: str, index: int | None = None) -> Tensor:
        """A view of tensor `name`, or of `tensor[index]`, as stored. Read only: never write to it.

        A tensor that does not start at a multiple of its number's size is copied.
        """
        entry = self.entries[name]
        start, size, shape = entry.start, entry.size, entry.shape
        if index is not None:
            size, shape = size // shape[0], shape[1:]
            start += index * size
        if size == 0:
            return torch.empty(shape, dtype=entry.dtype)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            raw = torch.from_numpy(self._file.array(start, size))
        if start % entry.dtype.itemsize:
            raw = raw.clone()
        return raw.view(entry.dtype).view(shape)
