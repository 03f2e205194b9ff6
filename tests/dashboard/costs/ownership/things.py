"""The founding hardware and cases, for tests to vary."""

from datetime import date
from decimal import Decimal
from typing import Any

from dashboard.costs.ownership.assets import Asset
from dashboard.costs.ownership.case import Case
from dashboard.costs.ownership.schedule import Schedule


def asset(**changes: Any) -> Asset:
    """One H100 for $25,000, bought and in service on 1 January 2026, for 36 months."""
    founding: dict[str, Any] = {
        "name": "H100",
        "unit_price": Decimal(25_000),
        "purchase_date": date(2026, 1, 1),
        "in_service_date": changes.get("purchase_date", date(2026, 1, 1)),
        "life_months": 36,
    }
    return Asset.model_validate(founding | changes)


def case(**changes: Any) -> Case:
    """$90 a month to run, one seat of $200 a month given up, neither tax nor interest."""
    founding: dict[str, Any] = {
        "start": date(2026, 1, 1),
        "horizon_months": 36,
        "assets": (asset(),),
        "running": {"per_month": 90},
        "baseline": {"per_month": 200},
    }
    return Case.model_validate(founding | changes)


def depreciations(schedule: Schedule) -> list[str]:
    return [f"{row.depreciation:.2f}" for row in schedule.rows]
