"""The ledger's tables, in files by what they are about.

Times are integers: UTC epoch milliseconds. Energy is joules. Money and prices are exact decimals.
A value that is not known is NULL, never 0. Rows of people, keys and prices are never deleted.
"""

from db.schema.accounts import OWN_ROLES, Account, OwnRole, SignedIn
from db.schema.alerts import (
    ALERT_KINDS,
    AlertDelivery,
    AlertDestination,
    AlertFiring,
    AlertKind,
    AlertRule,
    AlertState,
    DestinationKind,
    Ended,
    NoticeKind,
)
from db.schema.base import Base, ExactDecimal, Id
from db.schema.energy import EnergyInterval, GridIntensity, MeterReading
from db.schema.energy_rollups import (
    EnergyOfBasis,
    EnergySource,
    EnergyTime,
    MachineTime,
    MeterTime,
)
from db.schema.imports import IMPORT_BASES, Import, ImportBasis, ImportedUsage
from db.schema.life import Erasing, Horizon, RetentionSetting
from db.schema.money import CostSetting, SavedScenario
from db.schema.people import ROLES, ApiKey, Developer, Limit, Membership, Role, Team
from db.schema.records import Audit, Meta
from db.schema.requests import (
    ENDINGS,
    ENERGY_BASES,
    STATUSES,
    EnergyBasis,
    MonthlyUse,
    Request,
    Status,
    Writer,
)
from db.schema.usage import UsageHour, UsageModel, UsagePeriod, UsageTime

__all__ = [
    "ALERT_KINDS",
    "ENDINGS",
    "ENERGY_BASES",
    "IMPORT_BASES",
    "OWN_ROLES",
    "ROLES",
    "STATUSES",
    "Account",
    "AlertDelivery",
    "AlertDestination",
    "AlertFiring",
    "AlertKind",
    "AlertRule",
    "AlertState",
    "ApiKey",
    "Audit",
    "Base",
    "CostSetting",
    "DestinationKind",
    "Developer",
    "Ended",
    "EnergyBasis",
    "EnergyInterval",
    "EnergyOfBasis",
    "EnergySource",
    "EnergyTime",
    "Erasing",
    "ExactDecimal",
    "GridIntensity",
    "Horizon",
    "Id",
    "Import",
    "ImportBasis",
    "ImportedUsage",
    "Limit",
    "MachineTime",
    "Membership",
    "Meta",
    "MeterReading",
    "MeterTime",
    "MonthlyUse",
    "NoticeKind",
    "OwnRole",
    "Request",
    "RetentionSetting",
    "Role",
    "SavedScenario",
    "SignedIn",
    "Status",
    "Team",
    "UsageHour",
    "UsageModel",
    "UsagePeriod",
    "UsageTime",
    "Writer",
]
