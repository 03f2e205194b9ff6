"""UK capital allowances for plant and machinery in the main pool, for companies.

The pool is taken to hold this asset alone. On disposal the difference to its written-down value
is settled at once, as the short-life election does (CAA 2001, sections 83 to 89); in a pool with
other assets a shortfall would go on being written down.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil

from dashboard.costs import money
from dashboard.costs.ownership.assets import Asset, cost
from dashboard.costs.ownership.methods import UkWritingDown
from dashboard.costs.ownership.schedule import Expensed, Schedule, Span, rows_of
from dashboard.costs.ownership.terms import Source, in_order_within
from dashboard.costs.ownership.years import TaxYear, tax_year_of

MAIN_RATE_UNTIL_MARCH_2026, MAIN_RATE_NOW = Fraction(18), Fraction(14)  # percent a year
NEW_RATE_FROM = date(2026, 4, 1)
RATES = Source(
    title="Capital allowances: new first-year allowance and reducing main rate writing-down "
    "allowances (HMRC policy paper)",
    address="https://www.gov.uk/government/publications/new-first-year-allowance-and-main-rate-of-"
    "writing-down-allowances",
    dated="2025-11-26",
)

SMALL_POOL = Decimal(1_000)
SMALL_POOLS = Source(
    title="HMRC Capital Allowances Manual CA23225: small pools (CAA 2001, section 56A)",
    address="https://www.gov.uk/hmrc-internal-manuals/capital-allowances-manual/ca23225",
    dated="2008",
)

ANNUAL_INVESTMENT_LIMIT = Decimal(1_000_000)
MAIN_RATE_FIRST_YEAR = Fraction(40, 100)
_FIRST_DAYS = {
    "full_expensing": date(2023, 4, 1),
    "annual_investment": date(2019, 1, 1),
    "main_rate_40": date(2026, 1, 1),
}
FIRST_YEAR = Source(
    title="Capital allowances 2024/25 to 2026/27: tax tables by Delphinia Accounting",
    address="https://delphiniaccounting.co.uk/resource-centre/tax-tables/capital-allowances.php",
    dated="2026",
)


def writing_down_percent(year: TaxYear) -> Fraction:
    """The main rate for a company's accounting period; by days where the change falls within it.

    The mixed rate is rounded up to a hundredth of a percent: 14.99% for the calendar year 2026.
    """
    before = (min(max(NEW_RATE_FROM, year.start), year.end) - year.start).days
    days = (year.end - year.start).days
    mixed = (MAIN_RATE_UNTIL_MARCH_2026 * before + MAIN_RATE_NOW * (days - before)) / days
    return Fraction(ceil(mixed * 100), 100)


def annual_investment_claims(assets: Sequence[Asset], first_month: int) -> list[Decimal]:
    """What each asset gets of the annual investment allowance, in the list's order."""
    claims = [Decimal(0)] * len(assets)
    years: dict[TaxYear, list[int]] = {}
    for place, asset in enumerate(assets):
        rule = asset.tax_depreciation
        if isinstance(rule, UkWritingDown) and rule.first_year == "annual_investment":
            years.setdefault(tax_year_of(asset.purchase_date, first_month), []).append(place)
    for places in years.values():
        wanted = [cost(assets[place]) for place in places]
        given = in_order_within(ANNUAL_INVESTMENT_LIMIT, wanted)
        for place, amount in zip(places, given, strict=True):
            claims[place] = amount
    return claims


def writing_down(
    asset: Asset, rule: UkWritingDown, investment_claim: Decimal, first_month: int
) -> Schedule:
    """Reducing balance from the year of purchase, until the pool is small and let go whole.

    None in the year of disposal. ValueError: a first-year relief before it existed.
    """
    whole = cost(asset)
    at_once = _at_once(asset, rule, investment_claim)
    year, left = tax_year_of(asset.purchase_date, first_month), whole
    spans: list[Span] = []
    while left > 0 and not (asset.disposal and asset.disposal.on < year.end):
        first = not spans
        amount = at_once if first else Decimal(0)
        # What had a first-year allowance joins the pool a year later; after the AIA, at once.
        if not (first and rule.first_year == "main_rate_40"):
            amount += _allowance(left - amount, year)
        spans.append(Span(year.name, max(year.start, asset.purchase_date), year.end, amount))
        left -= amount
        year = tax_year_of(year.end, first_month)
    return Schedule(
        asset=asset.name,
        method="uk_writing_down",
        cost=whole,
        counts="months",
        expensed=(Expensed(kind=rule.first_year, amount=at_once),) if at_once and spans else (),
        rows=rows_of(whole, spans),
        notes=(
            "Main pool of a company, this asset alone in it: 18% until March 2026, 14% since, all "
            "of it once £1,000 or less is left; settled at once on disposal.",
        ),
        sources=(RATES, SMALL_POOLS, FIRST_YEAR) if at_once else (RATES, SMALL_POOLS),
    )


def _allowance(pool: Decimal, year: TaxYear) -> Decimal:
    if pool <= SMALL_POOL:
        return pool
    return money.cents(Fraction(pool) * writing_down_percent(year) / 100)


def _at_once(asset: Asset, rule: UkWritingDown, investment_claim: Decimal) -> Decimal:
    if rule.first_year == "none":
        return Decimal(0)
    first_day = _FIRST_DAYS[rule.first_year]
    if asset.purchase_date < first_day:
        raise ValueError(
            f"{asset.name}: {rule.first_year} is for purchases from {first_day} on; choose another "
            "first_year."
        )
    if rule.first_year == "annual_investment":
        return investment_claim
    if rule.first_year == "full_expensing":
        return cost(asset)
    return money.cents(Fraction(cost(asset)) * MAIN_RATE_FIRST_YEAR)
