"""The costs of a step from steps that were measured: a least-squares fit without negative costs."""

import statistics
from collections.abc import Sequence
from dataclasses import astuple
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from engine.energy.work import StepCosts, Work

Measured = tuple[Work, float]
"""What some steps did, all requests together, and the joules that they took."""


def fit(measured: Sequence[Measured]) -> StepCosts:
    """The costs, none below 0, by which the joules come out with the least relative error.

    A step that takes a hundred times another's energy would else count ten thousand times as much.
    With five costs every choice of which are 0 can be tried, so the best one is found for certain.
    Joules must be above 0.
    """
    joules = np.array([taken for _, taken in measured])
    rows = np.array([_row(work) for work, _ in measured]) / joules[:, None]
    size = rows.max(axis=0)
    size[size == 0] = 1.0  # nothing of it was done
    rows /= size
    best, least = np.zeros(len(size)), float(len(rows))  # every cost 0: wrong by all of it
    for count in range(1, len(size) + 1):
        for used in combinations(range(len(size)), count):
            found: NDArray[np.float64] = np.linalg.lstsq(rows[:, used], np.ones(len(rows)))[0]
            if (found < 0).any():
                continue
            wrong = float(((rows[:, used] @ found - 1) ** 2).sum())
            if wrong < least * (1 - 1e-9):
                best, least = np.zeros(len(size)), wrong
                best[list(used)] = found
    return StepCosts(*(best / size).tolist())


def median_error(costs: StepCosts, measured: Sequence[Measured]) -> float:
    """How far the costs are from the joules, as a part of these; the median."""
    told = np.array(astuple(costs))
    errors = [abs(float(told @ _row(work)) / joules - 1) for work, joules in measured]
    return statistics.median(errors)


def _row(work: Work) -> list[float]:
    """Amounts in the order of StepCosts."""
    prefill, decode = work.prefill, work.decode
    return [
        prefill.flops,
        decode.flops,
        prefill.weight_bytes + decode.weight_bytes,
        prefill.cache_bytes + decode.cache_bytes,
        prefill.steps + decode.steps,
    ]
