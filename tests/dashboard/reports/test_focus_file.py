"""FOCUS 1.2: the file's rows, days and columns, and the specification's rules."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from sqlalchemy import Engine

from dashboard.reports.exports import Export
from dashboard.reports.focus import focus_table
from dashboard.reports.span import Span
from db import prices
from db.errors import InvalidInput
from db.export_queries import Whose
from tests.dashboard.reports import focus_rules
from tests.dashboard.reports.books import BERLIN, OCTOBER, UTC_ZONE, at, exported, parquet_of
from tests.dashboard.reports.focus_books import focus


def test_a_row_tells_what_its_team_used_that_day_and_how_that_is_known(used: Engine) -> None:
    rows = focus(used)
    sixth = [row for row in rows if row["ChargePeriodStart"] == "2025-10-06T00:00:00Z"]
    hardware = {row["SubAccountName"]: row for row in sixth if row["SkuId"] == "hardware-time"}
    assert hardware["Data"]["x_InputTokens"] == "40"
    assert hardware["Data"]["x_CachedInputTokens"] == "10"
    assert hardware["Data"]["x_OutputTokens"] == "25"
    assert hardware["Data"]["x_Requests"] == "1"
    power = {row["SubAccountName"]: row for row in sixth if row["SkuId"] == "electricity"}
    assert power["Data"]["x_EnergyJoules"] == "3000.0"
    assert power["Data"]["x_EnergyBasis"] == "measured"
    assert power["Data"]["x_ElectricityBasis"] == "nameplate"
    assert power["Data"]["x_PowerUsageEffectiveness"] == "1.2"


def test_days_to_come_cost_nothing_yet(used: Engine) -> None:
    table = focus_table(used, Span(*OCTOBER, UTC_ZONE), at(3, 12))
    place = [column.name for column in table.columns].index("ChargePeriodEnd")
    assert max(row[place] for batch in table.batches for row in batch.rows) == at(3, 12)


def test_billing_periods_are_the_readers_own_months(used: Engine) -> None:
    rows = focus(used, zone=BERLIN)
    assert {(row["BillingPeriodStart"], row["BillingPeriodEnd"]) for row in rows} == {
        ("2025-09-30T22:00:00Z", "2025-10-31T23:00:00Z")
    }
    days = {(row["ChargePeriodStart"], row["ChargePeriodEnd"]) for row in rows}
    assert ("2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z") in days, "a day of 25 hours"
    assert len(days) == 31


def test_a_closed_month_does_not_depend_on_the_range_that_is_asked_for(used: Engine) -> None:
    alone = focus(used)
    within = focus(used, (date(2025, 9, 1), date(2025, 11, 10)))
    assert [r for r in within if r["BillingPeriodStart"] == "2025-10-01T00:00:00Z"] == alone


def test_one_teams_costs_can_be_had_alone_but_not_one_developers(used: Engine) -> None:
    with used.connect() as connection:
        data = connection.exec_driver_sql("SELECT id FROM teams WHERE name = 'Data'").scalar()
    rows = focus(used, whose=Whose(team_id=data))
    assert {row["SubAccountName"] for row in rows} == {"Data"}
    with pytest.raises(InvalidInput, match="choose a team"):
        Export("focus", "csv", Span(*OCTOBER, UTC_ZONE), Whose(developer_id=1))


def test_a_month_in_two_currencies_is_refused_before_anything_is_written(used: Engine) -> None:
    prices.set_prices(used, actor="test", valid_from=at(15), currency="EUR")
    with pytest.raises(InvalidInput, match="October 2025"):
        exported(used, "focus")
    rows = focus(used, (date(2025, 11, 1), date(2025, 11, 2)))
    assert {row["BillingCurrency"] for row in rows} == {"EUR"}


def test_before_anything_is_in_service_there_is_a_header_alone(ledger: Engine) -> None:
    assert focus(ledger) == []
    assert parquet_of(exported(ledger, "focus", "parquet")).num_rows == 0


def test_parquet_holds_the_same_exact_decimals(used: Engine) -> None:
    rows, table = focus(used), parquet_of(exported(used, "focus", "parquet"))
    assert table.schema.field("EffectiveCost").type == pa.decimal128(28, 10)
    assert table["EffectiveCost"].to_pylist() == [Decimal(row["EffectiveCost"]) for row in rows]
    assert table["ChargePeriodStart"].to_pylist()[0] == datetime(2025, 10, 1, tzinfo=UTC)
    assert set(table["ChargeClass"].to_pylist()) == {None}


def test_the_rules_notice_what_is_wrong(used: Engine) -> None:
    """The list of rules is of use only if a file can break it."""
    good = focus(used)[1]
    names = list(good)
    for change in (
        {"EffectiveCost": ""},
        {"EffectiveCost": "1,000.00"},
        {"BillingCurrency": "usd"},
        {"ChargePeriodStart": "2025-10-01 00:00:00"},
        {"ChargePeriodEnd": "2025-11-02T00:00:00Z"},
        {"ChargeCategory": "Rent"},
        {"ConsumedQuantity": "", "ConsumedUnit": "Tokens"},
        {"ChargeCategory": "Purchase", "ChargeFrequency": "Usage-Based"},
        {"SubAccountName": ""},
        {"ServiceSubcategory": "Virtual Machines"},
        {"CommitmentDiscountStatus": "Used"},
    ):
        assert focus_rules.broken(names, [good | change]), change
    assert focus_rules.broken([n for n in names if n != "ListCost"], []) == {
        "ListCost must be present"
    }
    assert focus_rules.broken([*names, "kWh"], []) == {
        "kWh is no column ID",
        "kWh is no column of FOCUS",
        "custom columns come after all others",
    }
