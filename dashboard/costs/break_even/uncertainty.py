"""What the inputs' uncertainty does to break-even: Monte Carlo, and exact bounds.

Inputs are drawn independently of each other. Each has a stream of its own, so that what one draws
does not depend on which others are uncertain. Percentiles are order statistics, so "never" can be
one of them.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import product
from zlib import crc32

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dashboard.costs import money
from dashboard.costs.break_even import formulas as f
from dashboard.costs.break_even.answers import exact_months
from dashboard.costs.break_even.case import Against, BreakEvenCase
from dashboard.costs.break_even.distributions import Distribution, draw, stated_range

DRAWS = 10_000
LOW, MEDIAN, HIGH = 0.05, 0.5, 0.95
_WHOLE = ("hardware_count", "life_months", "developers")
SHARES = ("residual_share", "api_input_share")


class UncertainCase(BaseModel):
    """A case, and how those of its inputs that are not certain may turn out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: BreakEvenCase
    inputs: dict[str, Distribution] = Field(
        default_factory=dict, description="Distributions by the name of the case's field."
    )

    @model_validator(mode="after")
    def _ranges_fit_the_case(self) -> "UncertainCase":
        """A line for each that does not."""
        misfits = [_misfit(self.base, name, one) for name, one in self.inputs.items()]
        found = [misfit for misfit in misfits if misfit is not None]
        if found:
            raise ValueError("\n".join(found))
        return self


def _misfit(base: BreakEvenCase, name: str, distribution: Distribution) -> str | None:
    if name not in f.values_of(base):
        return f"{name}: is no number that the case gives."
    low, high = stated_range(distribution)
    for end in (low, high):
        try:
            with_values(base, {name: end})
        except ValidationError as error:
            why = error.errors()[0]["msg"].removeprefix("Input ")
            return f"{name}: its range reaches {end:f}, and it {why}."
    own = getattr(base, name)
    if not low <= own <= high:
        return f"{name}: is {own} in the case, which is not from {low} to {high}."
    return None


class Spread(BaseModel):
    """5th, 50th and 95th percentile; None: never."""

    model_config = ConfigDict(frozen=True)

    low: Decimal | None
    median: Decimal | None
    high: Decimal | None


class Simulation(BaseModel):
    """What came of all draws. `cost_per_developer` is fully loaded, a month."""

    model_config = ConfigDict(frozen=True)

    against: Against
    draws: int
    seed: int
    months: Spread
    cost_per_developer: Spread | None
    probability_never: float
    probability_within_life: float


class TeamSpread(BaseModel):
    """Months to break-even for a team of this size."""

    model_config = ConfigDict(frozen=True)

    developers: int
    months: Spread
    probability_never: float
    probability_within_life: float


class Bounds(BaseModel):
    """The earliest and the latest break-even, in months, that the stated ranges allow; None:
    never."""

    model_config = ConfigDict(frozen=True)

    earliest: Decimal | None
    latest: Decimal | None


def simulate(
    case: UncertainCase, against: Against = "seats", draws: int = DRAWS, seed: int = 0
) -> Simulation:
    """ValueError: prices of what it is compared with are missing."""
    f.require(case.base, against)
    values = _drawn(case, draws, seed)
    months = _months(values, against)
    has_team = bool(np.all(values["developers"] > 0))
    return Simulation(
        against=against,
        draws=draws,
        seed=seed,
        months=_spread(months, 4),
        cost_per_developer=_spread(f.cost_per_developer(values), 2) if has_team else None,
        probability_never=float(np.mean(np.isinf(months))),
        probability_within_life=float(np.mean(months <= f.life(values))),
    )


def simulate_teams(
    case: UncertainCase, teams: Iterable[int], draws: int = DRAWS, seed: int = 0
) -> list[TeamSpread]:
    """Break-even against seats for teams of these sizes, each developer using what those of the
    case do, all from the same draws.

    ValueError: the seat's price is missing, or the team is uncertain.
    """
    f.require(case.base, "seats")
    if "developers" in case.inputs:
        raise ValueError("The number of developers cannot be uncertain where each is looked at.")
    values = _drawn(case, draws, seed)
    a_head = values["tokens_per_day"] / max(case.base.developers, 1)
    spreads = []
    for number in teams:
        team = {"developers": np.full(draws, float(number)), "tokens_per_day": a_head * number}
        months = _months({**values, **team}, "seats")
        spreads.append(
            TeamSpread(
                developers=number,
                months=_spread(months, 4),
                probability_never=float(np.mean(np.isinf(months))),
                probability_within_life=float(np.mean(months <= f.life(values))),
            )
        )
    return spreads


def bounds(case: UncertainCase, against: Against = "seats") -> Bounds:
    """Exactly, by the corners of the ranges: break-even moves one way in every input, so that
    nothing inside them lies beyond. Of a lognormal input the range goes by its percentiles."""
    f.require(case.base, against)
    names = sorted(case.inputs)
    corners = list(product(*(stated_range(case.inputs[name]) for name in names)))
    values = {name: np.full(len(corners), float(v)) for name, v in f.values_of(case.base).items()}
    for place, name in enumerate(names):
        values[name] = np.array([float(corner[place]) for corner in corners])
    months = _months(values, against)
    found = [
        months_of(case.base, dict(zip(names, corners[at], strict=True)), against)
        for at in (int(np.argmin(months)), int(np.argmax(months)))
    ]
    earliest, latest = (None if one is None else money.rounded(one, 4) for one in found)
    return Bounds(earliest=earliest, latest=latest)


def with_values(case: BreakEvenCase, changes: Mapping[str, Decimal]) -> BreakEvenCase:
    """The case with other numbers. ValueError: one is none that the field takes."""
    return BreakEvenCase.model_validate(case.model_dump() | dict(changes))


def months_of(
    case: BreakEvenCase, changes: Mapping[str, Decimal], against: Against
) -> Fraction | None:
    """Months to break-even of the case with other numbers; None: never."""
    return exact_months(f.values_of(with_values(case, changes)), against)


def _drawn(case: UncertainCase, draws: int, seed: int) -> dict[str, f.Floats]:
    values = {name: np.full(draws, float(value)) for name, value in f.values_of(case.base).items()}
    for name, distribution in case.inputs.items():
        rng = np.random.default_rng([seed, crc32(name.encode())])
        drawn = draw(distribution, rng, draws)
        if name in _WHOLE:
            drawn = np.maximum(np.round(drawn), 1.0)
        values[name] = np.minimum(drawn, 1.0) if name in SHARES else drawn
    return values


def _months(values: Mapping[str, f.Floats], against: Against) -> f.Floats:
    """Months to break-even of every draw; infinite: never."""
    tokens, most = values["tokens_per_day"], f.most_per_day(values)
    unserved = np.zeros(len(tokens), dtype=bool)
    if most is not None:
        unserved = (tokens > most) & (against == "seats")
        tokens = np.minimum(tokens, most)
    saved = f.saving(values, against, tokens)
    pays = (saved > 0) & ~unserved
    never = np.full(len(tokens), np.inf)
    months: f.Floats = np.divide(f.to_recover(values), saved, out=never, where=pays)
    return months


def _spread(values: f.Floats, digits: int) -> Spread:
    found = np.quantile(values, [LOW, MEDIAN, HIGH], method="inverted_cdf")
    low, median, high = (
        money.rounded(Fraction(float(value)), digits) if np.isfinite(value) else None
        for value in found
    )
    return Spread(low=low, median=median, high=high)
