"""FOCUS 1.2: who carries what, conserved to the cent and as on the pages."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from dashboard.overview import View, compute
from dashboard.reports.focus import focus_table
from dashboard.reports.span import Span
from db import people, prices
from db.connect import connect
from db.migrate import migrate
from tests.dashboard.reports.books import BERLIN, OCTOBER, UTC_ZONE, add, at, meter, person, request
from tests.dashboard.reports.focus_books import compared, focus, total


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
    shown = compute(used, View("own", "month", BERLIN.key), now).chosen
    assert sum(row[place] for row in cells) == shown.self_hosted_total


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
