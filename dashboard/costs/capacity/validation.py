"""The roofline against published speeds: what it says, what was measured, and how far apart.

The factors never saw the held-out figures. Their author did, when choosing that parts of a step
follow one another and that sending hides behind work: the error stated is a little flattering.

What is planned with is not the prediction but the prediction ÷ the held-out figures' median ratio
(`correction`), which says how far it is typically too hopeful. Checks and errors are of the
prediction as it is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.factors import Factors
from dashboard.costs.capacity.load import factors as calibrated
from dashboard.costs.capacity.load import hardware, models, published
from dashboard.costs.capacity.published import Figure
from dashboard.costs.capacity.roofline import decode_step_s, prefill_s
from dashboard.costs.capacity.speed import speed

COVERED = 0.8  # of the held-out figures, by the interval that predictions carry


@dataclass(frozen=True, slots=True)
class Check:
    """One published figure beside its prediction."""

    figure: Figure
    predicted: float

    @property
    def ratio(self) -> float:
        """Predicted over published: above 1, the model is too hopeful."""
        return self.predicted / self.figure.tokens_per_s


@dataclass(frozen=True, slots=True)
class Errors:
    """How far predictions are off, over some figures.

    `typical_factor` and `worst_factor` are the median and the greatest of ratio or 1 ÷ ratio.
    """

    figures: int
    median_ratio: float
    typical_factor: float
    worst_factor: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A corrected speed and where the real one lies for 8 of 10 of the held-out figures."""

    low: float
    predicted: float
    high: float


def checks(factors: Factors | None = None, use: str | None = None) -> list[Check]:
    """Every figure, or those of one use, in the order of the file."""
    known = calibrated() if factors is None else factors
    return [
        Check(figure, predicted(figure, known))
        for figure in published()
        if use is None or figure.use == use
    ]


def predicted(figure: Figure, factors: Factors) -> float:
    """Tokens a second that the roofline expects where `figure` was measured."""
    deployment = deployment_of(figure)
    if figure.kind == "prefill":
        tokens = figure.prompt * (figure.batch or 1)
        return tokens / prefill_s(deployment, tokens, figure.prompt / 2, factors)
    if figure.kind == "decode":
        batch = figure.batch or 1
        return batch / decode_step_s(deployment, batch, figure.prompt, factors)
    answer = figure.answer or 1
    fast = speed(deployment, figure.prompt, answer, factors=factors)
    at_once = min(figure.batch or fast.most_at_once, fast.most_at_once)
    return fast.output_tokens_per_s(figure.prompt, answer, at_once)


def deployment_of(figure: Figure) -> Deployment:
    model = models()[figure.model]
    return Deployment(
        hardware=hardware()[figure.hardware],
        model=model,
        precision=model.at(figure.precision),
        accelerators=figure.accelerators,
        layout=figure.layout,
        kv_bits=figure.kv_bits,
    )


def errors(made: Sequence[Check]) -> Errors:
    apart = [math.exp(abs(math.log(check.ratio))) for check in made]
    return Errors(
        figures=len(made),
        median_ratio=median(check.ratio for check in made),
        typical_factor=median(apart),
        worst_factor=max(apart),
    )


@cache
def held_out() -> Errors:
    """Of the figures that calibrated nothing."""
    return errors(checks(use="held-out"))


def correction() -> float:
    """What a prediction is divided by before it is planned with: above 1, it is too hopeful."""
    return held_out().median_ratio


def interval(corrected: float) -> Interval:
    """A speed that is divided by `correction` already, with the uncertainty of its prediction."""
    low, high = _ratios_covered()
    predicted_speed = corrected * correction()
    return Interval(predicted_speed / high, corrected, predicted_speed / low)


@cache
def _ratios_covered() -> tuple[float, float]:
    """Ratios between which the middle 8 of 10 held-out figures lie, by nearest rank."""
    ratios = sorted(check.ratio for check in checks(use="held-out"))
    tail = (1 - COVERED) / 2
    return ratios[math.floor(tail * len(ratios))], ratios[math.ceil((1 - tail) * len(ratios)) - 1]
