"""What a step did for each request, in operations and bytes: what its energy is divided by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.energy.calibration import Setup
from engine.energy.meter_set import MeterSet
from engine.energy.work import Effort, Work
from engine.model.model import Model
from engine.runtime.engine import Processed


@dataclass(frozen=True, slots=True)
class Sizes:
    """A model's numbers that a step's work follows from: parameters, and bytes a parameter.

    `always` are those that every token goes through, the head and routed experts apart. They hold
    for the number of experts that the model is set to; to count them takes half a millisecond.
    """

    always: int
    head: int
    expert: int
    parameter_bytes: float
    position_operations: int  # products of attention for each position that is read
    position_bytes: int  # of the cache

    @classmethod
    def of(cls, model: Model) -> "Sizes":
        c = model.config
        head = c.hidden * c.vocab_size
        return cls(
            always=model.active_parameters - head - model.expert_choices * model.expert_parameters,
            head=head,
            expert=model.expert_parameters,
            parameter_bytes=model.weight_bytes / model.total_parameters,
            position_operations=c.attention_operations(),
            position_bytes=c.cached_per_token * model.cache_number_bytes,
        )


def setup_of(model: Model, threads: int, offload: bool, meters: MeterSet) -> Setup:
    """What the costs of this model's steps depend on."""
    return Setup(model.config.name, model.precision, model.kernel, threads, offload, meters.source)


def work_done(sizes: Sizes, processed: Sequence[Processed]) -> dict[int, Work]:
    """By request id. Weights that a step reads once are divided evenly over the sequences that
    needed them: an expert's over those that chose it, the head's over those that used it."""
    if not processed:
        return {}
    chosen, experts_read = _experts([p.chosen for p in processed])
    heads = sum(p.outputs > 0 for p in processed)
    done: dict[int, Work] = {}
    for p, choices, experts in zip(processed, chosen, experts_read, strict=True):
        weights = sizes.always / len(processed) + sizes.expert * experts
        if p.outputs:
            weights += sizes.head / heads
        products = p.tokens * sizes.always + choices * sizes.expert + p.outputs * sizes.head
        products += p.positions * sizes.position_operations
        effort = Effort(
            tokens=p.tokens,
            flops=2.0 * products,
            weight_bytes=weights * sizes.parameter_bytes,
            cache_bytes=float(p.positions * sizes.position_bytes),
            steps=1 / len(processed),
        )
        work = Work(prefill=effort) if p.is_prefill else Work(decode=effort)
        before = done.get(p.request_id)  # of another of its answers
        done[p.request_id] = work if before is None else before + work
    return done


def _experts(chosen: Sequence[NDArray[np.int32]]) -> tuple[list[int], list[float]]:
    """Of [layers, experts] counts for each sequence: how often it chose one, and its part of the
    experts that the step read, each divided evenly over the sequences that chose it."""
    if len(chosen) == 1:  # the same in a third of the time
        return [int(chosen[0].sum())], [float(np.count_nonzero(chosen[0]))]
    counts = np.array(chosen).reshape(len(chosen), -1)
    used = (counts > 0).astype(np.float64)
    parts = used @ (1 / np.maximum(used.sum(axis=0), 1))
    return counts.sum(axis=1).tolist(), parts.tolist()
