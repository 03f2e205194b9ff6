"""US federal rules for all of a year's hardware: Section 179, bonus depreciation, the 40% test."""

from collections.abc import Sequence
from decimal import Decimal

from dashboard.costs.ownership.assets import Asset, cost
from dashboard.costs.ownership.methods import Convention, Macrs
from dashboard.costs.ownership.terms import in_order_within
from dashboard.costs.ownership.us_figures import SECTION_179, bonus_by_law, section_179_of
from dashboard.costs.ownership.years import TaxYear, tax_year_of


def bonus_percent(asset: Asset, rule: Macrs) -> Decimal:
    """What is claimed. ValueError: more than the dates allow."""
    allowed = bonus_by_law(asset.purchase_date, asset.in_service_date)
    if rule.bonus == "by_law":
        return allowed
    if rule.bonus > allowed:
        raise ValueError(
            f"{asset.name}: {rule.bonus.normalize():f}% bonus depreciation is more than the "
            f"{allowed:f}% that its dates allow; lower it or say by_law."
        )
    return rule.bonus


def section_179_limit(year: TaxYear, placed_in_service: Decimal) -> Decimal:
    """The most that can be expensed in a year with so much property. ValueError: year unknown."""
    known = section_179_of(year)
    if known:
        over = max(Decimal(0), placed_in_service - known.phase_out_from)
        return max(Decimal(0), known.limit - over)
    years = f"{SECTION_179[0].year} to {SECTION_179[-1].year}"
    raise ValueError(
        f"The Section 179 limit for tax years beginning in {year.start.year} is not known here "
        f"(only {years}): leave section_179 out."
    )


def section_179_allowed(assets: Sequence[Asset], first_month: int) -> list[Decimal]:
    """What each asset may expense, in the list's order within each year's limit.

    The limit by the business's taxable income is not applied. Nothing for what is sold in the
    year in which it was placed in service.
    """
    allowed = [Decimal(0)] * len(assets)
    for year, places in _by_year(assets, first_month).items():
        wanted = [section_179_elected(assets[place], year) for place in places]
        if any(wanted):
            bought = sum((cost(assets[place]) for place in places), Decimal(0))
            given = in_order_within(section_179_limit(year, bought), wanted)
            for place, amount in zip(places, given, strict=True):
                allowed[place] = amount
    return allowed


def conventions(
    assets: Sequence[Asset], expensed: Sequence[Decimal], first_month: int
) -> list[Convention]:
    """Each asset's MACRS convention; for others the entry means nothing.

    Mid-quarter for all of a year where more than 40% of its basis is placed in service in the last
    quarter. Section 179 lowers the basis, bonus does not; what is sold within the year is left
    out (Publication 946, Which Convention Applies?).
    """
    chosen: list[Convention] = ["half_year"] * len(assets)
    for year, places in _by_year(assets, first_month).items():
        kept = [p for p in places if not sold_in_first_year(assets[p], year)]
        basis = {place: cost(assets[place]) - expensed[place] for place in kept}
        late = [p for p in kept if year.quarter(assets[p].in_service_date) == 4]
        in_last_quarter = sum((basis[place] for place in late), Decimal(0))
        by_test: Convention = (
            "mid_quarter" if in_last_quarter * 100 > sum(basis.values()) * 40 else "half_year"
        )
        for place in places:
            rule = assets[place].tax_depreciation
            if isinstance(rule, Macrs):
                chosen[place] = by_test if rule.convention == "auto" else rule.convention
    return chosen


def sold_in_first_year(asset: Asset, year: TaxYear) -> bool:
    """Then MACRS gives nothing at all."""
    return asset.disposal is not None and asset.disposal.on < year.end


def section_179_elected(asset: Asset, year: TaxYear) -> Decimal:
    """Before the year's limit."""
    rule = asset.tax_depreciation
    if not isinstance(rule, Macrs) or rule.section_179 is None or sold_in_first_year(asset, year):
        return Decimal(0)
    return min(cost(asset), rule.section_179.of(cost(asset)))


def _by_year(assets: Sequence[Asset], first_month: int) -> dict[TaxYear, list[int]]:
    """Places in the list of the assets under MACRS, by the tax year in which service begins."""
    years: dict[TaxYear, list[int]] = {}
    for place, asset in enumerate(assets):
        if isinstance(asset.tax_depreciation, Macrs):
            year = tax_year_of(asset.in_service_date, first_month)
            years.setdefault(year, []).append(place)
    return years
