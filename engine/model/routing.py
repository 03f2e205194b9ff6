"""The carved part of a model: how its neurons form experts, and who chooses among them.

For a layer's normalised input x and its neurons' activations h = silu(gate x) · (up x):

    scores = router_weight x + router_bias                      one for each routed expert
    y      = down (h of the shared neurons and of the best-scored experts)
             + scale · (correction_b (correction_a x) + correction_bias)

How many experts a layer uses differs by layer: row K of `experts_per_layer` says how K experts a
token, on average over the layers, are spent. The correction makes up for what is left out, so its
scale falls to 0 with every expert on: then y is the dense layer's output.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.model.config import Dense, ModelConfig
from engine.model.errors import ModelFileError

_FORMAT = "breakeven-carved-1"


@dataclass(frozen=True)
class Carving:
    """What a carved file holds. Sizes: experts are counted in experts, each of `expert` neurons."""

    expert: int
    shared: int
    routed: int
    default_per_token: int
    order: Tensor  # [layers, neurons]: shared neurons first, then expert after expert
    experts_per_layer: Tensor  # [routed + 1, layers]
    router_weight: Tensor  # [layers, routed, hidden] float32, as all that follow
    router_bias: Tensor  # [layers, routed]
    correction_a: Tensor  # [layers, rank, hidden]
    correction_b: Tensor  # [layers, hidden, rank]
    correction_bias: Tensor  # [layers, hidden]

    @classmethod
    def read(cls, path: Path, config: ModelConfig, gguf: Path) -> "Carving":
        """Raises ModelFileError where the file is missing, damaged or not made for `gguf`."""
        try:
            with safe_open(path, "pt") as file:
                facts = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if facts.get("format") != _FORMAT:
                raise ValueError(f"its format is not {_FORMAT}")
            with gguf.open("rb") as weights:
                if facts["base_sha256"] != hashlib.file_digest(weights, "sha256").hexdigest():
                    raise ValueError(f"it was made for other weights than {gguf.name}")
            order, per_layer = tensors.pop("order").long(), tensors.pop("experts_per_layer").long()
            carving = cls(
                expert=int(facts["expert_neurons"]),
                shared=int(facts["shared_experts"]),
                routed=int(facts["routed_experts"]),
                default_per_token=int(facts["experts_per_token"]),
                order=order,
                experts_per_layer=per_layer,
                **{name: tensor.float() for name, tensor in tensors.items()},
            )
            carving._check(config)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"The carved file {path} cannot be used: {error}.") from error
        return carving

    def _check(self, config: ModelConfig) -> None:
        layers, hidden, neurons = config.layers, config.hidden, dense_neurons(config)
        rank = self.correction_a.shape[1]
        found = {
            "order": (self.order, (layers, neurons)),
            "experts_per_layer": (self.experts_per_layer, (self.routed + 1, layers)),
            "router_weight": (self.router_weight, (layers, self.routed, hidden)),
            "router_bias": (self.router_bias, (layers, self.routed)),
            "correction_a": (self.correction_a, (layers, rank, hidden)),
            "correction_b": (self.correction_b, (layers, hidden, rank)),
            "correction_bias": (self.correction_bias, (layers, hidden)),
        }
        for name, (tensor, shape) in found.items():
            if tuple(tensor.shape) != shape:
                raise ValueError(f"{name} is {tuple(tensor.shape)}, the model needs {shape}")
        if (self.shared + self.routed) * self.expert != neurons:
            raise ValueError(f"its experts do not add up to {neurons} neurons")
        if not torch.equal(self.order.sort().values, torch.arange(neurons).expand(layers, -1)):
            raise ValueError("its order leaves neurons out")
        if not (0 <= self.default_per_token < self.routed):
            raise ValueError("its default number of experts is out of range")
        counts = self.experts_per_layer
        if not bool(((counts >= 0) & (counts <= self.routed)).all()):
            raise ValueError("a layer would use more experts than there are")


def dense_neurons(config: ModelConfig) -> int:
    """The feed-forward width of a model that can be carved. ValueError where it cannot."""
    widths = {
        part.neurons for block in config.blocks if isinstance(part := block.feed_forward, Dense)
    }
    if len(widths) != 1 or config.routed_experts:
        raise ValueError("it needs a dense model whose layers are equally wide")
    return widths.pop()


class Routing:
    """How many experts a token uses now. A dense model has none to choose from."""

    def __init__(self, carving: Carving | None, experts_per_token: int | None = None) -> None:
        self.carving = carving
        self.set_per_token(experts_per_token)

    @property
    def routed(self) -> int:
        return self.carving.routed if self.carving else 0

    @property
    def shared(self) -> int:
        return self.carving.shared if self.carving else 1

    @property
    def default_per_token(self) -> int:
        return self.carving.default_per_token if self.carving else 0

    def set_per_token(self, experts_per_token: int | None) -> None:
        """None: the carving's default. What is out of range becomes the nearest that is not."""
        wanted = self.default_per_token if experts_per_token is None else experts_per_token
        self.per_token = max(0, min(wanted, self.routed))
        self.counts: list[int] = []
        if self.carving:
            self.counts = self.carving.experts_per_layer[self.per_token].tolist()

    @property
    def correction_scale(self) -> float:
        """All of the correction down from the default, none of it with every expert on."""
        if self.carving is None:
            return 0.0
        left_out = self.routed - self.per_token
        return min(1.0, left_out / (self.routed - self.carving.default_per_token))

    def parameters(self) -> int:
        """Weights that the carving adds to the dense model."""
        if self.carving is None:
            return 0
        return self._router_parameters() + self._correction_parameters()

    def idle_parameters(self, config: ModelConfig) -> int:
        """Weights, of the feed-forward and of the correction, that a token leaves out."""
        if self.carving is None:
            return 0
        left_out = sum(self.routed - count for count in self.counts)
        idle = left_out * self.carving.expert * 3 * config.hidden
        return idle + (0 if self.correction_scale else self._correction_parameters())

    def _router_parameters(self) -> int:
        assert self.carving
        return self.carving.router_weight.numel() + self.carving.router_bias.numel()

    def _correction_parameters(self) -> int:
        assert self.carving
        found = (
            self.carving.correction_a,
            self.carving.correction_b,
            self.carving.correction_bias,
        )
        return sum(tensor.numel() for tensor in found)
