"""German AfA: straight line by month, computers in a year, and falling amounts of 2025 to 2027.

The purchase ("Anschaffung") is when the thing is delivered and usable: the in-service date. No
residual value is kept back. Sources are second-hand where they say so.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from dashboard.costs.ownership.assets import Asset, cost
from dashboard.costs.ownership.by_time import by_months, falling, months_in_service
from dashboard.costs.ownership.methods import GermanLinear
from dashboard.costs.ownership.schedule import Schedule, Span, rows_of
from dashboard.costs.ownership.terms import Source

LINEAR = Source(
    title="§ 7 (1) sentences 1 and 4 EStG: equal amounts, a twelfth less for each full month "
    "before that of the purchase",
    address="https://www.gesetze-im-internet.de/estg/__7.html",
    dated="2025",
)
ONE_YEAR = Source(
    title="BMF letter of 22 February 2022, IV C 3 - S 2190/21/10002 :025, margin numbers 1.1 and "
    "1.4, as reprinted by stbv.tax",
    address="https://stbv.tax/bmf-nutzungsdauer-von-computerhardware-und-software-zur-"
    "dateneingabe-und-verarbeitung/",
    dated="2022-02-22",
)
DEGRESSIVE = Source(
    title="§ 7 (2) EStG in the law of 14 July 2025, BGBl. 2025 I Nr. 161, by NWB",
    address="https://datenbank.nwb.de/Dokument/1074885/",
    dated="2025-07-14",
)

DEGRESSIVE_FROM, DEGRESSIVE_TO = date(2025, 7, 1), date(2027, 12, 31)
HIGHEST_RATE, TIMES_LINEAR = Fraction(30, 100), 3


def linear(asset: Asset, rule: GermanLinear, first_month: int) -> Schedule:
    whole = cost(asset)
    if rule.digital_one_year:
        first = months_in_service(asset, 12, first_month)[:1]
        spans = [Span(part.year, part.start, part.end, whole) for part in first]
        return _schedule(
            asset,
            "german_linear",
            spans,
            ONE_YEAR,
            "German AfA, all of it in the year of purchase.",
        )
    spans = by_months(asset, whole, asset.life_months, first_month)
    return _schedule(
        asset, "german_linear", spans, LINEAR, "German AfA in equal amounts, by full months."
    )


def degressive(asset: Asset, first_month: int) -> Schedule:
    """At most 30% and three times the linear rate; ValueError for purchases of other years.

    Even amounts from the year in which they are more (§ 7 (3) EStG).
    """
    if not DEGRESSIVE_FROM <= asset.in_service_date <= DEGRESSIVE_TO:
        raise ValueError(
            f"{asset.name}: german_degressive is for purchases from {DEGRESSIVE_FROM} to "
            f"{DEGRESSIVE_TO}; use german_linear."
        )
    rate = min(HIGHEST_RATE, Fraction(12 * TIMES_LINEAR, asset.life_months))
    spans = falling(asset, Decimal(0), rate, first_month)
    note = "German AfA in falling amounts, then evenly once that takes more."
    return _schedule(asset, "german_degressive", spans, DEGRESSIVE, note)


def _schedule(asset: Asset, method: str, spans: list[Span], source: Source, note: str) -> Schedule:
    return Schedule(
        asset=asset.name,
        method=method,
        cost=cost(asset),
        counts="months",
        rows=rows_of(cost(asset), spans),
        notes=(note,),
        sources=(source,),
    )
