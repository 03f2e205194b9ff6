"""Cents. Amounts are exact fractions until they are shown, and then add up."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import lcm

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹"}


def cents(amount: Fraction) -> Decimal:
    """To the nearest cent; half a cent goes to the even one."""
    return rounded(amount, 2)


def rounded(amount: Fraction, digits: int) -> Decimal:
    return Decimal(round(amount * 10**digits)).scaleb(-digits)


def split(total: Decimal, weights: Sequence[Fraction], digits: int = 2) -> list[Decimal]:
    """`total` in whole cents over `weights`, which must not all be 0, adding up exactly.

    By largest remainder: everyone gets the full cents due, and the cents left over go to those who
    lost most by rounding, of equals to the earlier. With more `digits`, finer than cents.
    """
    # Over one denominator these are whole numbers, of which thousands are divided at once.
    over = lcm(*(weight.denominator for weight in weights))
    parts = [weight.numerator * (over // weight.denominator) for weight in weights]
    units = Fraction(total) * 10**digits
    whole = sum(parts) * units.denominator
    due = [divmod(part * units.numerator, whole) for part in parts]
    given = [whole_units for whole_units, _ in due]
    left = round(units) - sum(given)
    by_loss = sorted(range(len(due)), key=lambda place: (-due[place][1], place))
    for place in by_loss[:left]:
        given[place] += 1
    return [Decimal(part).scaleb(-digits) for part in given]


def words(amount: Decimal, currency: str) -> str:
    """As a sentence has it: `$25,000`, `$1,234.50`, `-€3.20`, `CHF 12.00`."""
    symbol = SYMBOLS.get(currency, f"{currency} ")
    whole = amount == amount.to_integral_value() and abs(amount) >= 1000
    number = f"{abs(amount):,.0f}" if whole else f"{abs(amount):,.2f}"
    return f"{'-' if amount < 0 else ''}{symbol}{number}"
