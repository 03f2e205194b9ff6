"""The spreadsheet read back: numbers are numbers, dates are dates, and no name is a formula."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy import Engine

from dashboard.reports.month.spreadsheet import month_xlsx
from db import prices
from tests.dashboard.reports.books import add, at, meter, request
from tests.dashboard.reports.month.reports import MOMENT, book_of, people, report_on, team_of_three

HOSTILE = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "-2",
    "https://evil.example",
    "007",
    "田中 太郎",
    "{=1}",
]
SHEETS = ["Summary", "Developers", "Teams", "Curve", "Assumptions", "Energy"]


def rows_of(sheet: Worksheet) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def facts_of(sheet: Worksheet) -> dict[str, Any]:
    """The first column's words, and what stands beside them."""
    return {row[0]: row[1] for row in rows_of(sheet) if isinstance(row[0], str)}


def cents(value: object) -> Decimal:
    return round(Decimal(str(value)), 2)


def test_every_figure_of_the_summary_is_the_reports(ledger: Engine) -> None:
    team_of_three(ledger)
    report = report_on(ledger)
    book = book_of(month_xlsx(report))
    assert book.sheetnames == SHEETS
    facts = facts_of(book["Summary"])
    cost = report.comparison
    assert cents(facts["Self-hosted, fully loaded"]) == cost.self_hosted_total
    assert cents(facts["Seats would have cost"]) == cost.baseline_total
    assert cents(facts["Saved by self-hosting"]) == cost.saving
    assert facts["From"] == datetime(2025, 10, 1)
    assert facts["Made at (UTC)"] == MOMENT.replace(tzinfo=None)
    assert book["Summary"]["A3"].value == report.sentence


@pytest.mark.parametrize("name", ["Developers", "Teams"])
def test_rows_add_up_to_the_totals_to_the_cent_by_formulas_too(ledger: Engine, name: str) -> None:
    team_of_three(ledger)
    report = report_on(ledger)
    file = month_xlsx(report)
    head, *rows, total = rows_of(book_of(file)[name])
    place = {title: number for number, title in enumerate(head)}
    cost = report.comparison
    for title, whole in (
        ("Fully loaded", cost.self_hosted_total),
        ("Seats", cost.baseline_total),
        ("Saved", cost.saving),
    ):
        assert sum(cents(row[place[title]]) for row in rows) == whole
        assert cents(total[place[title]]) == whole
    formula = rows_of(book_of(file, results=False)[name])[-1][place["Fully loaded"]]
    letter = "ABCDEFGHI"[place["Fully loaded"]]
    assert formula == f"=SUM({letter}2:{letter}{len(rows) + 1})"


def test_amounts_have_the_currencys_format_and_heads_stay_in_sight(ledger: Engine) -> None:
    team_of_three(ledger)
    prices.set_prices(ledger, actor="test", valid_from=0, currency="CHF")
    book = book_of(month_xlsx(report_on(ledger)))
    amount = book["Developers"]["F2"]
    assert isinstance(amount.value, float)
    assert amount.number_format == '"CHF "#,##0.00;[Red]-"CHF "#,##0.00'
    for name in SHEETS[1:]:
        assert book[name].freeze_panes == "B2", name
    for name in ("Developers", "Teams", "Curve", "Assumptions"):
        assert book[name].auto_filter.ref, name
    assert book["Curve"]["A2"].is_date
    assert len(book_of(month_xlsx(report_on(ledger)), results=False)["Curve"]._charts) == 1


def test_the_curve_ends_at_the_totals(ledger: Engine) -> None:
    team_of_three(ledger)
    report = report_on(ledger, zone="Europe/Berlin")
    rows = rows_of(book_of(month_xlsx(report))["Curve"])
    assert rows[1] == [datetime(2025, 10, 1), 0, 0]
    assert rows[-1][0] == datetime(2025, 11, 1)
    assert cents(rows[-1][1]) == report.comparison.self_hosted_total
    assert cents(rows[-1][2]) == report.comparison.baseline_total


def test_a_name_is_text_whatever_it_looks_like(ledger: Engine) -> None:
    people(ledger, HOSTILE, HOSTILE)
    prices.set_prices(
        ledger, actor="test", in_service_date=date(2025, 9, 1), hardware_name="=2+2", note="=1+1"
    )
    book = book_of(month_xlsx(report_on(ledger)), results=False)
    for sheet in ("Developers", "Teams"):
        cells = [row[0] for row in book[sheet].iter_rows(min_row=2, max_row=1 + len(HOSTILE))]
        assert {cell.value for cell in cells} == set(HOSTILE)
        assert {cell.data_type for cell in cells} == {"s"}
        assert not any(cell.hyperlink for cell in cells)
    source = book["Assumptions"]["D2"]
    assert (source.value, source.data_type) == ("=1+1", "s")
    assert book["Assumptions"]["B2"].value.startswith("=2+2: ")


def test_what_is_unknown_says_so_and_is_not_0(ledger: Engine) -> None:
    team_of_three(ledger)
    unknown = {"energy_j": None, "energy_basis": "unknown", "energy_source": None}
    add(ledger, [request(2, at(6), team_id=1, **unknown)])
    book = book_of(month_xlsx(report_on(ledger)))
    ken = rows_of(book["Developers"])[2]
    assert (ken[0], ken[4], ken[6]) == ("Ken", "unknown", "unknown")
    assert ["All that was read", "unknown"] in [row[:2] for row in rows_of(book["Energy"])]


def test_dates_of_assumptions_are_dates(ledger: Engine) -> None:
    team_of_three(ledger)
    prices.set_prices(ledger, actor="test", valid_from=at(16, 0), seat_price_per_month=100)
    dates = [row[2] for row in rows_of(book_of(month_xlsx(report_on(ledger)))["Assumptions"])]
    assert datetime.combine(date(2025, 10, 16), datetime.min.time()) in dates


def test_energy_is_the_reports(ledger: Engine) -> None:
    team_of_three(ledger)
    meter(ledger, at(5), 6_000.0, minutes=600)
    facts = facts_of(book_of(month_xlsx(report_on(ledger)))["Energy"])
    assert facts["All that was read"] == pytest.approx(1.0)  # 600 × 6 kJ are a kWh
    assert facts["All meters read"] == pytest.approx(10)


def test_the_same_report_is_the_same_file(ledger: Engine) -> None:
    team_of_three(ledger)
    report = report_on(ledger)
    assert month_xlsx(report) == month_xlsx(report)
