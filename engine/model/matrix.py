"""A weight that multiplies."""

from typing import Protocol

import torch.nn.functional as F
from torch import Tensor

from engine.model.kernels.packing import Packed
from engine.model.kernels.products import Products


class Matrix(Protocol):
    """x [n, in] → [n, out], of x's type."""

    @property
    def nbytes(self) -> int: ...

    def __call__(self, x: Tensor) -> Tensor: ...


class FloatMatrix:
    """A weight [out, in]."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self.weight, self.bias = weight, bias

    @property
    def nbytes(self) -> int:
        return self.weight.nbytes + (0 if self.bias is None else self.bias.nbytes)

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class QuantisedMatrix:
    """A weight in 4 or 8 bits. The product's activations have 15."""

    def __init__(self, products: Products, packed: Packed, width: int, bias: Tensor | None) -> None:
        self._products, self._packed, self._width, self._bias = products, packed, width, bias

    @property
    def nbytes(self) -> int:
        return self._packed.nbytes + (0 if self._bias is None else self._bias.nbytes)

    def __call__(self, x: Tensor) -> Tensor:
        y = self._products.multiply(self._packed, x.float(), self._width)
        return (y if self._bias is None else y + self._bias).to(x.dtype)
