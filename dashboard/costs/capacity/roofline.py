"""How long a step takes: of each part the slower of memory and arithmetic, then communication.

After the roofline model (Williams, Waterman and Patterson, 2009), for experts: of E experts, of
which each token visits k at random, a batch of B touches E(1 − (1 − k/E)^B). Real routing is less
even, so a step reads somewhat less and waits for the fullest expert; the calibrated shares of the
peaks (`factors`) take that up, and `validation` states the error that remains.
"""

from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.factors import Factors
from dashboard.costs.capacity.language_model import LanguageModel

ACTIVATION_BYTES = 2  # what layers hand on is in 16 bits
DISPATCH_BYTES = 1  # what goes to an expert is in 8 bits, what comes back in 16 (DeepEP)


def experts_touched(experts: int, active: int, tokens: float) -> float:
    """How many of a layer's experts so many tokens visit, on average."""
    if experts == 0:
        return 0.0
    return float(experts * (1 - (1 - active / experts) ** tokens))


def decode_step_s(deployment: Deployment, batch: int, context: float, factors: Factors) -> float:
    """Seconds of one step that gives each of `batch` sequences, `context` tokens long, a token."""
    attention = deployment.model.attention.decode_flops(
        deployment.model.layers, deployment.model.heads, context
    )
    cache = batch * deployment.model.kv_bytes(context, deployment.kv_bits)
    return _step_s(deployment, batch, attention, cache, factors)


def prefill_s(deployment: Deployment, tokens: int, seen: float, factors: Factors) -> float:
    """Seconds to read `tokens` tokens of prompts in one step.

    Each looks at `seen` earlier tokens on average: at half the prompt's, if none is cached.
    """
    attention = deployment.model.attention.prefill_flops(
        deployment.model.layers, deployment.model.heads, seen
    )
    return _step_s(deployment, tokens, attention, 0.0, factors)


def _step_s(
    deployment: Deployment, tokens: int, attention_flops: float, cache: float, factors: Factors
) -> float:
    """Seconds of a step over `tokens` tokens, each with `attention_flops`; `cache` bytes in all.

    Attention, experts and all else run one after another, each bound by memory or arithmetic.
    Spread experts are sent to while another half of the batch computes (two-batch overlap, as in
    SGLang and DeepSeek's own engine); cut matrices have to wait for their sums.
    """
    work = (
        _always_s(deployment, tokens, factors)
        + _attention_s(deployment, tokens * attention_flops, cache, factors)
        + _experts_s(deployment, tokens, factors)
    )
    sending = _communication_s(deployment, tokens, factors)
    overhead = deployment.model.layers * factors.layer_overhead_s
    if deployment.layout == "expert":
        return max(work, sending) + overhead
    return work + sending + overhead


def _always_s(deployment: Deployment, tokens: int, factors: Factors) -> float:
    """Projections, shared experts, dense layers, output: what every token visits."""
    model, precision = deployment.model, deployment.precision
    rates = deployment.hardware.flops
    rate = rates.bf16 if precision.other_bits >= 16 else rates.at(precision.compute)
    read = model.always_parameters * precision.other_bits / 8
    if deployment.layout == "tensor":
        read /= deployment.accelerators
    flops = 2 * tokens * model.always_parameters / deployment.accelerators
    return max(_read_s(deployment, read, factors), flops / (rate * factors.dense_share))


def _attention_s(deployment: Deployment, flops: float, cache: float, factors: Factors) -> float:
    """The tokens' look at their caches; both layouts share its arithmetic evenly."""
    number = deployment.accelerators
    split = number
    if deployment.layout == "tensor":
        split = deployment.model.attention.split_over(number)
    rate = deployment.hardware.flops.bf16 * factors.dense_share
    return max(_read_s(deployment, cache / split, factors), flops / number / rate)


def _experts_s(deployment: Deployment, tokens: int, factors: Factors) -> float:
    """Routed experts, on the accelerators or in the host's memory, while the others wait."""
    hardware, model = deployment.hardware, deployment.model
    read = _routed_bytes(deployment, tokens)
    flops = 2 * tokens * model.visited_expert_parameters
    if hardware.host is not None:
        memory = read / (hardware.host.memory_bandwidth * factors.host_memory_share)
        return max(memory, flops / (hardware.host.flops * factors.host_flops_share))
    number = deployment.accelerators
    rate = hardware.flops.at(deployment.precision.compute) * factors.expert_share
    return max(_read_s(deployment, read / number, factors), flops / number / rate)


def _read_s(deployment: Deployment, read: float, factors: Factors) -> float:
    return read / (deployment.hardware.memory_bandwidth * factors.memory_share)


def _routed_bytes(deployment: Deployment, tokens: float) -> float:
    """Weights of the routed experts that so many tokens touch."""
    model = deployment.model
    touched = experts_touched(model.experts, model.active_experts, tokens)
    weights = model.expert_layers * touched * model.expert_parameters
    return weights * deployment.precision.expert_bits / 8


def _communication_s(deployment: Deployment, tokens: int, factors: Factors) -> float:
    if deployment.accelerators == 1:
        return 0.0
    sent = _all_to_all if deployment.layout == "expert" else _all_reduce
    hardware = deployment.hardware
    link = hardware.link_bandwidth
    if deployment.spans_nodes and hardware.network_bandwidth is not None:
        link = hardware.network_bandwidth
    return sent(deployment, tokens) / (link * factors.link_share)


def _all_reduce(deployment: Deployment, tokens: int) -> float:
    """Bytes that each accelerator sends: two all-reduces a layer, as a ring."""
    number, model = deployment.accelerators, deployment.model
    once = tokens * model.hidden * ACTIVATION_BYTES * 2 * (number - 1) / number
    return 2 * model.layers * once


def _all_to_all(deployment: Deployment, tokens: int) -> float:
    """Bytes that each accelerator sends: its tokens to their experts, and the results back.

    To each other node once, however many experts are there (DeepSeek-V3, arXiv 2412.19437,
    section 3.2.2); within one node to each other accelerator once.
    """
    model, number = deployment.model, deployment.accelerators
    places = deployment.hardware.nodes(number) if deployment.spans_nodes else number
    others = _other_places(model, places)
    once = tokens / number * model.hidden * (DISPATCH_BYTES + ACTIVATION_BYTES)
    return model.expert_layers * once * others


def _other_places(model: LanguageModel, places: int) -> float:
    """To how many other places a token goes, on average, when its experts are anywhere."""
    return experts_touched(places, 1, model.active_experts) * (places - 1) / places
