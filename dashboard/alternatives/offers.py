"""A range's requests on each side: self-hosted, in seats, and at each baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dashboard.costs.baselines import (
    Baseline,
    BaselineCost,
    BaselineItem,
    BaselineRow,
    UsageRange,
)
from dashboard.costs.comparison import compare
from dashboard.costs.models import Comparison, DeveloperCost
from dashboard.overview import View, first_moment
from dashboard.periods import Period, period
from dashboard.priced import Priced, imported_usage, metered_usage, priced_apart
from dashboard.sides import developers_of, moment, require_one_currency, segments_of
from db.prices import CostSettings, current_prices

Kind = Literal["fully loaded", "marginal", "seats", "api", "hosted", "rented"]
NO_ENERGY = "the energy of some requests is unknown"


@dataclass(frozen=True, slots=True)
class Ranged:
    """What a range used and what it cost here, whatever it is compared with. `prices` are those
    in force at its end."""

    view: View
    period: Period
    today: date
    comparison: Comparison
    metered: UsageRange
    imported: UsageRange
    prices: CostSettings

    @property
    def models(self) -> list[str]:
        """What the gateway served, the most used first."""
        tokens: dict[str, int] = {}
        for row in self.metered.rows:
            if row.model is not None:
                tokens[row.model] = tokens.get(row.model, 0) + row.tokens
        return sorted(tokens, key=lambda model: -tokens[model])


@dataclass(frozen=True, slots=True)
class Offer:
    """What the range costs in one way. `cost` None: not all of it could be priced, `known` is then
    a bound from below, and `reasons` say why. Σ of the rows' `known` = `known`. `items` are its
    parts by model, plan or GPU.

    `prices_of` is the day of the prices (None: the founding figures, which nobody dated).
    `imported` is the cost of what was imported, which is in none of the other figures; None: there
    is none, or no price per token.
    """

    kind: Kind
    name: str
    currency: str
    known: Decimal
    cost: Decimal | None
    reasons: tuple[str, ...]
    rows: tuple[BaselineRow, ...]
    prices_of: date | None
    source: str
    notes: tuple[str, ...]
    items: tuple[BaselineItem, ...] = ()
    imported: BaselineCost | None = None


def ranged(engine: Engine, view: View, now_ms: int) -> Ranged:
    """What a view's range used and cost at `now_ms` (UTC epoch milliseconds). InvalidInput: prices
    were in two currencies."""
    zone = ZoneInfo(view.timezone)
    chosen = period(view.span, zone, now_ms, first_moment(engine, zone, now_ms))
    segments = segments_of(engine, chosen.start_ms, chosen.end_ms)
    require_one_currency(segments, zone)
    # Much of what teams import is from before there was hardware here, where "all" begins.
    imported_from = 0 if view.span == "all" else chosen.start_ms
    return Ranged(
        view=view,
        period=chosen,
        today=moment(now_ms).astimezone(zone).date(),
        comparison=compare(segments, developers_of(engine, zone), zone, view.idle),
        metered=metered_usage(engine, chosen.start_ms, chosen.end_ms),
        imported=imported_usage(engine, imported_from, chosen.end_ms),
        prices=current_prices(engine, chosen.end_ms - 1),
    )


def offers(found: Ranged, baselines: Sequence[Baseline]) -> list[Offer]:
    """Self-hosting first, fully loaded and marginal; then the seats, then each baseline."""
    zone = ZoneInfo(found.view.timezone)
    priced = priced_apart(found.metered, found.imported, baselines, zone)
    return [*_here(found), *(_elsewhere(one) for one in priced)]


def _here(found: Ranged) -> list[Offer]:
    comparison, marginal = found.comparison, found.comparison.marginal_total
    people = comparison.developers
    fully = tuple(_row(row, row.fully_loaded) for row in people)
    own = tuple(_row(row, row.marginal) for row in people if row.developer_id is not None)
    seats = tuple(_row(row, row.seat) for row in people if row.seat)
    known = sum((row.known for row in own), Decimal(0)) if marginal is None else marginal
    reasons = () if marginal is not None else (NO_ENERGY,)
    total, seated = comparison.self_hosted_total, comparison.baseline_total
    return [
        _settled(found, "fully loaded", "Self-hosted, fully loaded", total, fully),
        _settled(found, "marginal", "Self-hosted, marginal", known, own, reasons),
        _settled(found, "seats", "Seats, as in Settings", seated, seats),
    ]


def _settled(
    found: Ranged,
    kind: Kind,
    name: str,
    known: Decimal,
    rows: tuple[BaselineRow, ...],
    reasons: tuple[str, ...] = (),
) -> Offer:
    """What follows from the prices in Settings."""
    prices = found.prices
    dated = prices.valid_from > 0
    return Offer(
        kind=kind,
        name=name,
        currency=found.comparison.currency,
        known=known,
        cost=None if reasons else known,
        reasons=reasons,
        rows=rows,
        prices_of=moment(prices.valid_from).date() if dated else None,
        source="Settings" if dated else "Settings: the founding figures",
        notes=found.comparison.assumptions,
    )


def _row(row: DeveloperCost, amount: Decimal | None) -> BaselineRow:
    return BaselineRow(
        developer_id=row.developer_id,
        name=row.name,
        requests=row.requests,
        input_tokens=row.input_tokens,
        cached_input_tokens=None,
        output_tokens=row.output_tokens,
        known=Decimal(0) if amount is None else amount,
        cost=amount,
        reasons=(NO_ENERGY,) if amount is None else (),
    )


def _elsewhere(priced: Priced) -> Offer:
    cost = priced.metered
    return Offer(
        kind=cost.kind,
        name=cost.name,
        currency=cost.currency,
        known=cost.known,
        cost=cost.cost,
        reasons=cost.reasons,
        rows=cost.rows,
        prices_of=cost.valid_from,
        source=cost.source,
        notes=cost.notes,
        items=cost.items,
        imported=priced.imported,
    )
