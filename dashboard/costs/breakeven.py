"""When the hardware has paid for itself, by the money that seats would have cost.

    months = hardware's price ÷ (developers × seat − electricity − operations, per month)

Linear, without tax, discount or resale. A month of running is 30 days, 720 hours: 0.7 kW is 504
kWh, which at $0.18 is $90.72.
"""

from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.break_even.answers import by_developers, by_months
from dashboard.costs.break_even.case import BreakEvenCase
from dashboard.costs.models import BreakEven, Prices

HOURS_PER_MONTH = 720


def electricity_per_month(prices: Prices) -> Decimal:
    """Rated power in every hour of a 30-day month, PUE included, in cents."""
    kwh = Fraction(prices.power_kw) * HOURS_PER_MONTH * Fraction(prices.pue)
    return money.cents(kwh * Fraction(prices.electricity_price_per_kwh))


def case_of(prices: Prices, developers: int, electricity: Decimal | None = None) -> BreakEvenCase:
    """The case that these prices make, without resale; `electricity` as in `break_even`."""
    power = electricity_per_month(prices) if electricity is None else electricity
    return BreakEvenCase(
        currency=prices.currency,
        hardware_price=prices.hardware_price,
        life_months=prices.hardware_life_months,
        electricity_idle_per_month=power,
        operations_per_month=prices.operations_per_month,
        developers=developers,
        seat_price_per_month=prices.seat_price_per_month,
    )


def break_even(prices: Prices, developers: int, electricity: Decimal | None = None) -> BreakEven:
    """Months until break-even with so many seats given up, or never.

    `electricity` per month may be given (from the meter, from a bill); by default it is that of
    the rated power.
    """
    case = case_of(prices, developers, electricity)
    power = case.electricity_idle_per_month
    seats = prices.seat_price_per_month * developers
    answer = by_months(case)
    return BreakEven(
        developers=developers,
        currency=prices.currency,
        months=answer.value,
        reason=_why_never(prices, developers, power, seats) if answer.value is None else None,
        within_life=answer.within_life,
        life_months=prices.hardware_life_months,
        hardware_price=prices.hardware_price,
        to_recover=prices.hardware_price,
        resale_month=None,
        months_without_resale=answer.value,
        seats_per_month=seats,
        electricity_per_month=power,
        operations_per_month=prices.operations_per_month,
        saving_per_month=seats - power - prices.operations_per_month,
    )


def break_even_table(
    prices: Prices, most: int, electricity: Decimal | None = None
) -> list[BreakEven]:
    """Break-even for 1 to `most` developers."""
    return [break_even(prices, number, electricity) for number in range(1, most + 1)]


def smallest_team(prices: Prices, electricity: Decimal | None = None) -> int | None:
    """The fewest developers with whom it breaks even within the hardware's life; None: no number.

    From price ÷ life ≤ developers × seat − electricity − operations.
    """
    fewest = by_developers(case_of(prices, 1, electricity)).value
    return None if fewest is None else int(fewest)


def _why_never(prices: Prices, developers: int, power: Decimal, seats: Decimal) -> str:
    if developers == 0:
        return "there is no developer whose seat it would replace"
    running = money.words(power + prices.operations_per_month, prices.currency)
    return (
        f"running it costs {running} a month, and {_seats(developers)} only "
        f"{money.words(seats, prices.currency)}"
    )


def _seats(developers: int) -> str:
    return "one seat" if developers == 1 else f"{developers:,} seats"
