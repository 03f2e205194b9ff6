"""What deductions are worth in cash: the tax that they save.

It presumes profits to deduct from: the saving is real only as far as there is tax to pay.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.terms import Figures, running_cents


class Shield(Figures):
    """One tax year: what is deducted and the tax which that saves."""

    year: int
    deducted: Decimal
    saved: Decimal


def saved(deductions: Sequence[Decimal], tax_percent: Decimal) -> list[Decimal]:
    """The tax saved by each of several deductions, in cents that add up to the rate of all."""
    rate = Fraction(tax_percent) / 100
    return running_cents([Fraction(amount) * rate for amount in deductions])


def depreciation_shield(schedule: Schedule, tax_percent: Decimal) -> tuple[Shield, ...]:
    """By tax year. $25,000 under MACRS, 5 years: 20% in the first, at 21% tax $1,050."""
    amounts = [row.depreciation for row in schedule.rows]
    return tuple(
        Shield(year=row.year, deducted=row.depreciation, saved=amount)
        for row, amount in zip(schedule.rows, saved(amounts, tax_percent), strict=True)
    )
