"""Decode steps recorded once and replayed: CUDA graphs.

Starting a kernel takes the processor longer than a small one takes the accelerator. A step in which
every sequence has one new token is therefore recorded for its number of sequences and, rounded up,
of positions; later ones are copied into the recorded step's inputs. On other devices "replaying" is
computing anew from those inputs, which is how the copying and the padding are tested.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.model.step import Step

Outputs = tuple[Tensor, list[Tensor | None]]
Compute = Callable[[Step, Any], Outputs]
_POSITIONS = 256  # lengths are rounded up to multiples of this
_MOST = 64  # graphs; each keeps memory for what is computed in it


@dataclass(frozen=True)
class _Recorded:
    step: Step
    cache: Any
    replay: Callable[[], Outputs]


class DecodeGraphs:
    """Wraps what computes a step and gives its outputs, which are valid until the next call."""

    def __init__(self, compute: Compute, device: torch.device) -> None:
        self._compute, self._device = compute, device
        self._recorded: dict[tuple[int, ...], _Recorded] = {}

    def __call__(self, step: Step, cache: Any) -> Outputs:
        step = step.padded(_POSITIONS)
        key = tuple(step.spans[0].slots.shape)
        known = self._recorded.get(key)
        if known is None or known.cache is not cache:
            if len(self._recorded) >= _MOST:
                self._recorded.pop(next(iter(self._recorded)))
            known = self._recorded[key] = _Recorded(step, cache, self._record(step, cache))
        else:
            known.step.copy_from(step)
        return known.replay()

    def _record(self, step: Step, cache: Any) -> Callable[[], Outputs]:
        if self._device.type != "cuda":
            return lambda: self._compute(step.anew(), cache)
        # Once outside of the recording: libraries choose their kernels then, tables are made.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._compute(step.anew(), cache)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self._compute(step.anew(), cache)

        def replay() -> Outputs:
            graph.replay()
            return outputs

        return replay
