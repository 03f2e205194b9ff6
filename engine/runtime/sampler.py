"""Draws the next token from logits. Knows nothing of sequences in a batch: one row at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.runtime.protocol import SamplingParams

_LIKELY = 512  # sorting this many of 49,152 candidates nearly always suffices for top_p


@dataclass(frozen=True, slots=True)
class Logprobs:
    """Natural log-probabilities of the model itself, before temperature and penalties."""

    chosen: float
    top: list[tuple[int, float]]  # most likely first


def sample(
    logits: NDArray[np.float32],
    sampling: SamplingParams,
    generated: Mapping[int, int],
    random: np.random.Generator,
) -> int:
    """A token id. `logits` [vocab]; `generated` counts the answer's tokens so far.

    Temperature 0 takes the most likely. Otherwise top_k, top_p and min_p each remove candidates
    of the distribution at that temperature. Raises ValueError where the logits are not numbers.
    """
    logits = _penalised(logits, sampling, generated)
    best = int(logits.argmax())
    if not np.isfinite(logits[best]):
        raise ValueError("the model computed something that is not a number")
    if sampling.temperature < 1e-5:
        return best
    weights = np.exp((logits - logits[best]) / np.float32(sampling.temperature))
    ids: NDArray[np.int64] | None = None
    if sampling.top_k > 0 or sampling.top_p < 1.0:
        ids = _most_likely(weights, sampling)
        weights = weights[ids]
    if sampling.min_p > 0.0:
        weights = np.where(weights >= sampling.min_p, weights, 0)  # the best one's weight is 1
    cumulative = weights.cumsum(dtype=np.float64)
    index = int(np.searchsorted(cumulative, random.random() * cumulative[-1], side="right"))
    index = min(index, len(weights) - 1)
    return index if ids is None else int(ids[index])


def _penalised(
    logits: NDArray[np.float32], sampling: SamplingParams, generated: Mapping[int, int]
) -> NDArray[np.float32]:
    if not generated or not (sampling.presence_penalty or sampling.frequency_penalty):
        return logits
    logits = logits.copy()
    ids = np.fromiter(generated, np.int64)
    counts = np.fromiter(generated.values(), np.float32)
    logits[ids] -= sampling.presence_penalty + sampling.frequency_penalty * counts
    return logits


def _most_likely(weights: NDArray[np.float32], sampling: SamplingParams) -> NDArray[np.int64]:
    """Ids of the top_k most likely, and of those the fewest that reach top_p together."""
    wanted = min(sampling.top_k or len(weights), len(weights))
    first = min(wanted, _LIKELY)
    total = float(weights.sum(dtype=np.float64))
    while True:
        unsorted = np.argpartition(weights, len(weights) - first)[len(weights) - first :]
        ids: NDArray[np.int64] = np.asarray(
            unsorted[np.lexsort((unsorted, -weights[unsorted]))], np.int64
        )
        mass = weights[ids].cumsum(dtype=np.float64)
        if sampling.top_p >= 1.0:
            if first == wanted:
                return ids
        else:
            # top_p is a share of what top_k left over; of everything where top_k is off.
            whole = float(mass[-1]) if first == wanted else total
            reach = int(np.searchsorted(mass, sampling.top_p * whole))
            if first == wanted or (sampling.top_k == 0 and reach < first):
                return ids[: reach + 1]
        first = wanted


def logprobs(logits: NDArray[np.float32], chosen: int, top: int) -> Logprobs:
    """Log-probabilities of the chosen token and of the `top` most likely ones."""
    best = logits.max()
    normaliser = float(best) + float(np.log(np.exp(logits - best).sum(dtype=np.float64)))
    ids: list[int] = np.argpartition(logits, -top)[-top:].tolist() if top else []
    likely = sorted(((i, float(logits[i]) - normaliser) for i in ids), key=lambda x: -x[1])
    return Logprobs(float(logits[chosen]) - normaliser, likely)
