"""Makes weights ready for use in the precision that was asked for."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.model.config import Experts
from engine.model.kernels.packing import BLOCK, Arena, Blocks, Packed, pack, rounded, rounded_to_4
from engine.model.kernels.products import PackedExperts, Products
from engine.model.matrix import FloatMatrix, Matrix, QuantisedMatrix
from engine.model.precision import Precision
from engine.model.weights import LayerWeights

_PROCESSOR = torch.device("cpu")


class Holder:
    """Makes weights ready for use. `int8` and `int4` need the compiled `products`.

    int8: 32 inputs of a row share a scale; int4: a scale and an offset, both in 16 bits. Where the
    inputs are no multiple of 32, a matrix stays in bfloat16. In int4, a mixture's experts alone
    have 4 bits and all else 8: that is little of the model, and every token goes through it.
    """

    def __init__(
        self,
        precision: Precision,
        products: Products | None = None,
        mixture: bool = False,
        device: torch.device = _PROCESSOR,
    ) -> None:
        self.device = device
        self.precision = precision
        self.dtype = torch.float32 if precision == "float32" else torch.bfloat16
        self._bits = {"int8": 8, "int4": 4}.get(precision)
        self._shared_bits = 8 if mixture else 0
        self._products = products
        self._arena = Arena()

    def vector(self, weight: Tensor) -> Tensor:
        """Norms, sinks, embeddings: what no precision rounds further than the activations."""
        return weight.to(self.device, self.dtype)

    def exact(self, weight: Tensor) -> Tensor:
        """What is computed in float32 whatever the precision: routers and gates."""
        return weight.to(self.device, torch.float32)

    def empty(self, *shape: int) -> Tensor:
        """To be filled with weights, or with what is kept of tokens; pages never written take no
        memory."""
        return torch.empty(shape, dtype=self.dtype, device=self.device)

    def matrix(self, weight: Tensor, bias: Tensor | None = None, bits: int = 0) -> Matrix:
        """Holds weight [out, in] that every token uses; in `bits` where int4 is too coarse."""
        return self._matrix(weight, bias, max(bits, self._shared_bits))

    def expert_matrix(self, weight: Tensor, bias: Tensor | None = None) -> Matrix:
        """Holds a routed expert's weight [out, in]."""
        return self._matrix(weight, bias, 0)

    def _matrix(self, weight: Tensor, bias: Tensor | None, least_bits: int) -> Matrix:
        if self._bits is None or self._products is None or weight.shape[1] % BLOCK:
            return self.stored_matrix(weight, bias)
        packed = self._packed(weight, max(self._bits, least_bits))
        bias = None if bias is None else bias.float()
        return QuantisedMatrix(self._products, packed, len(weight), bias)

    def stored_matrix(self, weight: Tensor, bias: Tensor | None = None) -> Matrix:
        """In the activations' type. A weight that has it already is not copied."""
        return FloatMatrix(self.vector(weight), None if bias is None else self.vector(bias))

    def mixture(self, experts: Experts, weights: LayerWeights) -> "QuantisedMixture | None":
        """All of a layer's routed experts for one call, read one by one; None where they are not
        quantised or their sizes do not fit the kernel."""
        products, bits = self._products, self._bits
        if bits is None or products is None or experts.neurons % BLOCK:
            return None
        packed = []
        for expert in map(weights.expert, range(experts.count)):
            if expert.gate.shape[1] % BLOCK:
                return None
            parts = (expert.gate, expert.up, expert.down)
            packed.append([self._packed(part, bits) for part in parts])
        return QuantisedMixture(products, PackedExperts.of(*zip(*packed, strict=True)))

    def _packed(self, weight: Tensor, bits: int) -> Packed:
        values: NDArray[np.float32] = weight.float().numpy()
        blocks: Blocks = rounded(values) if bits == 8 else rounded_to_4(values)
        return pack(blocks, self._arena)


class QuantisedMixture:
    """Routed experts in 4 or 8 bits, all of those that are chosen in one call."""

    def __init__(self, products: Products, experts: PackedExperts) -> None:
        self._products, self._experts = products, experts

    @property
    def nbytes(self) -> int:
        return self._experts.nbytes

    def __call__(self, x: Tensor, chosen: Tensor, gains: Tensor) -> Tensor:
        """x [tokens, hidden]; chosen and gains [tokens, per_token] → float32 as x."""
        return self._products.mix(self._experts, x.float(), chosen, gains)
