"""When hardware of the catalogue has paid for itself by the seats that it replaces."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal

from dashboard.costs import money
from dashboard.costs.breakeven import break_even, smallest_team
from dashboard.costs.capacity.deployment import Deployment
from dashboard.costs.capacity.running import (
    Ownership,
    electricity,
    mean_price_per_kwh,
    operations,
)
from dashboard.costs.models import BreakEven, Prices

CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Offer:
    """So much of some hardware: its price in dollars with hosts, and its rated watts."""

    deployment: Deployment
    price: Decimal
    watts: float


def even_with(
    offer: Offer, developers: int, seat_price_per_month: Decimal, ownership: Ownership
) -> BreakEven:
    prices = _prices(offer, seat_price_per_month, ownership)
    return break_even(prices, developers, _electricity(offer, ownership))


def fewest_that_pay(
    offer: Offer, seat_price_per_month: Decimal, ownership: Ownership
) -> int | None:
    """The fewest developers whose seats pay for it within its life; None: no number does."""
    prices = _prices(offer, seat_price_per_month, ownership)
    return smallest_team(prices, _electricity(offer, ownership))


def _electricity(offer: Offer, ownership: Ownership) -> Decimal:
    return money.cents(electricity(ownership, offer.watts))


def _prices(offer: Offer, seat_price_per_month: Decimal, ownership: Ownership) -> Prices:
    """The price per kWh is the tariff's mean: what is paid follows from the whole tariff."""
    hardware = offer.deployment.hardware
    dated = (hardware.price.source if hardware.price else hardware.source).date
    return Prices(
        valid_from=datetime.combine(dated, time(), UTC),
        currency=CURRENCY,
        hardware_name=offer.deployment.title,
        hardware_price=offer.price,
        hardware_life_months=ownership.life_months,
        residual_value=Decimal(0),
        in_service_date=None,
        power_kw=Decimal(str(offer.watts)) / 1000,
        pue=ownership.pue,
        electricity_price_per_kwh=money.rounded(mean_price_per_kwh(ownership), 4),
        electricity_basis="nameplate",
        operations_per_month=operations(ownership, offer.price),
        seat_price_per_month=seat_price_per_month,
    )
