"""The rows of FOCUS: the hardware's purchase, and what each team's part of a day costs."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard.costs import money
from dashboard.costs.daily import DayCost
from dashboard.costs.models import Comparison, Prices
from dashboard.costs.months import add_months
from dashboard.reports.focus_columns import NAMES
from dashboard.reports.span import begin_ms
from dashboard.reports.tables import DIGITS, Cells

OWNER = "Self-hosted AI"
ALWAYS = {
    "BillingAccountId": "self-hosted",
    "BillingAccountName": OWNER,
    "InvoiceIssuerName": OWNER,
    "ProviderName": OWNER,
    "PublisherName": OWNER,
    "PricingCategory": "Standard",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Self-hosted inference",
    "ServiceSubcategory": "Generative AI",
    "ResourceType": "Hardware",
}


@dataclass(frozen=True, slots=True)
class Share:
    """Whose part of a billing period, as weights. `team_id` 0: people in no team; None: nobody."""

    team_id: int | None
    name: str
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Used:
    """What a team used in a day. `energy_basis` is the weakest of its requests' joules."""

    requests: int
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    energy_j: float | None
    energy_unknown: int
    energy_basis: str


def used_of(row: Mapping[Hashable, Any], estimated: bool) -> Used:
    """From a row of `db.queries.by_team`; `estimated`: some of what the meters told that day is."""
    energy_j = None if pd.isna(row["energy_j"]) else float(row["energy_j"])
    if energy_j is None:
        basis = "unknown"
    elif row["energy_unknown"] or row["energy_partial"]:
        basis = "partial"
    else:
        basis = "estimated" if estimated else "measured"
    return Used(
        requests=int(row["requests"]),
        input_tokens=int(row["input_tokens"]),
        cached_input_tokens=int(row["cached_input_tokens"]),
        output_tokens=int(row["output_tokens"]),
        energy_j=energy_j,
        energy_unknown=int(row["energy_unknown"]),
        energy_basis=basis,
    )


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period: when it begins and ends, and how teams share its costs."""

    start_ms: int
    end_ms: int
    shared_by: str
    shares: tuple[Share, ...]

    @classmethod
    def of(cls, first_day: date, zone: ZoneInfo, comparison: Comparison) -> "Period":
        """The calendar month of `first_day`, shared by teams as `comparison` shares it."""
        rows = comparison.developers
        weights = [Fraction(row.fully_loaded) for row in rows]
        if not any(weights):  # all of it was free
            weights = [Fraction(row.input_tokens + row.output_tokens) for row in rows]
        shares = [
            Share(row.developer_id, row.name, weight)
            for row, weight in zip(rows, weights, strict=True)
        ]
        if not any(weights):
            shares.append(Share(None, "", Fraction(1)))
        after = add_months(first_day, 1)
        return cls(
            begin_ms(first_day, zone), begin_ms(after, zone), comparison.shared_by, tuple(shares)
        )


def purchase(period: Period, day: DayCost) -> Cells:
    """The hardware as it was bought, on its first day."""
    prices = day.prices
    price = prices.hardware_price
    return _cells(
        _common(period, day),
        SkuId="hardware",
        SkuMeter="Hardware",
        ChargeCategory="Purchase",
        ChargeFrequency="One-Time",
        ChargeDescription=(
            f"Purchase of {prices.hardware_name}, amortised over {prices.hardware_life_months} "
            f"months to a residual value of {money.words(prices.residual_value, prices.currency)}"
        ),
        BilledCost=price,
        EffectiveCost=Decimal(0),
        ListCost=price,
        ContractedCost=price,
        PricingQuantity=Decimal(1),
        PricingUnit="Units",
    )


def usage_rows(period: Period, day: DayCost, used: Mapping[int, Used]) -> Iterator[Cells]:
    """What the day costs each team, and what each really used in it (`used`, by the team's id)."""
    weights = [share.weight for share in period.shares]
    whole = sum(weights, Fraction(0))
    parts = zip(
        period.shares,
        *[
            money.split(cost, weights, DIGITS)
            for cost in (day.depreciation, day.electricity, day.operations)
        ],
        strict=True,
    )
    for share, depreciation, electricity, operations in parts:
        use = None if share.team_id is None else used.get(share.team_id)
        part = share.weight / whole
        common = _common(period, day) | _of_team(share, period.shared_by)
        in_service = part > 0 and day.hours > 0
        if in_service or use is not None:
            yield _cells(common, **_hardware(day, part, depreciation, use))
        if in_service:
            yield _cells(common, **_electricity(day, part, electricity, use))
        if in_service and day.prices.operations_per_month:
            yield _cells(common, **_operations(day, part, operations))


def sub_account(team_id: int) -> str:
    """A team's id; with a word in it, since readers of CSV take a bare number for one."""
    return f"team-{team_id}"


def _common(period: Period, day: DayCost) -> dict[str, Any]:
    prices = day.prices
    return ALWAYS | {
        "BillingCurrency": prices.currency,
        "BillingPeriodStart": period.start_ms,
        "BillingPeriodEnd": period.end_ms,
        "ChargePeriodStart": _ms(day.start),
        "ChargePeriodEnd": _ms(day.end),
        "ResourceId": f"hardware-of-{prices.in_service_date}",
        "ResourceName": prices.hardware_name,
    }


def _of_team(share: Share, shared_by: str) -> dict[str, Any]:
    if not share.team_id:
        return {"x_SharedBy": "nobody" if share.team_id is None else shared_by}
    return {
        "SubAccountId": sub_account(share.team_id),
        "SubAccountName": share.name,
        "x_SharedBy": shared_by,
    }


def _hardware(day: DayCost, part: Fraction, cost: Decimal, use: Used | None) -> dict[str, Any]:
    tokens = use.input_tokens + use.output_tokens if use else 0
    return {
        "SkuId": "hardware-time",
        "SkuMeter": "Hardware time",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Recurring",
        "ChargeDescription": f"Depreciation of {day.prices.hardware_name}, straight line over "
        f"{day.prices.hardware_life_months} months",
        "BilledCost": Decimal(0),
        **_costs(cost),
        "PricingQuantity": _quantity(day.hours * part),
        "PricingUnit": "Hours",
        "ConsumedQuantity": Decimal(tokens),
        "ConsumedUnit": "Tokens",
        "x_Requests": use.requests if use else 0,
        "x_InputTokens": use.input_tokens if use else 0,
        "x_CachedInputTokens": use.cached_input_tokens if use else 0,
        "x_OutputTokens": use.output_tokens if use else 0,
    }


def _electricity(day: DayCost, part: Fraction, cost: Decimal, use: Used | None) -> dict[str, Any]:
    prices = day.prices
    basis = "the rated power" if prices.electricity_basis == "nameplate" else "the meter"
    kwh = _quantity(day.kwh * part)
    return {
        "SkuId": "electricity",
        "SkuMeter": "Electricity",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargeDescription": f"Electricity by {basis}, idle time and PUE "
        f"{_plain(prices.pue)} included, at {_per_kwh(prices)}",
        "BilledCost": cost,
        **_costs(cost),
        "PricingQuantity": kwh,
        "PricingUnit": "Kilowatt-Hours",
        "ConsumedQuantity": kwh,
        "ConsumedUnit": "Kilowatt-Hours",
        "x_ElectricityBasis": prices.electricity_basis,
        "x_ElectricityPricePerKwh": prices.electricity_price_per_kwh,
        "x_PowerUsageEffectiveness": prices.pue,
        "x_EnergyJoules": use.energy_j if use else 0.0,
        "x_EnergyUnknownRequests": use.energy_unknown if use else 0,
        "x_EnergyBasis": use.energy_basis if use else None,
    }


def _operations(day: DayCost, part: Fraction, cost: Decimal) -> dict[str, Any]:
    prices = day.prices
    months = _quantity(day.months * part)
    return {
        "SkuId": "operations",
        "SkuMeter": "Operations",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Recurring",
        "ChargeDescription": "Operations at "
        f"{money.words(prices.operations_per_month, prices.currency)} a month",
        "BilledCost": cost,
        **_costs(cost),
        "PricingQuantity": months,
        "PricingUnit": "Months",
        "ConsumedQuantity": months,
        "ConsumedUnit": "Months",
    }


def _costs(cost: Decimal) -> dict[str, Decimal]:
    return {"EffectiveCost": cost, "ListCost": cost, "ContractedCost": cost}


def _per_kwh(prices: Prices) -> str:
    return f"{prices.currency} {_plain(prices.electricity_price_per_kwh)} per kWh"


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")


def _quantity(amount: Fraction) -> Decimal:
    return money.rounded(amount, DIGITS)


def _cells(common: dict[str, Any], **row: Any) -> Cells:
    values = common | row
    return tuple(values.get(name) for name in NAMES)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
