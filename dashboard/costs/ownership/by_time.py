"""Straight line and declining balance: methods that count days or months in service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from dashboard.costs.months import add_months
from dashboard.costs.ownership.assets import Asset, cost, residual_value
from dashboard.costs.ownership.schedule import Span
from dashboard.costs.ownership.terms import running_cents
from dashboard.costs.ownership.years import ONE_DAY, first_of_month, tax_years, whole_months


@dataclass(frozen=True, slots=True)
class Months:
    """How many months of an asset's life lie in one tax year, and from when to when."""

    year: int
    start: date
    end: date
    months: int


def months_in_service(asset: Asset, life_months: int, first_month: int) -> list[Months]:
    """Full months by tax year, from the one in which service begins to the end of life or sale.

    The month of a sale counts only when the asset was held to its last day.
    """
    start = first_of_month(asset.in_service_date)
    end = add_months(start, life_months)
    if asset.disposal:
        end = min(end, first_of_month(asset.disposal.on + ONE_DAY))
    parts = []
    for year in tax_years(start, end, first_month):
        first, last = max(start, year.start), min(end, year.end)
        parts.append(Months(year.name, first, last, whole_months(first, last)))
    return parts


def by_days(asset: Asset, first_month: int) -> list[Span]:
    """Straight line by exact days."""
    start = asset.in_service_date
    life_ends = add_months(start, asset.life_months)
    end = min(life_ends, asset.disposal.on + ONE_DAY) if asset.disposal else life_ends
    a_day = Fraction(cost(asset) - residual_value(asset)) / (life_ends - start).days
    parts = [
        (year.name, max(start, year.start), min(end, year.end))
        for year in tax_years(start, end, first_month)
    ]
    amounts = running_cents([a_day * (last - first).days for _, first, last in parts])
    return [Span(*part, amount) for part, amount in zip(parts, amounts, strict=True)]


def by_months(asset: Asset, depreciable: Decimal, life_months: int, first_month: int) -> list[Span]:
    """Straight line by full months."""
    parts = months_in_service(asset, life_months, first_month)
    a_month = Fraction(depreciable) / life_months
    return spans(parts, [a_month * part.months for part in parts])


def falling(asset: Asset, residual: Decimal, yearly_rate: Fraction, first_month: int) -> list[Span]:
    """Declining balance: `yearly_rate` of the book value a year, pro rata by full months.

    From the year in which an even spread of the rest takes more, that is taken. It stops at
    the residual value, which it reaches with the life's last month.
    """
    parts = months_in_service(asset, asset.life_months, first_month)
    left, months_left = Fraction(cost(asset)) - Fraction(residual), asset.life_months
    amounts = []
    for part in parts:
        share = yearly_rate * Fraction(part.months, 12) * (left + Fraction(residual))
        even = left * Fraction(part.months, months_left)
        amounts.append(min(left, max(share, even)))
        left, months_left = left - amounts[-1], months_left - part.months
    return spans(parts, amounts)


def spans(parts: Sequence[Months], amounts: list[Fraction]) -> list[Span]:
    in_cents = running_cents(amounts)
    return [
        Span(part.year, part.start, part.end, amount)
        for part, amount in zip(parts, in_cents, strict=True)
    ]
