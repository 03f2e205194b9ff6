"""Quantity discounts as a table that people type in, and back."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from dashboard.planner.inputs import plain

Raw = dict[str, Any]
FROM, PERCENT = "From units", "% off"
COLUMNS = (FROM, PERCENT)


class MistakeError(ValueError):
    """What is wrong with the table, in words."""


def rows_of(tiers: Sequence[Raw]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            FROM: pd.array([tier["from_count"] for tier in tiers], dtype="Int64"),
            PERCENT: pd.array([float(tier["percent"]) for tier in tiers], dtype="Float64"),
        }
    )


def tiers_of(table: pd.DataFrame, before: Sequence[Raw]) -> tuple[Raw, ...]:
    """What the table says, in its order; rows in which nothing stands are passed over. Of what it
    said `before`, percentages keep all of their digits. MistakeError: a row makes no sense."""
    digits = {float(tier["percent"]): tier["percent"] for tier in before}
    tiers: list[Raw] = []
    for place, (count, percent) in enumerate(table[list(COLUMNS)].to_numpy(), start=1):
        if pd.isna(count) and pd.isna(percent):
            continue
        if pd.isna(count):
            raise MistakeError(f"row {place} does not say from how many units on.")
        if pd.isna(percent):
            raise MistakeError(f"row {place} does not say how many percent are taken off.")
        if count != int(count) or not 1 <= count <= 1_000_000:
            raise MistakeError(f"row {place} needs a whole number of units, from 1 to 1,000,000.")
        if not 0 <= percent <= 100:
            raise MistakeError(f"row {place} needs a percentage from 0 to 100.")
        if any(tier["from_count"] == int(count) for tier in tiers):
            raise MistakeError(f"two rows begin at {int(count):,} units: keep one of them.")
        tiers.append({"from_count": int(count), "percent": _percent(float(percent), digits)})
    return tuple(tiers)


def _percent(typed: float, digits: dict[float, Decimal]) -> Decimal:
    return digits[typed] if typed in digits else plain(typed)
