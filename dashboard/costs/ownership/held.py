"""What the company owns within a case's horizon, and what becomes of it at the end."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.months import add_months
from dashboard.costs.ownership.assets import Asset, Disposal, cost, residual_value
from dashboard.costs.ownership.case import Case
from dashboard.costs.ownership.depreciation import book_schedule
from dashboard.costs.ownership.disposal import Outcome
from dashboard.costs.ownership.financing import Lease
from dashboard.costs.ownership.schedule import book_value_at
from dashboard.costs.ownership.terms import Portion
from dashboard.costs.ownership.years import ONE_DAY


def owned(case: Case) -> tuple[Asset, ...]:
    """Bought ones, or those bought out of a lease; each with its disposal within the horizon.

    What has no disposal by then is sold on the last day for its value in the books, which is the
    residual value once its life is over. So is what a lease's buyout pays for on that very day.
    """
    assets = case.assets
    if isinstance(case.financing, Lease):
        assets = _bought_out(case, case.financing)
    return tuple(_with_disposal(asset, case) for asset in assets)


def hardware_cost(case: Case) -> Decimal:
    """The list of all hardware at its price, owned or leased."""
    return sum((cost(asset) for asset in case.assets), Decimal(0))


def assumed_sales(case: Case, disposals: Iterable[Outcome]) -> list[Outcome]:
    """Of the disposals of all that is owned, in its order, those that nobody has settled."""
    return [
        sale
        for asset, sale in zip(case.assets, disposals, strict=False)
        if asset.disposal is None or asset.disposal.on != sale.on
    ]


def worth_at_buyout(assets: Sequence[Asset], lease: Lease) -> Decimal:
    """What leased hardware is worth to the books as it is bought: its price, or its residual value
    at most once its life is over. 0 without a buyout."""
    return sum((worth for _, _, worth in _buyouts(assets, lease)), Decimal(0))


def _with_disposal(asset: Asset, case: Case) -> Asset:
    end = add_months(case.start, case.horizon_months)
    if asset.disposal and asset.disposal.on < end:
        return asset
    kept = asset.model_copy(update={"disposal": None})
    value = book_value_at(book_schedule(kept, case.tax_year_starts_in_month), end)
    at_end = Disposal(on=end - ONE_DAY, proceeds=value)
    return asset.model_copy(update={"disposal": at_end})


def _bought_out(case: Case, lease: Lease) -> tuple[Asset, ...]:
    """The leased hardware as bought at the lease's end, on the horizon's last day at the latest;
    nothing where it goes back."""
    if lease.buyout is None:
        return ()
    last = add_months(case.start, case.horizon_months) - ONE_DAY
    bought = min(add_months(case.start, lease.months), last)
    return tuple(
        asset.model_copy(
            update={
                "unit_price": price,
                "count": 1,
                "discounts": (),
                "purchase_date": bought,
                "in_service_date": bought,
                "life_months": max(1, asset.life_months - lease.months),
                "residual": Portion(amount=min(price, residual_value(asset))),
                "disposal": Disposal(on=last, proceeds=worth) if bought == last else None,
            }
            | ({"disposal": asset.disposal} if _later(asset, bought) else {})
        )
        for asset, price, worth in _buyouts(case.assets, lease)
    )


def _buyouts(assets: Sequence[Asset], lease: Lease) -> list[tuple[Asset, Decimal, Decimal]]:
    """Each asset with its part of the price, by what it cost new, and what it is then worth."""
    costs = [Fraction(cost(asset)) for asset in assets]
    weights = costs if any(costs) else [Fraction(1)] * len(costs)
    prices = money.split(lease.buyout or Decimal(0), weights)
    return [
        (
            asset,
            price,
            price if asset.life_months > lease.months else min(price, residual_value(asset)),
        )
        for asset, price in zip(assets, prices, strict=True)
    ]


def _later(asset: Asset, day: date) -> bool:
    return asset.disposal is not None and asset.disposal.on >= day
