"""A weight that multiplies, held in the precision that was asked for."""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.model.precision import Precision


class Matrix(Protocol):
    """x [n, in] → [n, out], of x's type."""

    @property
    def nbytes(self) -> int: ...

    def __call__(self, x: Tensor) -> Tensor: ...


def matrix(weight: Tensor, precision: Precision, bias: Tensor | None = None) -> Matrix:
    """Holds weight [out, in]. A weight of that type already is not copied."""
    dtype = activation_dtype(precision)
    return FloatMatrix(weight.to(dtype), None if bias is None else bias.to(dtype))


def activation_dtype(precision: Precision) -> torch.dtype:
    """What is computed in."""
    return torch.float32 if precision == "float32" else torch.bfloat16


class FloatMatrix:
    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight, self.bias = weight, bias

    @property
    def nbytes(self) -> int:
        return self.weight.nbytes + (0 if self.bias is None else self.bias.nbytes)

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)
