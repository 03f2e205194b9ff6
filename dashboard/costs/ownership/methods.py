"""Depreciation methods as people choose them, told apart by `method`."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from dashboard.costs.models import MOST_PLACES
from dashboard.costs.ownership.terms import Input, Percent, Portion

Convention = Literal["half_year", "mid_quarter"]


def _told_once(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    """One mistake in one line, and not one for each thing that it might have been."""
    try:
        return validate(value)
    except ValidationError as error:
        raise ValueError("Give a percentage from 0 to 100, or by_law.") from error


Bonus = Annotated[Literal["by_law"] | Percent, WrapValidator(_told_once)]


class StraightLine(Input):
    """Cost less residual value, evenly over the life."""

    method: Literal["straight_line"] = "straight_line"
    convention: Literal["exact_days", "full_month"] = Field(
        default="exact_days",
        description="Count days from the first in service, or whole months from the one in which "
        "service begins; a month counts at the end only when it was held to its last day.",
    )


class DecliningBalance(Input):
    """A fixed share of the book value each year, then evenly as soon as that takes more."""

    method: Literal["declining_balance"] = "declining_balance"
    factor: Decimal = Field(
        default=Decimal(2),
        ge=1,
        le=10,
        decimal_places=MOST_PLACES,
        description="How many times the straight-line rate: 2.0 is double declining balance.",
    )


class Macrs(Input):
    """US federal tax: the Modified Accelerated Cost Recovery System's general system (GDS)."""

    method: Literal["macrs"] = "macrs"
    class_years: Literal[3, 5] = Field(
        default=5, description="Property class in years: computers and peripherals are 5."
    )
    convention: Literal["auto", "half_year", "mid_quarter"] = Field(
        default="auto",
        description="auto: mid-quarter where over 40% of the year's basis is placed in service in "
        "its last quarter, else half-year.",
    )
    section_179: Portion | None = Field(
        default=None,
        description="Elected to be expensed at once under Section 179: an amount, or a percent of "
        "the cost. Cut to the year's limit.",
    )
    bonus: Bonus = Field(
        default=Decimal(0),
        description="Special depreciation allowance in percent of what Section 179 leaves; "
        "by_law: the full share that the dates allow.",
    )


class GermanLinear(Input):
    """German tax: AfA in equal yearly amounts, pro rata by month (§ 7 (1) EStG)."""

    method: Literal["german_linear"] = "german_linear"
    digital_one_year: bool = Field(
        default=False,
        description="Computer hardware: a life of one year, all deducted in the year of purchase "
        "(BMF letter of 22 February 2022, margin numbers 1.1 and 1.4).",
    )


class GermanDegressive(Input):
    """German tax: AfA in falling amounts, for purchases of 1 July 2025 to 31 December 2027."""

    method: Literal["german_degressive"] = "german_degressive"


class UkWritingDown(Input):
    """UK tax: capital allowances of the main pool, on the reducing balance."""

    method: Literal["uk_writing_down"] = "uk_writing_down"
    first_year: Literal["none", "full_expensing", "annual_investment", "main_rate_40"] = Field(
        default="none",
        description="First-year relief: full expensing (100%, companies, new assets), the annual "
        "investment allowance (100% up to £1 million a year), or the 40% allowance of 2026.",
    )


BookMethod = Annotated[StraightLine | DecliningBalance, Field(discriminator="method")]
TaxMethod = Annotated[
    StraightLine | DecliningBalance | Macrs | GermanLinear | GermanDegressive | UkWritingDown,
    Field(discriminator="method"),
]
