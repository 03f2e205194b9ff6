"""The month's report as a spreadsheet: every figure of the PDF as a number to calculate with."""

from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from dashboard.costs.models import DeveloperCost, TeamCost
from dashboard.formats import JOULES_PER_KWH
from dashboard.reports.month.cells import Book, Column, Kind, Value, put, table
from dashboard.reports.month.energy import total_energy
from dashboard.reports.month.fonts import clean
from dashboard.reports.month.models import MonthReport
from dashboard.reports.month.months import name_of
from dashboard.reports.month.sheets import assumptions_sheet, energy_sheet

_SUMMED = ("Requests", "Input tokens", "Output tokens", "Fully loaded", "Seats", "Saved")


def month_xlsx(report: MonthReport) -> bytes:
    """The report as a workbook: Summary, Developers, Teams, Curve, Assumptions, Energy."""
    file = BytesIO()
    with Workbook(file, {"in_memory": True}) as workbook:
        workbook.set_properties(
            {
                "title": f"Cost review, {name_of(report.month)}",
                "subject": report.sentence,
                "author": clean(report.made_by),
                "comments": f"Ledger {report.ledger.address}",
                "created": report.made_at.replace(tzinfo=None),
            }
        )
        book = Book(workbook, report.comparison.currency)
        _summary(book, workbook.add_worksheet("Summary"), report)
        _people(book, workbook.add_worksheet("Developers"), report, "Developer")
        _people(book, workbook.add_worksheet("Teams"), report, "Team")
        _curve(book, workbook.add_worksheet("Curve"), report)
        assumptions_sheet(book, workbook.add_worksheet("Assumptions"), report)
        energy_sheet(book, workbook.add_worksheet("Energy"), report)
        for sheet in workbook.worksheets():
            sheet.set_landscape()
            sheet.fit_to_pages(1, 0)  # as wide as the paper, as long as it is
            sheet.set_footer("&L&F, &A&RPage &P of &N")
    return file.getvalue()


def _summary(book: Book, sheet: Worksheet, report: MonthReport) -> None:
    sheet.set_column(0, 0, 38)
    sheet.set_column(1, 1, 22)
    sheet.set_column(2, 2, 70)
    sheet.write_string(0, 0, f"Cost review, {name_of(report.month)}", book.title)
    sheet.set_row(2, 34)
    sheet.set_row(3, 34)
    sheet.merge_range(2, 0, 2, 2, report.sentence, book.finding)
    sheet.merge_range(3, 0, 3, 2, report.verdict, book.format("wrapped"))
    row = _amounts(book, sheet, report, 5)
    row = _about(book, sheet, report, row + 1)
    for gap in report.gaps:
        sheet.write_string(row, 0, "Missing", book.format("text"))
        sheet.write_string(row, 1, gap, book.format("text"))
        row += 1
    sheet.freeze_panes(1, 0)


def _amounts(book: Book, sheet: Worksheet, report: MonthReport, row: int) -> int:
    comparison, even = report.comparison, report.break_even
    rows: list[tuple[str, Value, Kind]] = [
        ("Depreciation of the hardware", comparison.depreciation, "money"),
        ("Electricity, PUE included", comparison.electricity, "money"),
        ("Operations", comparison.operations, "money"),
        ("Self-hosted, fully loaded", comparison.self_hosted_total, "money"),
        ("Seats would have cost", comparison.baseline_total, "money"),
        ("Saved by self-hosting", comparison.saving, "money"),
        ("Idle part of self-hosting", comparison.idle_total, "money"),
        ("Idle part, share", comparison.idle_share, "share"),
        ("Electricity of the requests alone (marginal)", comparison.marginal_total, "small"),
        ("Seats", comparison.seats, "count"),
        ("Self-hosted per developer", comparison.self_hosted_per_developer, "money"),
        ("Seats per developer", comparison.baseline_per_developer, "money"),
        ("Per million tokens, fully loaded", comparison.cost_per_million_tokens, "money"),
        ("Break-even, months", "never" if even.months is None else even.months, "plain"),
        ("Break-even, with so many developers", even.developers, "count"),
    ]
    sheet.write_string(row, 0, "Figure", book.head)
    sheet.write_string(row, 1, comparison.currency, book.head)
    for number, (name, value, kind) in enumerate(rows, start=row + 1):
        sheet.write_string(number, 0, name, book.format("text"))
        put(book, sheet, number, 1, value, kind, total=False)
    return row + 1 + len(rows)


def _about(book: Book, sheet: Worksheet, report: MonthReport, row: int) -> int:
    zone = ZoneInfo(report.timezone)
    facts: list[tuple[str, Value]] = [
        ("Days and months of", report.timezone),
        ("From", _naive(report.comparison.start.astimezone(zone))),
        ("To before", _naive(report.comparison.end.astimezone(zone))),
        ("The month is over", "yes" if report.complete else "no: figures so far"),
        ("Made at (UTC)", _naive(report.made_at)),
        ("Made by", report.made_by),
        ("Ledger", report.ledger.address),
        ("Ledger's first request (UTC)", _naive(report.ledger.first_request)),
        ("Sample data", "yes: a made-up team" if report.ledger.sample else "no"),
    ]
    for number, (name, value) in enumerate(facts, start=row):
        sheet.write_string(number, 0, name, book.format("text"))
        kind: Kind = "moment" if isinstance(value, datetime) else "text"
        put(book, sheet, number, 1, value, kind, total=False)
    return row + len(facts)


def _people(book: Book, sheet: Worksheet, report: MonthReport, title: str) -> None:
    cost = report.comparison
    rows = cost.teams if title == "Team" else cost.developers
    columns = [
        Column(title, width=28),
        Column("Requests", "count"),
        Column("Input tokens", "count"),
        Column("Output tokens", "count"),
        Column("Energy, kWh", "kwh"),
        Column("Fully loaded", "money"),
        Column("Marginal", "small"),
        Column("Seats", "money"),
        Column("Saved", "money"),
        Column("Per million tokens", "money"),
    ]
    totals: list[Value] = [
        "Total",
        sum(row.requests for row in rows),
        sum(row.input_tokens for row in rows),
        sum(row.output_tokens for row in rows),
        _kwh(total_energy(rows)),
        cost.self_hosted_total,
        cost.marginal_total,
        cost.baseline_total,
        cost.saving,
        cost.cost_per_million_tokens,
    ]
    table(book, sheet, columns, [_cells(row) for row in rows], summed=_SUMMED, totals=totals)


def _cells(row: DeveloperCost | TeamCost) -> list[Value]:
    return [
        row.name,
        row.requests,
        row.input_tokens,
        row.output_tokens,
        _kwh(row.energy_j),
        row.fully_loaded,
        row.marginal,
        row.seat,
        row.seat - row.fully_loaded,
        row.cost_per_million_tokens,
    ]


def _kwh(joules: float | None) -> float | None:
    return None if joules is None else joules / JOULES_PER_KWH


def _naive(at: datetime | None) -> datetime | None:
    """A spreadsheet knows no time zones; the heading says which one it is."""
    return None if at is None else at.replace(tzinfo=None)


def _curve(book: Book, sheet: Worksheet, report: MonthReport) -> None:
    """Both sides' costs since the month began, with the chart."""
    zone, currency = ZoneInfo(report.timezone), report.comparison.currency
    columns = [
        Column(f"Time ({report.timezone})", "moment", 20),
        Column("Self-hosted, fully loaded", "money", 18),
        Column("Seats", "money", 14),
    ]
    rows: list[list[Value]] = [
        [_naive(point.at.astimezone(zone)), point.self_hosted, point.baseline]
        for point in report.curve
    ]
    last = table(book, sheet, columns, rows) - 1
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for place, colour, dash in ((1, "#0b6fb8", "solid"), (2, "#c84e00", "dash")):
        chart.add_series(
            {
                "name": ["Curve", 0, place],
                "categories": ["Curve", 1, 0, last, 0],
                "values": ["Curve", 1, place, last, place],
                "line": {"color": colour, "width": 2.25, "dash_type": dash},
            }
        )
    chart.set_title({"name": f"Cost so far in {name_of(report.month)}, {currency}"})
    chart.set_x_axis({"num_format": "d mmm", "min": _day(rows, 0), "max": _day(rows, -1)})
    chart.set_y_axis({"min": 0, "num_format": "#,##0"})
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 760, "height": 380})
    sheet.insert_chart("E2", chart, {"description": report.sentence})


def _day(rows: list[list[Value]], place: int) -> Value:
    value = rows[place][0]
    assert isinstance(value, datetime)
    return value
