"""The scenario as a case of ownership: cash flows after tax, and schedules to their end."""

from decimal import Decimal
from itertools import pairwise

from dashboard.costs.electricity.bill import bill_between
from dashboard.costs.months import add_months
from dashboard.costs.ownership.case import Case, Monthly
from dashboard.costs.ownership.depreciation import book_schedule, tax_schedules
from dashboard.costs.ownership.evaluation import evaluate
from dashboard.costs.ownership.financing import Lease
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.tax import depreciation_shield
from dashboard.costs.plan.basis import Basis
from dashboard.costs.plan.figures import AssetShields, OwnershipPlan
from dashboard.costs.scenario import Scenario


def ownership_plan(scenario: Scenario, basis: Basis) -> OwnershipPlan:
    """ValueError: a tax rule that the assets' dates do not allow, or a loan above their cost."""
    book, tax = _if_kept(scenario)
    shields = tuple(
        AssetShields(asset=one.asset, years=depreciation_shield(one, scenario.tax_percent))
        for one in tax
    )
    years = [shield for one in shields for shield in one.years]
    first = min((shield.year for shield in years), default=None)
    return OwnershipPlan(
        evaluation=evaluate(_case(scenario, basis)),
        book_schedules_if_kept=book,
        tax_schedules_if_kept=tax,
        shields=shields,
        first_year_shield=sum(
            (shield.saved for shield in years if shield.year == first), Decimal(0)
        ),
        first_tax_year=first,
    )


def _case(scenario: Scenario, basis: Basis) -> Case:
    return Case(
        currency=scenario.currency,
        start=scenario.start,
        horizon_months=scenario.horizon_months,
        assets=scenario.assets,
        financing=scenario.financing,
        running=Monthly(per_month=basis.operations.total),
        electricity=_bills(scenario),
        baseline=Monthly(per_month=basis.seats_per_month),
        tax_percent=scenario.tax_percent,
        tax_year_starts_in_month=scenario.tax_year_starts_in_month,
        discount_percent_per_year=scenario.discount_percent_per_year,
    )


def _bills(scenario: Scenario) -> tuple[Decimal, ...]:
    """Of the horizon's months, each by its real hours: a month of 30 days would leave five days a
    year unpaid."""
    days = [add_months(scenario.start, month) for month in range(scenario.horizon_months + 1)]
    return tuple(
        bill_between(scenario.loads, scenario.tariff, scenario.pue, first, end).total
        for first, end in pairwise(days)
    )


def _if_kept(scenario: Scenario) -> tuple[tuple[Schedule, ...], tuple[Schedule, ...]]:
    if isinstance(scenario.financing, Lease):
        return (), ()
    month = scenario.tax_year_starts_in_month
    assets = [asset.model_copy(update={"disposal": None}) for asset in scenario.assets]
    return tuple(book_schedule(asset, month) for asset in assets), tax_schedules(assets, month)
