"""Gain or loss when an asset is sold or scrapped."""

from datetime import date
from decimal import Decimal

from dashboard.costs.ownership.assets import Asset
from dashboard.costs.ownership.schedule import Schedule
from dashboard.costs.ownership.terms import Figures


class Outcome(Figures):
    """Proceeds against what the books and the tax schedule still carry; negative is a loss.

    `tax_gain` raises the tax of its year, a loss lowers it.
    """

    asset: str
    on: date
    proceeds: Decimal
    book_value: Decimal
    book_gain: Decimal
    tax_value: Decimal
    tax_gain: Decimal


def outcome(asset: Asset, book: Schedule, tax: Schedule) -> Outcome:
    """Of an asset with a disposal, and its own two schedules, which end with it."""
    if asset.disposal is None:
        raise ValueError(f"{asset.name} is not disposed of: give it a disposal first.")
    proceeds = asset.disposal.proceeds
    return Outcome(
        asset=asset.name,
        on=asset.disposal.on,
        proceeds=proceeds,
        book_value=book.final_value,
        book_gain=proceeds - book.final_value,
        tax_value=tax.final_value,
        tax_gain=proceeds - tax.final_value,
    )
