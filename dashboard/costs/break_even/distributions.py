"""How an input may turn out: stated distributions, drawn from or taken at their ends."""

import math
from decimal import Decimal
from statistics import NormalDist
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from dashboard.costs.break_even.formulas import Floats
from dashboard.costs.models import Derived

_GRID = 2001  # points of the truncated normal's table: its error is far below a millionth
_P95 = NormalDist().inv_cdf(0.95)


class _Distribution(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Fixed(_Distribution):
    """Known for certain."""

    kind: Literal["fixed"] = "fixed"
    value: Derived


class Uniform(_Distribution):
    """Anything from `low` to `high`, all alike."""

    kind: Literal["uniform"] = "uniform"
    low: Derived
    high: Derived

    @model_validator(mode="after")
    def _rises(self) -> "Uniform":
        _require_rising(self.low, self.high)
        return self


class Triangular(_Distribution):
    """From `low` to `high`, most likely `mode`."""

    kind: Literal["triangular"] = "triangular"
    low: Derived
    mode: Derived
    high: Derived

    @model_validator(mode="after")
    def _rises(self) -> "Triangular":
        _require_rising(self.low, self.mode, self.high)
        return self


class Normal(_Distribution):
    """Normal with this mean and standard deviation, cut off below `low` and above `high`."""

    kind: Literal["normal"] = "normal"
    mean: Derived
    sd: Derived = Field(gt=0)
    low: Derived
    high: Derived

    @model_validator(mode="after")
    def _rises(self) -> "Normal":
        _require_rising(self.low, self.mean, self.high)
        return self


class LogNormal(_Distribution):
    """Lognormal with these 5th and 95th percentiles, which also are its stated range."""

    kind: Literal["lognormal"] = "lognormal"
    p5: Derived = Field(gt=0)
    p95: Derived = Field(gt=0)

    @model_validator(mode="after")
    def _rises(self) -> "LogNormal":
        _require_rising(self.p5, self.p95)
        return self


Distribution = Annotated[
    Fixed | Uniform | Triangular | Normal | LogNormal, Field(discriminator="kind")
]


def stated_range(distribution: Distribution) -> tuple[Decimal, Decimal]:
    """From where to where it goes; a lognormal one by its percentiles."""
    match distribution:
        case Fixed(value=value):
            return value, value
        case LogNormal(p5=p5, p95=p95):
            return p5, p95
        case _:
            return distribution.low, distribution.high


def draw(distribution: Distribution, rng: np.random.Generator, size: int) -> Floats:
    match distribution:
        case Fixed(value=value):
            return np.full(size, float(value))
        case Uniform(low=low, high=high):
            return rng.uniform(float(low), float(high), size)
        case Triangular(low=low, mode=mode, high=high):
            if low == high:
                return np.full(size, float(low))
            return rng.triangular(float(low), float(mode), float(high), size)
        case Normal():
            return _truncated(distribution, rng.random(size))
        case LogNormal(p5=p5, p95=p95):
            lower, upper = math.log(float(p5)), math.log(float(p95))
            return rng.lognormal((lower + upper) / 2, (upper - lower) / (2 * _P95), size)


def _truncated(normal: Normal, uniform: Floats) -> Floats:
    """By the inverse of its distribution function, read off a table."""
    whole = NormalDist(float(normal.mean), float(normal.sd))
    at = np.linspace(float(normal.low), float(normal.high), _GRID)
    below = np.array([whole.cdf(value) for value in at])
    rises = below[0] + uniform * (below[-1] - below[0])
    drawn: Floats = np.interp(rises, below, at)
    return drawn


def _require_rising(*values: Decimal) -> None:
    if list(values) != sorted(values):
        raise ValueError("A distribution's numbers must rise from low to high.")
