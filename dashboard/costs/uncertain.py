"""How far off a scenario's inputs may be: in numbers of their own, or relative to the scenario's.

Relative ones move with the scenario, so that a slider that changes a price takes its range along.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from dashboard.costs.break_even.case import BreakEvenCase
from dashboard.costs.break_even.distributions import (
    Distribution,
    Fixed,
    LogNormal,
    Normal,
    Triangular,
    Uniform,
)
from dashboard.costs.break_even.uncertainty import SHARES
from dashboard.costs.models import Amount
from dashboard.costs.strict import Strict

InputName = Literal[
    "hardware_price",
    "residual_share",
    "life_months",
    "electricity_idle_per_month",
    "electricity_per_million_tokens",
    "operations_per_month",
    "developers",
    "seat_price_per_month",
    "tokens_per_day",
    "throughput_tokens_per_s",
    "api_input_price",
    "api_output_price",
    "api_input_share",
]


class Relative(Strict):
    """Triangular about the scenario's own value: from `low` times to `high` times of it."""

    kind: Literal["relative"]
    low: Amount = Field(le=1, description="Lowest, as a part of the scenario's own value: 0 to 1.")
    high: Amount = Field(ge=1, description="Highest, in times the scenario's own value: 1 or more.")


class Margin(Strict):
    """Triangular about the scenario's own value, as far above as below: by `by`, or by less where
    0 (or 1, of a share) is nearer. What is nil stays certain."""

    kind: Literal["margin"]
    by: Amount = Field(description="How far off either way, in the input's own unit.")


class Around(Strict):
    """Triangular from `low` to `high`, most likely the scenario's own value, which widens the
    range where it lies beyond."""

    kind: Literal["around"]
    low: Amount = Field(description="Lowest, in the input's own unit.")
    high: Amount = Field(description="Highest, in the input's own unit.")

    @model_validator(mode="after")
    def _rises(self) -> "Around":
        if self.high < self.low:
            raise ValueError("A range must rise from low to high.")
        return self


Uncertain = Annotated[
    Relative | Margin | Around | Fixed | Uniform | Triangular | Normal | LogNormal,
    Field(discriminator="kind"),
]


def _relative(low: str, high: str) -> Relative:
    return Relative(kind="relative", low=Decimal(low), high=Decimal(high))


# Assumed, not measured, and told as such wherever a result that rests on them is shown.
ASSUMED: Mapping[InputName, Uncertain] = {
    # Quotes differ: street prices of an H100 were given as ±20% and more in mid-2026.
    "hardware_price": _relative("0.8", "1.2"),
    # Of what is counted on: where no resale is, none is presumed.
    "residual_share": Margin(kind="margin", by=Decimal("0.25")),
    "life_months": _relative("0.6", "1.2"),
    # A rated 700 W was metered at 220 to 320 W with small models; a host and cooling add to it.
    "electricity_idle_per_month": _relative("0.5", "1.6"),
    "electricity_per_million_tokens": _relative("0.5", "1.6"),
    "operations_per_month": _relative("0.7", "1.5"),
    "seat_price_per_month": _relative("0.8", "1.25"),
    "tokens_per_day": _relative("0.5", "2"),
    "throughput_tokens_per_s": _relative("0.5", "1.5"),
    "api_input_price": _relative("0.5", "1.1"),
    "api_output_price": _relative("0.5", "1.1"),
}


# What a lease's contract fixes: its payments, which then are the price, and its term.
LEASED: tuple[InputName, ...] = ("hardware_price", "life_months")


def of_lease(uncertain: Mapping[InputName, Uncertain]) -> dict[InputName, Uncertain]:
    """Without the assumed ranges of what a lease fixes; those that somebody states are kept."""
    return {
        name: one
        for name, one in uncertain.items()
        if name not in LEASED or one != ASSUMED.get(name)
    }


def distributions(
    uncertain: Mapping[InputName, Uncertain], case: BreakEvenCase
) -> dict[str, Distribution]:
    """For this case, those of its inputs that it gives; what is relative to nothing is certain."""
    found: dict[str, Distribution] = {}
    for name in get_args(InputName):
        value = getattr(case, name)
        if value is None or name not in uncertain:
            continue
        most = Decimal(1) if name in SHARES else None
        made = _made(uncertain[name], Decimal(value), most, whole=isinstance(value, int))
        if made is not None:
            found[name] = made
    return found


def _short(value: Decimal) -> Decimal:
    """Without the noughts that a product ends in: 20000, not 20000.000."""
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()


def _made(
    uncertain: Uncertain, value: Decimal, most: Decimal | None, *, whole: bool
) -> Distribution | None:
    if isinstance(uncertain, Relative):
        low, high = _short(value * uncertain.low), _short(value * uncertain.high)
    elif isinstance(uncertain, Margin):
        by = min(uncertain.by, value, uncertain.by if most is None else most - value)
        low, high = value - by, value + by
    elif isinstance(uncertain, Around):
        low, high = min(value, uncertain.low), max(value, uncertain.high)
    else:
        return uncertain
    if whole:
        low, high = max(Decimal(1), low.to_integral_value()), high.to_integral_value()
    return Triangular(low=low, mode=value, high=high) if low < high else None
