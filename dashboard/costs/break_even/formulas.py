"""The formulas of break-even, once, for exact fractions and for arrays of draws alike.

    months = price × count × (1 − residual) ÷ (baseline − running, per month)

`Values` are a case's fields by name. Amounts are per month unless they say otherwise.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from dashboard.costs.break_even.case import Against, BreakEvenCase

DAYS_PER_MONTH = 30
SECONDS_PER_DAY = 86_400
MILLION = 10**6

Floats = NDArray[np.float64]
N = TypeVar("N", Fraction, Floats)

_NEEDED: dict[Against, tuple[str, ...]] = {
    "seats": ("seat_price_per_month",),
    "api": ("api_input_price", "api_output_price", "api_input_share"),
}


def values_of(case: BreakEvenCase) -> dict[str, Fraction]:
    """The case's numbers by name, exactly; those that are not known are left out."""
    fields = case.model_dump(exclude={"currency"}, exclude_none=True)
    return {name: Fraction(value) for name, value in fields.items()}


def require(case: BreakEvenCase, against: Against) -> None:
    """ValueError: a price of what it is compared with is not given."""
    missing = [name for name in _NEEDED[against] if getattr(case, name) is None]
    if missing:
        raise ValueError(f"To compare with {against}, set {' and '.join(missing)} in the case.")


def to_recover(values: Mapping[str, N]) -> N:
    """What the hardware costs for good."""
    bought = values["hardware_price"] * values["hardware_count"]
    return bought * (1 - values["residual_share"])


def running(values: Mapping[str, N], millions: N) -> N:
    """Electricity and operations when so many million tokens are made in a month."""
    used = values["electricity_per_million_tokens"] * millions
    return values["electricity_idle_per_month"] + used + values["operations_per_month"]


def life(values: Mapping[str, N]) -> N:
    """Months that the hardware lasts; of several lives, those in which depreciation takes it."""
    return values["life_months"] / values["depreciation_factor"]


def fixed(values: Mapping[str, N]) -> N:
    """What a month costs without a single token, depreciation included."""
    standing = values["electricity_idle_per_month"] + values["operations_per_month"]
    return to_recover(values) / life(values) + standing


def api_per_million(values: Mapping[str, N]) -> N:
    """The API's price of a million tokens in the team's mix of input and output."""
    share = values["api_input_share"]
    return values["api_input_price"] * share + values["api_output_price"] * (1 - share)


def millions_per_month(tokens_per_day: N) -> N:
    return tokens_per_day * DAYS_PER_MONTH / MILLION


def most_per_day(values: Mapping[str, N]) -> N | None:
    """Tokens a day at full use; None: not known."""
    if "throughput_tokens_per_s" not in values:
        return None
    return values["throughput_tokens_per_s"] * SECONDS_PER_DAY


def saving(values: Mapping[str, N], against: Against, tokens_per_day: N) -> N:
    """What a month saves by these tokens a day, running paid. Negative: running costs more."""
    millions = millions_per_month(tokens_per_day)
    if against == "seats":
        baseline = values["seat_price_per_month"] * values["developers"]
    else:
        baseline = api_per_million(values) * millions
    return baseline - running(values, millions)


def cost_per_developer(values: Mapping[str, N]) -> N:
    """Fully loaded, a month: depreciation, electricity and operations over all developers."""
    used = values["electricity_per_million_tokens"] * millions_per_month(values["tokens_per_day"])
    return (fixed(values) + used) / values["developers"]


def payback(price: Fraction, saved_per_month: Fraction) -> Fraction | None:
    """Months until savings have paid a price; None: never."""
    return price / saved_per_month if saved_per_month > 0 else None
