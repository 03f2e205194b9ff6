"""A figure from several independent replications, and how sure it is."""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev

from pydantic import BaseModel, ConfigDict

# Student's t, 97.5%, by degrees of freedom from 1: NIST/SEMATECH e-Handbook of Statistical Methods,
# 1.3.6.7.2 (https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm).
# fmt: off
_T975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)
# fmt: on


class Interval(BaseModel):
    """A mean and its 95% confidence interval: the truth of the model lies within in 19 of 20 cases.

    It tells of chance alone, not of how well the model fits the world. `low` and `high` are None
    where a single replication tells nothing of it.
    """

    model_config = ConfigDict(frozen=True)

    mean: float
    low: float | None
    high: float | None


def interval(figures: Sequence[float]) -> Interval:
    """Of the mean of independent `figures`, by Student's t."""
    mean = fmean(figures)
    if len(figures) < 2:
        return Interval(mean=mean, low=None, high=None)
    half = student_t(len(figures) - 1) * stdev(figures) / math.sqrt(len(figures))
    return Interval(mean=mean, low=mean - half, high=mean + half)


def student_t(freedom: int) -> float:
    """The 97.5% quantile; past 30 degrees by its expansion around the normal's (Abramowitz and
    Stegun, Handbook of Mathematical Functions, 26.7.5), within 0.0001."""
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z = NormalDist().inv_cdf(0.975)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + (z**3 + z) / 4 / freedom + second / freedom**2
