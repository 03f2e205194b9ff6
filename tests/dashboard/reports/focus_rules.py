"""FOCUS 1.2 as a list of rules, written out from the specification's chapters on columns and on
formats (FinOps Open Cost and Usage Specification, version 1.2): what it requires of a file, apart
from how this product makes one. `broken` names each rule that a file breaks."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Row = dict[str, str]
Kind = Literal["string", "decimal", "datetime"]

# Numeric Format: digits, one point, a minus sign, E notation; nothing else.
NUMBER = re.compile(r"-?\d+(\.\d+)?(E-?\d+)?")
# Date/Time Format: extended ISO 8601 in UTC, to the second.
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# Currency Format: ISO 4217.
CURRENCY = re.compile(r"[A-Z]{3}")
# Column Handling: Pascal case, alphanumeric, at most 50 characters; custom columns prefixed.
COLUMN_ID = re.compile(r"(x_)?[A-Z][A-Za-z0-9]{0,49}")

SERVICE_CATEGORIES = {
    *("AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases"),
    *("Developer Tools", "Multicloud", "Identity", "Integration", "Internet of Things"),
    *("Management and Governance", "Media", "Migration", "Mobile", "Networking", "Security"),
    *("Storage", "Web", "Other"),
}
AI_SUBCATEGORIES = {
    *("AI Platforms", "Bots", "Generative AI", "Machine Learning"),
    *("Natural Language Processing", "Other (AI and Machine Learning)"),
}


@dataclass(frozen=True)
class ColumnRule:
    kind: Kind
    mandatory: bool = False
    nullable: bool = False
    allowed: frozenset[str] | None = None


def _must(kind: Kind, *values: str) -> ColumnRule:
    return ColumnRule(kind, mandatory=True, allowed=frozenset(values) or None)


def _may_be_null(kind: Kind, *values: str) -> ColumnRule:
    return ColumnRule(kind, mandatory=True, nullable=True, allowed=frozenset(values) or None)


def _may_be_absent(kind: Kind, *values: str) -> ColumnRule:
    return ColumnRule(kind, nullable=True, allowed=frozenset(values) or None)


# All columns of 1.2 that are mandatory, and those conditional and recommended ones whose condition
# holds for hardware of one's own: sub accounts, measured usage, provisioned resources.
COLUMNS: dict[str, ColumnRule] = {
    "BilledCost": _must("decimal"),
    "BillingAccountId": _must("string"),
    "BillingAccountName": _must("string"),
    "BillingCurrency": _must("string"),
    "BillingPeriodEnd": _must("datetime"),
    "BillingPeriodStart": _must("datetime"),
    "ChargeCategory": _must("string", "Usage", "Purchase", "Tax", "Credit", "Adjustment"),
    "ChargeClass": _may_be_null("string", "Correction"),
    "ChargeDescription": _may_be_null("string"),
    "ChargeFrequency": _must("string", "One-Time", "Recurring", "Usage-Based"),
    "ChargePeriodEnd": _must("datetime"),
    "ChargePeriodStart": _must("datetime"),
    "CommitmentDiscountStatus": _may_be_absent("string", "Used", "Unused"),
    "ConsumedQuantity": _may_be_null("decimal"),
    "ConsumedUnit": _may_be_null("string"),
    "ContractedCost": _must("decimal"),
    "EffectiveCost": _must("decimal"),
    "InvoiceId": _may_be_absent("string"),
    "InvoiceIssuerName": _must("string"),
    "ListCost": _must("decimal"),
    "PricingCategory": _may_be_absent("string", "Standard", "Committed", "Dynamic", "Other"),
    "PricingQuantity": _may_be_null("decimal"),
    "PricingUnit": _may_be_null("string"),
    "ProviderName": _must("string"),
    "PublisherName": _must("string"),
    "ResourceId": _may_be_null("string"),
    "ResourceName": _may_be_null("string"),
    "ResourceType": _may_be_null("string"),
    "ServiceCategory": _must("string", *SERVICE_CATEGORIES),
    "ServiceName": _must("string"),
    "ServiceSubcategory": _must("string", *AI_SUBCATEGORIES),
    "SkuId": _may_be_absent("string"),
    "SkuMeter": _may_be_absent("string"),
    "SubAccountId": _may_be_null("string"),
    "SubAccountName": _may_be_null("string"),
}


def _both_or_neither(one: str, other: str) -> Callable[[Row], bool]:
    return lambda row: bool(row[one]) == bool(row[other])


def _at(row: Row, name: str) -> datetime:
    return datetime.fromisoformat(row[name])


def _is_charge(row: Row) -> bool:
    """Usage or a purchase, and no correction."""
    return row["ChargeCategory"] in ("Usage", "Purchase") and row["ChargeClass"] != "Correction"


# What holds between the cells of a row, in the words of the column that the rule is of.
ROW_RULES: dict[str, Callable[[Row], bool]] = {
    "BillingPeriodEnd is exclusive, after its start": lambda row: (
        _at(row, "BillingPeriodStart") < _at(row, "BillingPeriodEnd")
    ),
    "ChargePeriodEnd is exclusive, after its start": lambda row: (
        _at(row, "ChargePeriodStart") < _at(row, "ChargePeriodEnd")
    ),
    "a charge period lies within its billing period": lambda row: (
        _at(row, "BillingPeriodStart") <= _at(row, "ChargePeriodStart")
        and _at(row, "ChargePeriodEnd") <= _at(row, "BillingPeriodEnd")
    ),
    "BillingCurrency is a national one of ISO 4217": lambda row: (
        CURRENCY.fullmatch(row["BillingCurrency"]) is not None
    ),
    "ChargeFrequency of a purchase is not Usage-Based": lambda row: (
        (row["ChargeCategory"], row["ChargeFrequency"]) != ("Purchase", "Usage-Based")
    ),
    "EffectiveCost of a purchase for future charges is 0": lambda row: (
        row["ChargeCategory"] != "Purchase" or Decimal(row["EffectiveCost"]) == 0
    ),
    "PricingQuantity of usage and purchases is not null": lambda row: (
        not _is_charge(row) or row["PricingQuantity"] != ""
    ),
    "PricingQuantity of a tax is null": lambda row: (
        row["ChargeCategory"] != "Tax" or row["PricingQuantity"] == ""
    ),
    "PricingUnit is null where PricingQuantity is": _both_or_neither(
        "PricingUnit", "PricingQuantity"
    ),
    "PricingCategory of usage and purchases is not null": lambda row: (
        not _is_charge(row) or row["PricingCategory"] != ""
    ),
    "ConsumedQuantity is that of usage, and not of unused commitments": lambda row: (
        (row["ConsumedQuantity"] != "")
        == (row["ChargeCategory"] == "Usage" and row["CommitmentDiscountStatus"] != "Unused")
    ),
    "ConsumedUnit is null where ConsumedQuantity is": _both_or_neither(
        "ConsumedUnit", "ConsumedQuantity"
    ),
    "CommitmentDiscountStatus is null without a commitment": lambda row: (
        row.get("CommitmentDiscountId", "") != "" or row["CommitmentDiscountStatus"] == ""
    ),
    "SubAccountName is null where SubAccountId is": _both_or_neither(
        "SubAccountName", "SubAccountId"
    ),
    "ResourceType is null where ResourceId is": _both_or_neither("ResourceType", "ResourceId"),
    "ResourceName is null where ResourceId is": _both_or_neither("ResourceName", "ResourceId"),
    "SkuId of usage and purchases is not null": lambda row: (
        not _is_charge(row) or row["SkuId"] != ""
    ),
    "SkuMeter is null where SkuId is": _both_or_neither("SkuMeter", "SkuId"),
    "ServiceSubcategory has its one parent category": lambda row: (
        (row["ServiceSubcategory"] in AI_SUBCATEGORIES)
        == (row["ServiceCategory"] == "AI and Machine Learning")
    ),
}


def broken(names: list[str], rows: Iterable[Row]) -> set[str]:
    """Each rule that the header or a row breaks, in words."""
    rows = list(rows)
    found = {f"{name} must be present" for name, rule in COLUMNS.items() if rule.mandatory} - {
        f"{name} must be present" for name in names
    }
    found |= {f"{name} is no column ID" for name in names if not COLUMN_ID.fullmatch(name)}
    found |= {
        f"{name} is no column of FOCUS"
        for name in names
        if name[:2] != "x_" and name not in COLUMNS
    }
    custom = [name.startswith("x_") for name in names]
    if custom != sorted(custom):
        found.add("custom columns come after all others")
    for row in rows:
        cells = {problem for name in names if name in COLUMNS for problem in _cell(name, row[name])}
        found |= cells or {rule for rule, holds in ROW_RULES.items() if not holds(row)}
    categories = {(row["ServiceName"], row["ServiceCategory"]) for row in rows}
    if len({name for name, _ in categories}) != len(categories):
        found.add("a ServiceName has one ServiceCategory")
    return found


def _cell(name: str, cell: str) -> Iterable[str]:
    rule = COLUMNS[name]
    if cell == "":
        if not rule.nullable:
            yield f"{name} must not be null"
        return
    if cell.strip() == "":
        yield f"{name} must not be blank"
    if rule.allowed is not None and cell not in rule.allowed:
        yield f"{name} has no value {cell}"
    if rule.kind == "decimal" and not NUMBER.fullmatch(cell):
        yield f"{name} is no number: {cell}"
    if rule.kind == "datetime" and not MOMENT.fullmatch(cell):
        yield f"{name} is no moment: {cell}"
