"""FOCUS 1.2: the specification's rules, and money that is conserved to the cent."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from dashboard.costs.comparison import compare
from dashboard.costs.models import Comparison
from dashboard.overview import View, compute
from dashboard.reports.exports import Export
from dashboard.reports.focus import focus_table
from dashboard.reports.span import Span
from dashboard.sides import developers_of, segments_of
from db import people, prices
from db.connect import connect
from db.errors import InvalidInput
from db.export_queries import Whose
from db.migrate import migrate
from tests.dashboard.reports import focus_rules
from tests.dashboard.reports.books import (
    BERLIN,
    OCTOBER,
    UTC_ZONE,
    add,
    at,
    exported,
    meter,
    parquet_of,
    person,
    request,
    rows_of,
)

Row = dict[str, str]


def total(rows: list[Row], column: str = "EffectiveCost", **of: str) -> Decimal:
    return sum(
        (Decimal(row[column]) for row in rows if all(row[name] == of[name] for name in of)),
        Decimal(0),
    )


def compared(ledger: Engine, span: Span) -> Comparison:
    """What the pages show of the same range."""
    segments = segments_of(ledger, span.start_ms, span.end_ms)
    return compare(segments, developers_of(ledger, span.zone), span.zone)


def focus(
    ledger: Engine,
    days: tuple[date, date] = OCTOBER,
    zone: ZoneInfo = UTC_ZONE,
    whose: Whose | None = None,
) -> list[Row]:
    file = exported(ledger, "focus", days=days, zone=zone, whose=whose or Whose())
    rows = rows_of(file)
    names = file.decode().split("\r\n")[0].split(",")
    assert focus_rules.broken(names, rows) == set()
    return rows


@pytest.fixture
def used(ledger: Engine) -> Engine:
    """Hardware for $36,000 over 36 months from 1 October 2025; two teams and one person in none.

    Platform used 3/4 of the energy and Data 1/4.
    """
    prices.set_prices(
        ledger,
        actor="test",
        hardware_price=36_000,
        hardware_life_months=36,
        in_service_date="2025-10-01",
        power_kw="0.5",
        pue="1.2",
        electricity_price_per_kwh="0.20",
        operations_per_month=310,
    )
    ada, platform = person(ledger, "Ada", "Platform")
    ken, data = person(ledger, "Ken", "Data")
    add(
        ledger,
        [
            request(ada, at(5), team_id=platform, energy_j=6_000.0),
            request(ada, at(6), team_id=platform, energy_j=3_000.0),
            request(ken, at(6, 15), team_id=data, energy_j=3_000.0),
        ],
    )
    return ledger


def test_a_month_is_what_a_hand_calculation_says(used: Engine) -> None:
    rows = focus(used)
    # From 1 October 2025 to 1 October 2028 are 1,096 days, of which October has 31.
    assert total(rows, SkuId="hardware-time") == Decimal("1018.25")  # 36,000 × 31 / 1,096
    assert total(rows, SkuId="electricity") == Decimal("89.28")  # 744 h × 0.5 kW × 1.2 × $0.20
    assert total(rows, SkuId="operations") == Decimal(310)
    assert total(rows, "PricingQuantity", SkuId="electricity") == Decimal("446.4")
    assert total(rows, "PricingQuantity", SkuId="hardware-time") == Decimal(744)
    assert abs(total(rows, "PricingQuantity", SkuId="operations") - 1) < Decimal("1e-8")
    assert total(rows, "ConsumedQuantity", ConsumedUnit="Tokens") == 3 * 65

    (bought,) = [row for row in rows if row["ChargeCategory"] == "Purchase"]
    assert (bought["BilledCost"], bought["EffectiveCost"]) == ("36000", "0")
    assert (bought["ListCost"], bought["ContractedCost"]) == ("36000", "36000")
    assert bought["ChargePeriodStart"] == "2025-10-01T00:00:00Z"
    assert bought["ChargeFrequency"] == "One-Time"
    assert total(rows, "BilledCost", SkuId="hardware-time") == 0
    assert total(rows, "BilledCost") == 36_000 + Decimal("89.28") + 310


def test_each_team_has_its_part_and_idle_days_are_shared_as_on_the_pages(used: Engine) -> None:
    rows = focus(used)
    whole = Decimal("1018.25") + Decimal("89.28") + 310  # 1,417.53
    assert total(rows).quantize(Decimal("0.01")) == whole
    assert total(rows) == whole
    by_team = {
        name: total(rows, SubAccountName=name).quantize(Decimal("0.01"))
        for name in ("Platform", "Data")
    }
    # 3/4 are 1,063.1475, 1/4 are 354.3825: the cent left over goes to the larger remainder
    assert by_team == {"Platform": Decimal("1063.15"), "Data": Decimal("354.38")}
    pages = {
        row.name: row.fully_loaded for row in compared(used, Span(*OCTOBER, UTC_ZONE)).developers
    }
    assert by_team == {"Platform": pages["Ada"], "Data": pages["Ken"]}
    # Nobody asked anything on the 20th, and yet it cost something.
    idle = [row for row in rows if row["ChargePeriodStart"] == "2025-10-20T00:00:00Z"]
    assert {row["SubAccountName"] for row in idle} == {"Platform", "Data"}
    assert total(idle, "ConsumedQuantity", ConsumedUnit="Tokens") == 0
    assert {row["x_SharedBy"] for row in idle} == {"energy"}


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


def test_a_month_that_nobody_used_has_rows_of_no_team(used: Engine) -> None:
    rows = focus(used, (date(2025, 11, 1), date(2025, 11, 11)))
    assert {row["SubAccountId"] for row in rows} == {""}
    assert {row["x_SharedBy"] for row in rows} == {"nobody"}
    assert (
        total(rows)
        == compared(used, Span(date(2025, 11, 1), date(2025, 11, 11), UTC_ZONE)).self_hosted_total
    )


def test_people_in_no_team_have_rows_without_a_sub_account(used: Engine) -> None:
    ida, _ = person(used, "Ida")
    add(used, [request(ida, at(7), energy_j=12_000.0)])
    rows = focus(used)
    none = [row for row in rows if row["SubAccountId"] == "" and row["ChargeCategory"] == "Usage"]
    assert {row["x_SharedBy"] for row in none} == {"energy"}
    assert total(none).quantize(Decimal("0.01")) in (Decimal("708.76"), Decimal("708.77"))  # half


def test_a_team_that_moved_keeps_what_was_asked_in_it(ledger: Engine) -> None:
    prices.set_prices(ledger, actor="test", in_service_date="2025-10-01")
    ada, platform = person(ledger, "Ada", "Platform")
    people.set_team(ledger, ada, "Data", actor="test")
    add(ledger, [request(ada, at(5), team_id=platform)])
    assert {row["SubAccountName"] for row in focus(ledger) if row["SubAccountId"]} == {"Platform"}


def test_where_some_energy_is_unknown_teams_share_by_tokens(used: Engine) -> None:
    ida, _ = person(used, "Ida")
    add(used, [request(ida, at(7), energy_j=None, energy_basis="unknown", energy_source=None)])
    rows = focus(used)
    assert {row["x_SharedBy"] for row in rows if row["ChargeCategory"] == "Usage"} == {"tokens"}
    assert total(rows) == Decimal("1417.53")
    unknown = [row for row in rows if row["x_EnergyBasis"] == "unknown"]
    assert [row["x_EnergyJoules"] for row in unknown] == [""]


def test_an_asset_is_amortised_over_its_life_to_its_price_less_what_is_left(ledger: Engine) -> None:
    prices.set_prices(
        ledger,
        actor="test",
        hardware_price="9999.99",
        residual_value="1000.01",
        hardware_life_months=7,
        in_service_date="2025-01-31",
        power_kw="0.001",
    )
    rows = focus(ledger, (date(2024, 12, 1), date(2025, 11, 1)), BERLIN)
    assert total(rows, SkuId="hardware-time") == Decimal("8999.98")
    assert total(rows, "BilledCost", SkuId="hardware") == Decimal("9999.99")
    assert len([row for row in rows if row["SkuId"] == "hardware"]) == 1
    assert rows[0]["ChargePeriodStart"] == "2025-01-30T23:00:00Z"


def test_metered_electricity_adds_up_to_the_pages_figure(used: Engine) -> None:
    prices.set_prices(used, actor="test", valid_from=at(10, 7), electricity_basis="metered")
    for day in (12, 13, 25):
        meter(used, at(day), 20_000.0, minutes=300)
    rows = focus(used)
    comparison = compared(used, Span(*OCTOBER, UTC_ZONE))
    assert comparison.electricity_basis == "mixed"
    assert total(rows, SkuId="electricity") == comparison.electricity
    assert total(rows) == comparison.self_hosted_total
    # The day of the change is two rows, each with its own basis.
    tenth = [
        row
        for row in rows
        if row["ChargePeriodStart"].startswith("2025-10-10")
        and (row["SkuId"], row["SubAccountName"]) == ("electricity", "Data")
    ]
    assert [row["x_ElectricityBasis"] for row in tenth] == ["nameplate", "metered"]
    assert tenth[0]["ChargePeriodEnd"] == tenth[1]["ChargePeriodStart"] == "2025-10-10T07:00:00Z"


def test_the_month_to_date_is_the_overviews(used: Engine) -> None:
    now = at(18, 9, 30)
    table = focus_table(used, Span(*OCTOBER, BERLIN), now)
    cells = [row for batch in table.batches for row in batch.rows]
    place = [column.name for column in table.columns].index("EffectiveCost")
    shown = compute(used, View("own", "month", BERLIN.key), now).month
    assert sum(row[place] for row in cells) == shown.self_hosted_total


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


amounts = st.decimals(min_value=0, max_value=99_999, places=2)
uses = st.lists(
    st.tuples(
        st.integers(0, 2),  # whose
        st.integers(0, 60 * 24 * 3_600_000 - 1),  # since 1 September
        st.one_of(st.none(), st.floats(0, 1e7)),
        st.integers(0, 100_000),
    ),
    max_size=8,
)


@settings(max_examples=8, deadline=None)
@given(
    price=amounts,
    residual=st.integers(0, 100),
    life=st.integers(1, 60),
    first_day=st.dates(date(2025, 8, 1), date(2025, 10, 20)),
    operations=amounts,
    changed=st.integers(0, 60 * 24 * 3_600_000),
    basis=st.sampled_from(["nameplate", "metered"]),
    used_by=uses,
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"]),
)
def test_any_ledger_keeps_the_rules_and_every_cent(
    price: Decimal,
    residual: int,
    life: int,
    first_day: date,
    operations: Decimal,
    changed: int,
    basis: str,
    used_by: list[tuple[int, int, float | None, int]],
    zone: str,
) -> None:
    begin = at(1, 0, month=9)
    with TemporaryDirectory() as folder:
        ledger = connect(f"sqlite:///{Path(folder) / 'ledger.db'}")
        migrate(ledger)
        prices.set_prices(
            ledger,
            actor="test",
            hardware_price=price,
            residual_value=(price * residual / 100).quantize(Decimal("0.01")),
            hardware_life_months=life,
            in_service_date=first_day,
            operations_per_month=operations,
        )
        prices.set_prices(
            ledger,
            actor="test",
            valid_from=begin + changed,
            electricity_basis=basis,
            electricity_price_per_kwh="0.3333333333",
        )
        who = [
            person(ledger, "Ada", "Platform"),
            person(ledger, "Ken", "=Data"),
            person(ledger, "I"),
        ]
        add(
            ledger,
            [
                request(
                    who[number][0],
                    begin + offset,
                    team_id=who[number][1],
                    energy_j=energy_j,
                    energy_basis="unknown" if energy_j is None else "measured",
                    input_tokens=tokens + 10,
                )
                for number, offset, energy_j, tokens in used_by
            ],
        )
        meter(ledger, begin + changed, 12_345.6, minutes=90)
        for month in ((date(2025, 9, 1), date(2025, 10, 1)), OCTOBER):
            rows = focus(ledger, month, ZoneInfo(zone))
            comparison = compared(ledger, Span(*month, ZoneInfo(zone)))
            assert total(rows) == comparison.self_hosted_total
            assert total(rows, SkuId="hardware-time") == comparison.depreciation
            assert total(rows, SkuId="electricity") == comparison.electricity
            assert total(rows, SkuId="operations") == comparison.operations
            assert all(Decimal(row["EffectiveCost"]) >= 0 for row in rows)
            tokens = total(rows, "ConsumedQuantity", ConsumedUnit="Tokens")
            assert tokens == sum(
                row.input_tokens + row.output_tokens for row in comparison.developers
            )
        ledger.dispose()


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
