"""Dated figures of US federal law: Section 179 limits and shares of bonus depreciation.

The laws and rulings named are the sources. The figures were read in summaries of them: limits for
2024 at cncmachines.com/section-179-deduction, for 2025 at midcoastadvisors.com (OBBBA cheat sheet),
for 2026 at van-de-ven.blog (23 December 2025); bonus shares at cbh.com and eisneramper.com (Notice
2026-11, January 2026).
"""

from datetime import date
from decimal import Decimal

from dashboard.costs.ownership.terms import Figures, Source
from dashboard.costs.ownership.years import TaxYear


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
    """By calendar year of service, none of it before the law's own first day."""
    return BonusShare(
        acquired_from=_AFTER_TCJA,
        acquired_to=_LAST_OF_TCJA,
        in_service_from=max(_AFTER_TCJA, date(first_year, 1, 1)),
        in_service_to=date(last_year, 12, 31),
        percent=Decimal(percent),
        source=_OLD_LAW,
    )


BONUS = (
    _phase_down(2017, 2022, 100),
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


def bonus_share(acquired: date, in_service: date) -> BonusShare | None:
    """What the dates allow; None: no bonus."""
    for share in BONUS:
        bought = share.acquired_from <= acquired <= (share.acquired_to or date.max)
        placed = share.in_service_from <= in_service <= (share.in_service_to or date.max)
        if bought and placed:
            return share
    return None


def bonus_by_law(acquired: date, in_service: date) -> Decimal:
    """Percent that the dates allow; 0 where none of `BONUS` fits."""
    share = bonus_share(acquired, in_service)
    return share.percent if share else Decimal(0)


def section_179_of(year: TaxYear) -> Section179Limit | None:
    return next((known for known in SECTION_179 if known.year == year.start.year), None)
