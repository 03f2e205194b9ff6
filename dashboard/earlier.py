"""What the range before came to, which the Overview's figures are compared with.

It is kept for a minute: the range before ends on a whole minute, or nearly, and a price that is
changed or a request that ends late changes what it came to.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard.before import Before
from dashboard.costs.comparison import cumulative
from dashboard.sides import developers_of, moment, require_one_currency, segments_of
from db import queries
from db.errors import InvalidInput
from db.uses import EVERY_USE, Uses


@dataclass(frozen=True, slots=True)
class Earlier:
    """Money None: its prices were in two currencies, or in another than `currency`. `totals` are of
    what the reader's filter lets through, as the figures beside them are."""

    words: str
    seconds: float
    currency: str | None
    self_hosted: Decimal | None
    baseline: Decimal | None
    totals: queries.Totals
    energy: queries.EnergyTotals


@lru_cache(maxsize=64)
def earlier(
    engine: Engine, range_: Before, zone: ZoneInfo, minute: int, uses: Uses = EVERY_USE
) -> Earlier:
    """As it is in this minute, counted from any moment."""
    start, end = range_.start_ms, range_.end_ms
    currency, own, seats = _costs(engine, start, end, zone)
    return Earlier(
        words=range_.words,
        seconds=(end - start) / 1000,
        currency=currency,
        self_hosted=own,
        baseline=seats,
        totals=queries.totals(engine, start, end, uses=uses),
        energy=queries.energy_between(engine, start, end),
    )


def _costs(
    engine: Engine, start_ms: int, end_ms: int, zone: ZoneInfo
) -> tuple[str | None, Decimal | None, Decimal | None]:
    """The currency and both sides' costs, as `compare` has them."""
    segments = segments_of(engine, start_ms, end_ms)
    try:
        require_one_currency(segments, zone)
    except InvalidInput:
        return None, None, None
    developers = developers_of(engine, zone)
    (last,) = cumulative(segments, developers, [moment(end_ms)], zone)
    return segments[0].prices.currency, last.self_hosted, last.baseline
