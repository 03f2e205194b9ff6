"""What running hardware costs besides electricity: people, space, contracts, spares, network.

Each item is a row of its own, per month and in cents; the total is the sum of the rows.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from dashboard.costs import money
from dashboard.costs.models import Amount
from dashboard.costs.strict import Currency, Percent, Strict

_NAME = Field(min_length=1, description="What the row is called.")


class Administration(Strict):
    """Working time of the people who keep it running."""

    kind: Literal["administration"]
    name: str = Field(default="Administration", min_length=1)
    hours_per_month: Amount = Field(description="Working hours per month, of all people together.")
    rate_per_hour: Amount = Field(description="What an hour costs, wage and overheads.")


class PowerSpace(Strict):
    """Space in somebody's data centre, by the power that is reserved."""

    kind: Literal["space_per_kw"]
    name: str = Field(default="Colocation", min_length=1)
    kw: Amount = Field(description="Power reserved, in kW.")
    price_per_kw_month: Amount = Field(description="Price per kW and month.")


class RackSpace(Strict):
    """Space in somebody's data centre, by the rack unit."""

    kind: Literal["space_per_unit"]
    name: str = Field(default="Colocation", min_length=1)
    rack_units: Amount = Field(description="Rack units (U).")
    price_per_unit_month: Amount = Field(description="Price per rack unit and month.")


class YearlyShare(Strict):
    """A support contract or spares: so much of the hardware's price a year."""

    kind: Literal["percent_a_year"]
    name: str = _NAME
    percent: Percent = Field(description="Percent of the hardware's price, a year.")


class Monthly(Strict):
    """Anything with a price per month: network, space, a contract, insurance."""

    kind: Literal["per_month"]
    name: str = _NAME
    price_per_month: Amount = Field(description="Price per month.")


Item = Annotated[
    Administration | PowerSpace | RackSpace | YearlyShare | Monthly, Field(discriminator="kind")
]


class Operations(Strict):
    """All that runs cost but electricity."""

    currency: Currency
    items: tuple[Item, ...] = Field(default=(), description="What is paid for, row by row.")
    source: str = Field(default="", description="Where the figures are from; may be empty.")


class OperationsRow(Strict):
    name: str
    per_month: Decimal
    how: str
    """The calculation in words, without its result: `20 h × $65.00`."""


class OperationsMonth(Strict):
    """A month's operations: Σ of the rows' `per_month` = `total`, in cents."""

    currency: str
    rows: tuple[OperationsRow, ...]
    total: Decimal


def operations_per_month(operations: Operations, hardware_price: Decimal) -> OperationsMonth:
    """`hardware_price` is what percentages are of: the price paid, in the same currency."""
    rows = tuple(_rows(operations, hardware_price))
    total = sum((row.per_month for row in rows), Decimal("0.00"))
    return OperationsMonth(currency=operations.currency, rows=rows, total=total)


def _rows(operations: Operations, hardware_price: Decimal) -> Iterable[OperationsRow]:
    for item in operations.items:
        cost, how = _cost(item, hardware_price, operations.currency)
        yield OperationsRow(name=item.name, per_month=money.cents(cost), how=how)


def _cost(item: Item, hardware_price: Decimal, currency: str) -> tuple[Fraction, str]:
    match item:
        case Administration(hours_per_month=hours, rate_per_hour=rate):
            return Fraction(hours) * Fraction(rate), f"{hours:f} h × {money.words(rate, currency)}"
        case PowerSpace(kw=kw, price_per_kw_month=price):
            return Fraction(kw) * Fraction(price), f"{kw:f} kW × {money.words(price, currency)}"
        case RackSpace(rack_units=units, price_per_unit_month=price):
            return Fraction(units) * Fraction(
                price
            ), f"{units:f} U × {money.words(price, currency)}"
        case YearlyShare(percent=percent):
            cost = Fraction(hardware_price) * Fraction(percent) / 100 / 12
            return cost, f"{percent:f}% of {money.words(hardware_price, currency)} a year ÷ 12"
        case Monthly(price_per_month=price):
            return Fraction(price), "per month"
