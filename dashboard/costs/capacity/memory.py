"""Does it fit? Weights, cache and a reserve against an accelerator's memory.

The reserve for activations, graphs and fragmentation is a tenth of the memory, as engines keep it
by default (vLLM: gpu_memory_utilization 0.9).
"""

import math

from dashboard.costs.capacity.deployment import Deployment, both_layouts, counts
from dashboard.costs.capacity.hardware import Hardware
from dashboard.costs.capacity.language_model import LanguageModel, Precision

RESERVED_SHARE = 0.10
SCHEDULED_AT_ONCE = 2048  # sequences; TensorRT-LLM's default for one scheduler


def weight_bytes(model: LanguageModel, precision: Precision) -> float:
    """All weights."""
    return _routed_bytes(model, precision) + _other_bytes(model, precision)


def share_held(hardware: Hardware, model: LanguageModel, precision: Precision) -> float:
    """What part of the weights one accelerator's whole memory would hold, 1 at most."""
    return min(1.0, hardware.memory_bytes / weight_bytes(model, precision))


def weight_bytes_on_each(deployment: Deployment) -> float:
    """Weights on each accelerator; experts that the host keeps are not on it."""
    model, precision, number = deployment.model, deployment.precision, deployment.accelerators
    routed, other = _routed_bytes(model, precision), _other_bytes(model, precision)
    if deployment.hardware.host is not None:
        return other
    if deployment.layout == "expert":
        return routed / number + other
    return (routed + other) / number


def most_sequences(deployment: Deployment, context: int) -> int:
    """How many sequences of `context` tokens fit at once; 0: not one, or not even the weights."""
    if not _host_fits(deployment):
        return 0
    room = deployment.hardware.memory_bytes * (1 - RESERVED_SHARE)
    room -= weight_bytes_on_each(deployment)
    cache = deployment.model.kv_bytes(context, deployment.kv_bits)
    if deployment.layout == "expert":
        each = min(SCHEDULED_AT_ONCE, max(0, math.floor(room / cache)))
        return each * deployment.accelerators
    cache /= deployment.model.attention.split_over(deployment.accelerators)
    return min(SCHEDULED_AT_ONCE, max(0, math.floor(room / cache)))


def fits(deployment: Deployment, context: int, sequences: int = 1) -> bool:
    return most_sequences(deployment, context) >= sequences


def smallest(
    hardware: Hardware,
    model: LanguageModel,
    precision: Precision,
    context: int,
    sequences: int = 1,
    kv_bits: int = 16,
) -> Deployment | None:
    """The fewest accelerators that hold the model and so many sequences; None: no number does.

    Of two layouts that fit, the one with room for more sequences.
    """
    for number in counts(hardware):
        choices = both_layouts(hardware, model, precision, number, kv_bits)
        roomiest = max(choices, key=lambda choice: most_sequences(choice, context))
        if fits(roomiest, context, sequences):
            return roomiest
    return None


def _routed_bytes(model: LanguageModel, precision: Precision) -> float:
    return model.routed_parameters * precision.expert_bits / 8


def _other_bytes(model: LanguageModel, precision: Precision) -> float:
    return (model.total_parameters - model.routed_parameters) * precision.other_bits / 8


def _host_fits(deployment: Deployment) -> bool:
    host = deployment.hardware.host
    if host is None:
        return True
    routed = _routed_bytes(deployment.model, deployment.precision)
    return routed <= host.memory_bytes * (1 - RESERVED_SHARE)
