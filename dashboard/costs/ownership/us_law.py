"""US federal rules of dates and limits: Section 179, bonus depreciation, the 40% test."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from dashboard.costs.ownership.assets import Asset, cost
from dashboard.costs.ownership.methods import Convention, Macrs
from dashboard.costs.ownership.terms import Figures, Source, in_order_within
from dashboard.costs.ownership.years import TaxYear, tax_year_of


class Section179Limit(Figures):
    """For tax years beginning in `year`: the most that can be expensed, and from what total cost
    of the year's property on that falls, dollar for dollar."""

    year: int
    limit: Decimal
    phase_out_from: Decimal
    source: Source


class BonusShare(Figures):
    """Percent of the basis for property acquired and placed in service within these days.

    None is an open end.
    """

    acquired_from: date
    acquired_to: date | None
    in_service_from: date
    in_service_to: date | None
    percent: Decimal
    source: Source


_PUBLICATION = Source(
    title="IRS Publication 946 (2023), What's New: section 179 dollar limits",
    address="https://www.irs.gov/publications/p946",
    dated="2023",
)
_P_L_119_21_179 = Source(
    title="Public Law 119-21, section 70306 (amends 26 USC 179(b))",
    address="https://www.congress.gov/bill/119th-congress/house-bill/1",
    dated="2025-07-04",
)
_OLD_LAW = Source(
    title="26 USC 168(k)(6)(A) as Public Law 115-97, section 13201, had it",
    address="https://www.congress.gov/bill/115th-congress/house-bill/1",
    dated="2017-12-22",
)
_NOTICE = Source(
    title="IRS Notice 2026-11: 26 USC 168(k) as amended by Public Law 119-21",
    address="https://www.irs.gov/pub/irs-drop/n-26-11.pdf",
    dated="2026-01-14",
)

SECTION_179 = (
    Section179Limit(
        year=2023,
        limit=Decimal(1_160_000),
        phase_out_from=Decimal(2_890_000),
        source=_PUBLICATION,
    ),
    Section179Limit(
        year=2024,
        limit=Decimal(1_220_000),
        phase_out_from=Decimal(3_050_000),
        source=Source(
            title="Rev. Proc. 2023-34",
            address="https://www.irs.gov/pub/irs-drop/rp-23-34.pdf",
            dated="2023",
        ),
    ),
    Section179Limit(
        year=2025,
        limit=Decimal(2_500_000),
        phase_out_from=Decimal(4_000_000),
        source=_P_L_119_21_179,
    ),
    Section179Limit(
        year=2026,
        limit=Decimal(2_560_000),
        phase_out_from=Decimal(4_090_000),
        source=Source(
            title="Rev. Proc. 2025-32",
            address="https://www.irs.gov/pub/irs-drop/rp-25-32.pdf",
            dated="2025",
        ),
    ),
)

_AFTER_TCJA, _LAST_OF_TCJA, _NEW_LAW = date(2017, 9, 28), date(2025, 1, 19), date(2025, 1, 20)


def _phase_down(first_year: int, last_year: int, percent: int) -> BonusShare:
    return BonusShare(
        acquired_from=_AFTER_TCJA,
        acquired_to=_LAST_OF_TCJA,
        in_service_from=date(first_year, 1, 1),
        in_service_to=date(last_year, 12, 31),
        percent=Decimal(percent),
        source=_OLD_LAW,
    )


BONUS = (
    _phase_down(2018, 2022, 100),
    _phase_down(2023, 2023, 80),
    _phase_down(2024, 2024, 60),
    _phase_down(2025, 2025, 40),
    _phase_down(2026, 2026, 20),
    BonusShare(
        acquired_from=_NEW_LAW,
        acquired_to=None,
        in_service_from=_NEW_LAW,
        in_service_to=None,
        percent=Decimal(100),
        source=_NOTICE,
    ),
)


def bonus_by_law(acquired: date, in_service: date) -> Decimal:
    """Percent that the dates allow; 0 where none of `BONUS` fits."""
    for share in BONUS:
        bought = share.acquired_from <= acquired and acquired <= (share.acquired_to or date.max)
        placed = share.in_service_from <= in_service <= (share.in_service_to or date.max)
        if bought and placed:
            return share.percent
    return Decimal(0)


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
    for known in SECTION_179:
        if known.year == year.start.year:
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
        wanted = [_elected(assets[place], year) for place in places]
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


def _elected(asset: Asset, year: TaxYear) -> Decimal:
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
