"""What the same use would have cost elsewhere: seats, a vendor's API, a host, rented GPUs."""

from dashboard.costs.baselines.cost import (
    BaselineCost,
    BaselineItem,
    BaselineRow,
    lines_of,
    priced,
)
from dashboard.costs.baselines.models import (
    Api,
    Baseline,
    Hosted,
    OwnPrice,
    Plan,
    Rented,
    RequestOverage,
    Seats,
    TokenOverage,
)
from dashboard.costs.baselines.open_models import hosts
from dashboard.costs.baselines.rented import TYPICAL, GpuHour
from dashboard.costs.baselines.usage import ModelUsage, UsageRange

__all__ = [
    "TYPICAL",
    "Api",
    "Baseline",
    "BaselineCost",
    "BaselineItem",
    "BaselineRow",
    "GpuHour",
    "Hosted",
    "ModelUsage",
    "OwnPrice",
    "Plan",
    "Rented",
    "RequestOverage",
    "Seats",
    "TokenOverage",
    "UsageRange",
    "hosts",
    "lines_of",
    "priced",
]
