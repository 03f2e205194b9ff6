"""Reads GGUF files (version 2 and 3): metadata at once, tensors as views of the mapped file.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Knows nothing of torch.
The `gguf` package's own reader takes three seconds on a vocabulary of 49,152; this one 0.1. Blocks
are dequantised by the package.
"""

import math
import re
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from engine.model.errors import ModelFileError
from engine.model.mapped_file import MappedFile

_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9
_LONGEST_ARRAY = 2**24
PART = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")  # a model in several files: which, of how many
_KINDS = {
    gguf.GGMLQuantizationType[name].value: name
    for name in (
        *("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"),
        *("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"),
    )
}


@dataclass(frozen=True)
class GgufTensor:
    """A tensor as stored. `shape` is rows first, as torch has it (GGUF lists it backwards)."""

    file: MappedFile
    start: int  # in the file
    row_bytes: int
    name: str
    kind: str
    shape: tuple[int, ...]

    @property
    def data(self) -> NDArray[np.uint8]:
        """[rows, bytes a row], not copied."""
        rows = math.prod(self.shape[:-1])
        return self.file.array(self.start, rows * self.row_bytes).reshape(rows, self.row_bytes)

    def __getitem__(self, index: int) -> "GgufTensor":
        """One of the matrices in a tensor [matrices, rows, columns]."""
        size = self.shape[1] * self.row_bytes
        return replace(self, start=self.start + index * size, shape=self.shape[1:])

    def dequantised(self) -> NDArray[np.float32]:
        """The values as float32 in `shape`."""
        values = gguf.dequantize(self.data, gguf.GGMLQuantizationType[self.kind])
        return np.array(values, dtype=np.float32).reshape(self.shape)


class GgufFile:
    """An open GGUF file; of a model in several files the first, which the others are read with.

    Raises ModelFileError where a file is missing, cut short or not GGUF.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = MappedFile(path)
        try:
            self._read_header()
        except (struct.error, KeyError, UnicodeDecodeError, ValueError, OverflowError) as error:
            raise ModelFileError(
                f"{path} is not a complete GGUF file ({error}); delete it to fetch it again."
            ) from error

    def _read_header(self) -> None:
        if self._file[:4] != b"GGUF":
            raise ValueError("it does not start with GGUF")
        self._at = 4
        version = self._number("I")
        if version not in (2, 3):
            raise ValueError(f"version {version} is not 2 or 3")
        tensors, entries = self._number("Q"), self._number("Q")
        self.metadata: dict[str, Any] = {}
        for _ in range(entries):
            key = self._string()
            self.metadata[key] = self._value(self._number("I"))
        infos = [self._tensor_info() for _ in range(tensors)]
        alignment = int(self.metadata.get("general.alignment", 32))
        start = -(-self._at // alignment) * alignment
        self.tensors = {info[0]: self._tensor(start, *info) for info in infos}
        self.tensors |= self._other_parts()

    def _number(self, code: str) -> Any:
        (value,) = self._file.unpack("<" + code, self._at)
        self._at += struct.calcsize("<" + code)
        return value

    def _string(self) -> str:
        length = self._number("Q")
        if self._at + length > len(self._file):
            raise ValueError("a string runs past the end")
        self._at += length
        return self._file[self._at - length : self._at].decode()

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._number(_SCALARS[kind])
        item, length = self._number("I"), self._number("Q")
        if length > _LONGEST_ARRAY:
            raise ValueError("a list runs past the end")
        if item in (_STRING, _ARRAY):
            return [self._value(item) for _ in range(length)]
        values = self._file.unpack(f"<{length}{_SCALARS[item]}", self._at)
        self._at += struct.calcsize(f"<{length}{_SCALARS[item]}")
        return list(values)

    def _tensor_info(self) -> tuple[str, tuple[int, ...], int, int]:
        name = self._string()
        dimensions = tuple(self._number("Q") for _ in range(self._number("I")))
        return name, dimensions[::-1], self._number("I"), self._number("Q")

    def _tensor(
        self, start: int, name: str, shape: tuple[int, ...], kind: int, offset: int
    ) -> GgufTensor:
        if kind not in _KINDS:
            raise ModelFileError(
                f"{self.path} stores {name} in ggml type {kind}; "
                f"this engine reads {', '.join(_KINDS.values())}."
            )
        label = _KINDS[kind]
        values, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[label]]
        if not shape or 0 in shape or shape[-1] % values:
            raise ValueError(f"{name} is {list(shape)}, not whole blocks of {values}")
        width = shape[-1] // values * size
        if start + offset + width * math.prod(shape[:-1]) > len(self._file):
            raise ValueError(f"{name} runs past the end")
        return GgufTensor(self._file, start + offset, width, name, label, shape)

    def _other_parts(self) -> dict[str, GgufTensor]:
        """Tensors of the files that follow, where a model is split into several."""
        count = self.metadata.get("split.count", 1)
        if count == 1 or self.metadata.get("split.no") != 0:
            return {}
        found = PART.search(self.path.name)
        if found is None or (int(found[1]), int(found[2])) != (1, count):
            raise ModelFileError(
                f"{self.path} is the first of {count} files, whose names must end in "
                f"-00001-of-{count:05}.gguf and so on; rename them so."
            )
        stem = self.path.name[: found.start()]
        names = [f"{stem}-{i:05}-of-{count:05}.gguf" for i in range(2, count + 1)]
        parts = [GgufFile(self.path.with_name(name)) for name in names]
        return {name: tensor for part in parts for name, tensor in part.tensors.items()}
