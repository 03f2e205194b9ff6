"""Compiled products for decoders that run in torch: one matrix, or a layer's routed experts."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.model.kernels.build import instructions, library
from engine.model.kernels.packing import CMatrix, Packed


class CMixture(ctypes.Structure):
    """`struct Mixture` of mixture.h."""

    _fields_ = (
        *((n, ctypes.c_void_p) for n in ("gate", "up", "down")),
        *((n, ctypes.c_int32) for n in ("experts", "hidden", "neurons")),
    )


class CMixtureCall(ctypes.Structure):
    """`struct MixtureCall` of mixture.h."""

    _fields_ = (
        *((n, ctypes.c_int32) for n in ("tokens", "per_token")),
        *((n, ctypes.c_void_p) for n in ("x", "chosen", "gains", "y")),
    )


@dataclass(frozen=True)
class PackedExperts:
    """A layer's routed experts, gate, up and down of each; the C arrays point into them."""

    parts: tuple[tuple[Packed, ...], tuple[Packed, ...], tuple[Packed, ...]]
    arrays: tuple["ctypes.Array[CMatrix]", ...]
    c: CMixture

    @classmethod
    def of(
        cls, gate: Sequence[Packed], up: Sequence[Packed], down: Sequence[Packed]
    ) -> "PackedExperts":
        parts = tuple(gate), tuple(up), tuple(down)
        arrays = tuple((CMatrix * len(gate))(*(packed.c for packed in part)) for part in parts)
        sizes = len(gate), gate[0].c.blocks * 32, down[0].c.blocks * 32
        return cls(parts, arrays, CMixture(*map(ctypes.addressof, arrays), *sizes))

    @property
    def nbytes(self) -> int:
        return sum(packed.nbytes for part in self.parts for packed in part)


class Products:
    """The kernel with a team of threads. Raises NoKernel where it cannot be compiled."""

    def __init__(self, folder: Path, threads: int, target: str = "native") -> None:
        self._library = library(folder, target)
        self._library.breakeven_team.restype = ctypes.c_void_p
        self._team = ctypes.c_void_p(self._library.breakeven_team(ctypes.c_int(threads)))

    @property
    def instructions(self) -> str:
        """Which of the processor's instructions the products use, in words."""
        return instructions(self._library)

    def close(self) -> None:
        """Ends the threads."""
        self._library.breakeven_team_destroy(self._team)

    def multiply(self, matrix: Packed, x: Tensor, width: int) -> Tensor:
        """x float32 [rows, inputs] → [rows, width], the matrix's real number of outputs."""
        x = x.contiguous()
        y = torch.empty(len(x), width)
        self._library.breakeven_multiply(
            self._team,
            ctypes.byref(matrix.c),
            ctypes.c_void_p(x.data_ptr()),
            ctypes.c_int(len(x)),
            ctypes.c_void_p(y.data_ptr()),
            ctypes.c_int(width),
        )
        return y

    def mix(self, experts: PackedExperts, x: Tensor, chosen: Tensor, gains: Tensor) -> Tensor:
        """The sum over each token's experts of gain · down(silu(gate x) · up x), as x: float32.

        x [tokens, hidden]; chosen int64 and gains float32 [tokens, per_token].
        """
        x, chosen, gains = x.contiguous(), chosen.contiguous(), gains.contiguous()
        y = torch.empty_like(x)
        call = CMixtureCall(
            *chosen.shape, x.data_ptr(), chosen.data_ptr(), gains.data_ptr(), y.data_ptr()
        )
        self._library.breakeven_mixture(self._team, ctypes.byref(experts.c), ctypes.byref(call))
        return y
