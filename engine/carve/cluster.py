"""Which neurons are always on, and which share an expert.

An important neuron is one whose output moves the model's loss: output energy is measured in the
metric of the Fisher information of the layer's output (`sensitivity` below), not in plain length.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.carve.dense import Layer
from engine.carve.router import ridge

CLUSTER_TOKENS = 4096


@dataclass(frozen=True)
class Sizes:
    """How each layer's neurons are divided."""

    expert: int  # neurons in an expert
    shared: int  # experts' worth of neurons that are always on
    routed: int  # experts to choose from

    @property
    def shared_neurons(self) -> int:
        return self.shared * self.expert


def activations(layer: Layer, x: Tensor) -> Tensor:
    """What each neuron sends to the down projection: x [tokens, hidden] -> [tokens, neurons]."""
    return F.silu(F.linear(x, layer.gate)) * F.linear(x, layer.up)


def neuron_weight(layer: Layer, sensitivity: Tensor) -> Tensor:
    """Loss per squared activation of each neuron: d' S d for its down column d. [neurons]"""
    down = layer.down.float()
    return (down * (sensitivity @ down)).sum(dim=0).clamp_min(0)


def energies(layer: Layer, x: Tensor, sensitivity: Tensor) -> Tensor:
    """Each neuron's energy about its mean, at each token: [tokens, neurons] in float32."""
    h = activations(layer, x).float()
    return (h - h.mean(dim=0)).square() * neuron_weight(layer, sensitivity)


def by_expert(energy: Tensor, sizes: Sizes) -> Tensor:
    """[tokens, neurons in their carved order] -> [tokens, routed]: each routed expert's energy."""
    routed = energy[:, sizes.shared_neurons :]
    return routed.reshape(len(routed), sizes.routed, sizes.expert).sum(dim=-1)


def partition(x: Tensor, energy: Tensor, sizes: Sizes) -> Tensor:
    """An order of the neurons: the shared ones first, then expert after expert. [neurons]

    Shared are the neurons with the most energy on average; the others are clustered by when they
    are active as far as a linear router can tell: what it cannot foresee is no use in an expert.
    """
    by_importance = energy.mean(dim=0).argsort(descending=True)
    shared = by_importance[: sizes.shared_neurons]
    rest = by_importance[sizes.shared_neurons :]
    weight, bias = ridge(x.float(), energy[:, rest].sqrt())
    foreseen = F.linear(x[:: max(1, len(x) // CLUSTER_TOKENS)].float(), weight, bias).T
    features = F.normalize(foreseen - foreseen.mean(dim=1, keepdim=True), dim=1)
    members = balanced_clusters(features, sizes.routed, sizes.expert)
    return torch.cat((shared, rest[members.flatten()]))


def balanced_clusters(features: Tensor, clusters: int, size: int, rounds: int = 6) -> Tensor:
    """Spherical k-means whose clusters all have `size` members.

    features: [items, dimensions], unit rows. Returns item numbers [clusters, size]. In each round
    the closest pairs of item and centre are served first, until a cluster is full.
    """
    start = torch.linspace(0, len(features) - 1, clusters).long()
    centres = features[start]
    members = torch.empty(0)
    for _ in range(rounds):
        pairs = (features @ centres.T).flatten().argsort(descending=True).tolist()
        members = torch.tensor(_serve(pairs, len(features), clusters, size))
        centres = F.normalize(features[members].sum(dim=1), dim=1)
    return members


def _serve(pairs: list[int], items: int, clusters: int, size: int) -> list[list[int]]:
    taken = [False] * items
    members: list[list[int]] = [[] for _ in range(clusters)]
    for pair in pairs:
        item, cluster = divmod(pair, clusters)
        if not taken[item] and len(members[cluster]) < size:
            taken[item] = True
            members[cluster].append(item)
    return members
