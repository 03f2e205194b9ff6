"""The carved parts (what the shipped file holds) and the mixture's forward pass over dense weights.

For a layer's normalised input x, with h the neurons' activations silu(gate x) * (up x):

    scores = router_weight x + router_bias                       one per routed expert
    on     = the shared neurons and those of the k best-scored experts
    y      = down (h * on) + scale * (B (A x) + bias)

k differs by layer: row K of `experts_per_layer` says how K experts per token, on average over the
layers, are spent. With every expert on, `scale` is 0 and y is the dense layer's output.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.carve.cluster import Sizes, activations
from engine.carve.dense import Dense, FeedForward
from engine.carve.router import chosen

FORMAT = "breakeven-carved-1"


@dataclass(frozen=True)
class Carved:
    sizes: Sizes
    experts_per_token: int  # the default K
    order: Tensor  # [layers, neurons] int16: shared neurons first, then expert after expert
    experts_per_layer: Tensor  # [routed + 1, layers] uint8
    router_weight: Tensor  # [layers, routed, hidden]
    router_bias: Tensor  # [layers, routed]
    correction_a: Tensor  # [layers, rank, hidden]
    correction_b: Tensor  # [layers, hidden, rank]
    correction_bias: Tensor  # [layers, hidden]

    def correction_scale(self, experts_per_token: int) -> float:
        """How much of the correction applies: all up to the default, none with all experts on."""
        skipped = self.sizes.routed - experts_per_token
        return min(1.0, skipped / (self.sizes.routed - self.experts_per_token))


def permuted(model: Dense, order: Tensor) -> Dense:
    """The same dense model with each layer's neurons in the order given."""
    layers = [
        replace(
            layer,
            gate=layer.gate[index].contiguous(),
            up=layer.up[index].contiguous(),
            down=layer.down[:, index].contiguous(),
        )
        for layer, index in zip(model.layers, order.long(), strict=True)
    ]
    return replace(model, layers=layers)


def neuron_mask(experts: Tensor, sizes: Sizes) -> Tensor:
    """[..., routed] of 0 and 1 -> [..., neurons]: shared neurons are always on."""
    shared = experts.new_ones((*experts.shape[:-1], sizes.shared_neurons))
    return torch.cat((shared, experts.repeat_interleave(sizes.expert, dim=-1)), dim=-1)


def mixture(model: Dense, carved: Carved, experts_per_token: int | None = None) -> FeedForward:
    """The mixture's feed-forward. `model` must be permuted(dense, carved.order)."""
    wanted = carved.experts_per_token if experts_per_token is None else experts_per_token
    counts = carved.experts_per_layer[wanted].tolist()
    scale = carved.correction_scale(wanted)

    def feed_forward(layer: int, x: Tensor) -> Tensor:
        h = activations(model.layers[layer], x)
        if counts[layer] < carved.sizes.routed:
            weight = carved.router_weight[layer].to(x.dtype)
            scores = F.linear(x, weight).float() + carved.router_bias[layer].float()
            h = h * neuron_mask(chosen(scores, counts[layer]).to(h.dtype), carved.sizes)
        y = F.linear(h, model.layers[layer].down)
        if scale == 0:
            return y
        low_rank = F.linear(x, carved.correction_a[layer].to(x.dtype))
        correction = F.linear(low_rank, carved.correction_b[layer].to(x.dtype))
        return y + scale * (correction + carved.correction_bias[layer].to(x.dtype))

    return feed_forward


def inactive_share(carved: Carved, hidden: int, experts_per_token: int) -> dict[str, float]:
    """Shares of the dense feed-forward's parameters: skipped, added by what was trained, net."""
    neurons = carved.order.shape[1]
    layers = len(carved.order)
    active = carved.experts_per_layer[experts_per_token].float().mean().item()
    skipped = (carved.sizes.routed - active) * carved.sizes.expert / neurons
    rank = carved.correction_a.shape[1]
    added = carved.router_weight[0].numel() + carved.sizes.routed
    if carved.correction_scale(experts_per_token) > 0:
        added += 2 * rank * hidden + hidden
    overhead = added * layers / (layers * 3 * hidden * neurons)
    return {"skipped": skipped, "overhead": overhead, "net": skipped - overhead}


def save(carved: Carved, path: Path, notes: dict[str, str]) -> None:
    """Writes bfloat16 matrices, float32 offsets and the facts needed to read them."""
    tensors = {f.name: getattr(carved, f.name) for f in fields(carved) if f.type is Tensor}
    matrices = ("router_weight", "correction_a", "correction_b")
    stored = {
        name: (tensor.bfloat16() if name in matrices else tensor).contiguous()
        for name, tensor in tensors.items()
    }
    metadata = {
        "format": FORMAT,
        "expert_neurons": str(carved.sizes.expert),
        "shared_experts": str(carved.sizes.shared),
        "routed_experts": str(carved.sizes.routed),
        "experts_per_token": str(carved.experts_per_token),
        **notes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    save_file(stored, unfinished, metadata)
    unfinished.replace(path)


def load(path: Path) -> Carved:
    """Reads what `save` wrote. ValueError if the file is of another format."""
    with safe_open(path, "pt") as file:
        facts = file.metadata() or {}
        if facts.get("format") != FORMAT:
            raise ValueError(f"{path.name} is not a {FORMAT} file: carve the model again.")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    sizes = Sizes(
        int(facts["expert_neurons"]), int(facts["shared_experts"]), int(facts["routed_experts"])
    )
    return Carved(sizes, int(facts["experts_per_token"]), **tensors)
