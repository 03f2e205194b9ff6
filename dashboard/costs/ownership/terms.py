"""Words that every part of ownership uses: percentages, portions, sources."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dashboard.costs import money
from dashboard.costs.strict import Percent as Percent

Cents = Annotated[Decimal, Field(ge=0, le=10**24, allow_inf_nan=False, decimal_places=2)]
"""What is paid as it stands, so in whole cents; also for all units together, so beyond Amount."""
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Months = Annotated[int, Field(ge=1, le=1200)]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 12, 31))]
"""Far enough from either end of the calendar for all that is added to it."""


class Input(BaseModel):
    """What people write, in TOML too: a word that is not known is refused, not passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Figures(BaseModel):
    """What comes out."""

    model_config = ConfigDict(frozen=True)


class Source(Figures):
    """Where a figure taken from the world stands, and of which day it is (ISO date or year)."""

    title: str
    address: str
    dated: str


class Portion(Input):
    """A part of something: an amount of money or a percentage, exactly one of them."""

    amount: Cents | None = Field(default=None, description="The part in currency.")
    percent: Percent | None = Field(default=None, description="The part in percent of the whole.")

    @model_validator(mode="after")
    def _one_of_them(self) -> "Portion":
        if (self.amount is None) == (self.percent is None):
            raise ValueError("Give a portion either as an amount or as a percent.")
        return self

    def of(self, whole: Decimal) -> Decimal:
        """In currency, to the cent."""
        if self.amount is not None:
            return self.amount
        return money.cents(Fraction(whole) * Fraction(self.percent or 0) / 100)


def running_cents(amounts: list[Fraction]) -> list[Decimal]:
    """Each amount in cents such that those up to any place add up to their rounded exact sum."""
    exact, given, cents = Fraction(0), Decimal(0), []
    for amount in amounts:
        exact += amount
        cents.append(money.cents(exact) - given)
        given += cents[-1]
    return cents


def in_order_within(limit: Decimal, wanted: list[Decimal]) -> list[Decimal]:
    """What each gets of a limit that all share: the earlier in the list come first."""
    given = []
    for amount in wanted:
        given.append(min(amount, limit))
        limit -= given[-1]
    return given
