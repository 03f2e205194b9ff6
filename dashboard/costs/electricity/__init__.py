"""What electricity costs: tariffs, loads, and the bill of a month."""

from dashboard.costs.electricity.bill import (
    Bill,
    BilledEnergy,
    bill,
    bill_between,
    metered_by_period,
    month_bill,
    power_kw,
    price_per_kwh,
    typical_month,
)
from dashboard.costs.electricity.loads import Load
from dashboard.costs.electricity.tariffs import Flat, Period, Tariff, TimeOfUse

__all__ = [
    "Bill",
    "BilledEnergy",
    "Flat",
    "Load",
    "Period",
    "Tariff",
    "TimeOfUse",
    "bill",
    "bill_between",
    "metered_by_period",
    "month_bill",
    "power_kw",
    "price_per_kwh",
    "typical_month",
]
