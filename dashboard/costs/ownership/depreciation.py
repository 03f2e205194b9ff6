"""Every asset's schedule, for the books and for tax."""

from collections.abc import Sequence
from fractions import Fraction

from dashboard.costs.ownership import germany, uk, us_law
from dashboard.costs.ownership.assets import Asset, cost, residual_value
from dashboard.costs.ownership.by_time import by_days, by_months, falling
from dashboard.costs.ownership.macrs import macrs
from dashboard.costs.ownership.methods import (
    DecliningBalance,
    GermanDegressive,
    GermanLinear,
    Macrs,
    StraightLine,
    UkWritingDown,
)
from dashboard.costs.ownership.schedule import Schedule, rows_of


def book_schedule(asset: Asset, first_month: int = 1) -> Schedule:
    """Depreciation in the books, by years that begin on the first of `first_month`."""
    return _by_time(asset, asset.book_depreciation, first_month)


def tax_schedules(assets: Sequence[Asset], first_month: int = 1) -> tuple[Schedule, ...]:
    """Depreciation for tax, in the order of `assets`.

    All that the company places in service in a year belongs together: limits and conventions
    hang on the year's total. ValueError: a rule that the asset's dates do not allow.
    """
    expensed = us_law.section_179_allowed(assets, first_month)
    conventions = us_law.conventions(assets, expensed, first_month)
    claims = uk.annual_investment_claims(assets, first_month)
    schedules = []
    for asset, by_179, convention, claim in zip(assets, expensed, conventions, claims, strict=True):
        match asset.tax_depreciation:
            case Macrs() as rule:
                schedules.append(macrs(asset, rule, convention, by_179, first_month))
            case GermanLinear() as rule:
                schedules.append(germany.linear(asset, rule, first_month))
            case GermanDegressive():
                schedules.append(germany.degressive(asset, first_month))
            case UkWritingDown() as rule:
                schedules.append(uk.writing_down(asset, rule, claim, first_month))
            case StraightLine() | DecliningBalance() as rule:
                schedules.append(_by_time(asset, rule, first_month))
    return tuple(schedules)


def _by_time(asset: Asset, rule: StraightLine | DecliningBalance, first_month: int) -> Schedule:
    residual = residual_value(asset)
    if isinstance(rule, DecliningBalance):
        rate = Fraction(rule.factor) * 12 / asset.life_months
        spans = falling(asset, residual, rate, first_month)
    elif rule.convention == "exact_days":
        spans = by_days(asset, first_month)
    else:
        spans = by_months(asset, cost(asset) - residual, asset.life_months, first_month)
    exact = isinstance(rule, StraightLine) and rule.convention == "exact_days"
    return Schedule(
        asset=asset.name,
        method=rule.method,
        cost=cost(asset),
        counts="days" if exact else "months",
        rows=rows_of(cost(asset), spans),
    )
