"""Things that are bought, used for some years and sold or scrapped."""

from decimal import Decimal
from fractions import Fraction

from pydantic import Field, model_validator

from dashboard.costs import money
from dashboard.costs.models import Amount
from dashboard.costs.ownership.methods import BookMethod, StraightLine, TaxMethod
from dashboard.costs.ownership.terms import Cents, Count, Day, Input, Months, Percent, Portion


class Discount(Input):
    """A quantity discount on every unit, once so many are bought together."""

    from_count: Count = Field(description="The fewest units that get it.")
    percent: Percent = Field(description="Off the price of each unit.")


class Disposal(Input):
    """The sale or scrapping of all units together."""

    on: Day = Field(description="The last day in service; its depreciation still counts.")
    proceeds: Cents = Field(default=Decimal(0), description="What the sale brings, in currency.")


class Asset(Input):
    """Hardware, bought on one day.

    `purchase_date` is when it is paid for and bound by contract; `in_service_date` when it is
    ready for use, from which it depreciates.
    """

    name: str = Field(min_length=1, description="What people call it.")
    unit_price: Amount = Field(description="List price of one unit, in currency.")
    count: Count = Field(default=1, description="How many units.")
    discounts: tuple[Discount, ...] = Field(
        default=(), description="Quantity discounts; the one with most units reached applies."
    )
    purchase_date: Day = Field(description="The day of the binding contract and of payment.")
    in_service_date: Day = Field(description="The first day ready for use.")
    life_months: Months = Field(description="Useful life in months, from the first in service.")
    residual: Portion = Field(
        default=Portion(amount=Decimal(0)),
        description="What it is worth after its life: an amount, or a percent of the cost.",
    )
    book_depreciation: BookMethod = Field(
        default=StraightLine(), description="Depreciation in the company's own books."
    )
    tax_depreciation: TaxMethod = Field(
        default=StraightLine(), description="Depreciation that lowers the tax."
    )
    disposal: Disposal | None = Field(default=None, description="Its sale, if that is settled.")
    source: str | None = Field(default=None, description="Where the price is from, and of when.")

    @model_validator(mode="after")
    def _dates_and_residual_fit(self) -> "Asset":
        if self.in_service_date < self.purchase_date:
            raise ValueError(f"{self.name} must not be in service before it is purchased.")
        if self.disposal and self.disposal.on < self.in_service_date:
            raise ValueError(f"{self.name} must not be disposed of before it is in service.")
        if residual_value(self) > cost(self):
            raise ValueError(f"The residual value of {self.name} must not exceed its cost.")
        return self


def cost(asset: Asset) -> Decimal:
    """The cost basis: all units at the discounted price, to the cent."""
    reached = [tier for tier in asset.discounts if tier.from_count <= asset.count]
    percent = max(reached, key=lambda tier: tier.from_count).percent if reached else Decimal(0)
    listed = Fraction(asset.unit_price) * asset.count
    return money.cents(listed * (100 - Fraction(percent)) / 100)


def residual_value(asset: Asset) -> Decimal:
    """What it is worth at the end of its life, in currency."""
    return asset.residual.of(cost(asset))
