"""What hardware other than the scenario's own costs there: its tariff, its PUE, its operations.

Electricity is that of rated power in all 720 hours of a 30-day month:

    kW × PUE × (Σ over the tariff's periods of hours × price + demand charge per kW) + fee
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from pydantic import Field

from dashboard.costs.capacity.parts import Entry
from dashboard.costs.electricity.bill import TYPICAL_MONTH_HOURS, period_prices, typical_hours
from dashboard.costs.electricity.tariffs import Tariff
from dashboard.costs.operations import Operations, operations_per_month


class Ownership(Entry):
    """How long hardware is used, and what running it costs where it stands. In US dollars."""

    life_months: int = Field(ge=1, description="Months of use, to a residual value of nothing")
    tariff: Tariff = Field(description="What the electricity's supplier asks")
    pue: Decimal = Field(ge=1, allow_inf_nan=False, description="Power usage effectiveness")
    operations: Operations = Field(
        description="Amounts are taken as they are, percentages are of the price of what is bought"
    )
    year: int = Field(description="Whose weekdays and seasons a tariff by time of use counts")


def electricity(ownership: Ownership, watts: float) -> Fraction:
    """Dollars of a typical month, at so many watts before PUE in all its hours."""
    tariff = ownership.tariff
    per_kw = _energy_of_one_kw(tariff, ownership.year) + Fraction(tariff.demand_per_kw)
    kw = Fraction(watts) / 1000 * Fraction(ownership.pue)
    return kw * per_kw + Fraction(tariff.fixed_per_month)


def operations(ownership: Ownership, price: Decimal) -> Decimal:
    """Dollars a month beside electricity, for hardware of this price."""
    if not ownership.operations.items:
        return Decimal("0.00")
    return operations_per_month(ownership.operations, price).total


def per_month(ownership: Ownership, price: Decimal, watts: float) -> Fraction:
    """Price over life, electricity and operations, in dollars a month."""
    running = electricity(ownership, watts) + Fraction(operations(ownership, price))
    return Fraction(price) / ownership.life_months + running


def mean_price_per_kwh(ownership: Ownership) -> Fraction:
    """Dollars per kWh over all hours alike, without fee and demand charge."""
    return _energy_of_one_kw(ownership.tariff, ownership.year) / TYPICAL_MONTH_HOURS


@lru_cache(maxsize=64)
def _energy_of_one_kw(tariff: Tariff, year: int) -> Fraction:
    """Dollars of a typical month for 1 kW in all hours, without fee and demand charge."""
    prices = period_prices(tariff)
    hours = typical_hours(tariff, year)
    return sum((hours[name] * price for name, price in prices.items()), Fraction(0))
