"""One asset's deductions under MACRS: Section 179 first, then bonus, then the table on the rest."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.ownership.assets import Asset, cost
from dashboard.costs.ownership.macrs_tables import SOURCE, published, table_for, year_fraction
from dashboard.costs.ownership.methods import Convention, Macrs
from dashboard.costs.ownership.schedule import Expensed, Schedule, Span, rows_of
from dashboard.costs.ownership.terms import Source
from dashboard.costs.ownership.us_figures import bonus_share, section_179_of
from dashboard.costs.ownership.us_law import (
    bonus_percent,
    section_179_elected,
    sold_in_first_year,
)
from dashboard.costs.ownership.years import ONE_DAY, TaxYear, tax_year_of


@dataclass(frozen=True, slots=True)
class _Recovery:
    """What the table is applied to."""

    basis: Decimal
    percents: tuple[Decimal, ...]
    convention: Convention
    quarter: int


def macrs(
    asset: Asset, rule: Macrs, convention: Convention, section_179: Decimal, first_month: int
) -> Schedule:
    """By the published table, each year in cents; the last takes what is left."""
    year = tax_year_of(asset.in_service_date, first_month)
    if sold_in_first_year(asset, year):
        return _nothing(asset)
    whole, quarter = cost(asset), year.quarter(asset.in_service_date)
    percent = bonus_percent(asset, rule)
    bonus = money.cents(Fraction(whole - section_179) * Fraction(percent) / 100)
    table = table_for(convention, quarter)
    rest = whole - section_179 - bonus
    recovery = _Recovery(rest, published(table, rule.class_years), convention, quarter)
    amounts = _recovered(recovery, asset, year, first_month)
    amounts[0] += section_179 + bonus
    at_once = (("Section 179", section_179), (f"Bonus depreciation, {percent:f}%", bonus))
    return Schedule(
        asset=asset.name,
        method="macrs",
        cost=whole,
        counts="months",
        expensed=tuple(Expensed(kind=kind, amount=sum_) for kind, sum_ in at_once if sum_),
        rows=rows_of(whole, _spans(asset, year, amounts, first_month)),
        notes=(
            *_cut(asset, year, section_179),
            *_table_note(rule, convention, quarter, table, rest),
        ),
        sources=_sources(asset, year, section_179, bonus),
    )


def _recovered(
    recovery: _Recovery, asset: Asset, first: TaxYear, first_month: int
) -> list[Decimal]:
    """Each tax year's amount up to the end of recovery or the year of disposal."""
    left, amounts, year = recovery.basis, [], first
    for number, percent in enumerate(recovery.percents, start=1):
        last = number == len(recovery.percents)
        due = left if last else min(left, _part(recovery.basis, Fraction(percent) / 100))
        if asset.disposal and asset.disposal.on < year.end:
            quarter = year.quarter(asset.disposal.on)
            amounts.append(_part(due, _held_part(recovery, quarter, last)))
            break
        amounts.append(due)
        left -= due
        if not left:
            break
        year = tax_year_of(year.end, first_month)
    return amounts


def _held_part(recovery: _Recovery, quarter: int, last: bool) -> Fraction:
    """Which part of a year's amount is left when it is disposed of in `quarter` of that year.

    Publication 946, Sale or Other Disposition Before the Recovery Period Ends: half, or 12.5,
    37.5, 62.5 or 87.5%. The last year's amount covers only the start of the year, up to where
    the convention ends recovery, so of that it is the part of this time; the publication has no
    example of it.
    """
    covered = year_fraction(recovery.convention, recovery.quarter) if last else Fraction(1)
    return min(Fraction(1), year_fraction(recovery.convention, quarter) / covered)


def _part(amount: Decimal, part: Fraction) -> Decimal:
    return money.cents(Fraction(amount) * part)


def _spans(asset: Asset, first: TaxYear, amounts: list[Decimal], first_month: int) -> list[Span]:
    spans, year = [], first
    for amount in amounts:
        start = max(year.start, asset.in_service_date)
        sold = asset.disposal and asset.disposal.on < year.end
        end = asset.disposal.on + ONE_DAY if asset.disposal and sold else year.end
        spans.append(Span(year.name, start, end, amount))
        year = tax_year_of(year.end, first_month)
    return spans


def _table_note(
    rule: Macrs, convention: Convention, quarter: int, table: str, rest: Decimal
) -> tuple[str, ...]:
    if not rest:
        return ("All of it is expensed in the first year.",)
    words = "half-year convention"
    if convention == "mid_quarter":
        words = f"mid-quarter convention, quarter {quarter}"
    return (
        f"MACRS {rule.class_years}-year property, {words}: Publication 946, Table {table}, on "
        "what Section 179 and bonus depreciation leave.",
    )


def _cut(asset: Asset, year: TaxYear, section_179: Decimal) -> list[str]:
    if section_179 == section_179_elected(asset, year):
        return []
    return ["Section 179 is cut to what the year's limit leaves."]


def _sources(
    asset: Asset, year: TaxYear, section_179: Decimal, bonus: Decimal
) -> tuple[Source, ...]:
    limit = section_179_of(year) if section_179 else None
    share = bonus_share(asset.purchase_date, asset.in_service_date) if bonus else None
    return (SOURCE, *(known.source for known in (limit, share) if known))


def _nothing(asset: Asset) -> Schedule:
    return Schedule(
        asset=asset.name,
        method="macrs",
        cost=cost(asset),
        counts="months",
        rows=(),
        notes=("Disposed of in the tax year of its first service, so MACRS gives nothing.",),
    )
