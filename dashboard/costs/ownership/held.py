"""What the company owns within a case's horizon, and what becomes of it at the end."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.months import add_months
from dashboard.costs.ownership.assets import Asset, Disposal, cost, residual_value
from dashboard.costs.ownership.case import Case
from dashboard.costs.ownership.depreciation import book_schedule
from dashboard.costs.ownership.financing import Lease
from dashboard.costs.ownership.schedule import book_value_at
from dashboard.costs.ownership.terms import Portion
from dashboard.costs.ownership.years import ONE_DAY, whole_months


def owned(case: Case) -> tuple[Asset, ...]:
    """Bought ones, or those bought out of a lease; each with its disposal within the horizon.

    What has no disposal by then is sold on the last day for its value in the books, which is the
    residual value once its life is over.
    """
    assets = case.assets
    if isinstance(case.financing, Lease):
        assets = _bought_out(case, case.financing)
    return tuple(_with_disposal(asset, case) for asset in assets)


def hardware_cost(case: Case) -> Decimal:
    """The list of all hardware at its price, owned or leased."""
    return sum((cost(asset) for asset in case.assets), Decimal(0))


def _with_disposal(asset: Asset, case: Case) -> Asset:
    end = add_months(case.start, case.horizon_months)
    if asset.disposal and asset.disposal.on < end:
        return asset
    kept = asset.model_copy(update={"disposal": None})
    value = book_value_at(book_schedule(kept, case.tax_year_starts_in_month), end)
    at_end = Disposal(on=end - ONE_DAY, proceeds=value)
    return asset.model_copy(update={"disposal": at_end})


def _bought_out(case: Case, lease: Lease) -> tuple[Asset, ...]:
    """The leased hardware as bought at the lease's end: the price shared by what it cost new.

    Nothing when it goes back, or when the horizon ends with the lease.
    """
    if lease.buyout is None or lease.months == case.horizon_months:
        return ()
    bought = add_months(case.start, lease.months)
    costs = [Fraction(cost(asset)) for asset in case.assets]
    weights = costs if any(costs) else [Fraction(1)] * len(costs)
    prices = money.split(lease.buyout, weights)
    return tuple(
        asset.model_copy(
            update={
                "unit_price": price,
                "count": 1,
                "discounts": (),
                "purchase_date": bought,
                "in_service_date": bought,
                "life_months": max(1, asset.life_months - whole_months(case.start, bought)),
                "residual": Portion(amount=min(price, residual_value(asset))),
                "disposal": asset.disposal if _later(asset, bought) else None,
            }
        )
        for asset, price in zip(case.assets, prices, strict=True)
    )


def _later(asset: Asset, day: date) -> bool:
    return asset.disposal is not None and asset.disposal.on >= day
