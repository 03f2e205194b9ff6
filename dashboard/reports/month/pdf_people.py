"""The report's tables of teams and developers."""

from collections.abc import Sequence

from dashboard import formats
from dashboard.costs.models import DeveloperCost, TeamCost
from dashboard.reports.month.energy import total_energy
from dashboard.reports.month.models import MonthReport
from dashboard.reports.month.paper import SOFT, Paper
from dashboard.reports.month.tables import Column, number_table

NOTE = (
    "Fully loaded: the part of all that self-hosting cost, used or not. Marginal: the electricity "
    "of the own requests alone. Seats: what they would have cost. Saved: seats less fully loaded. "
    "The columns add up to the totals of the first page, to the cent; tokens are input and output."
)
IN_LATIN = (
    "* in Latin letters, because no font on this server has the script of this name; the "
    "spreadsheet has it as it is written."
)
Cost = DeveloperCost | TeamCost


def people(sheet: Paper, report: MonthReport) -> None:
    sheet.heading("Teams")
    _costs(sheet, report, "Team", report.comparison.teams)
    sheet.heading("Developers")
    _costs(sheet, report, "Developer", report.comparison.developers)
    names = [row.name for row in report.comparison.teams]
    names += [row.name for row in report.comparison.developers]
    notes = [NOTE, IN_LATIN] if sheet.lettering.is_marked(names) else [NOTE]
    sheet.need(4 * 3.7)
    sheet.paragraph(" ".join(notes), 7.5, SOFT)


def _costs(sheet: Paper, report: MonthReport, title: str, rows: Sequence[Cost]) -> None:
    currency = report.comparison.currency
    columns = [
        Column(title, 3.4, number=False),
        *([Column("People", 1.2)] if title == "Team" else []),
        Column("Requests", 1.6),
        Column("Tokens", 1.6),
        Column("Energy", 1.7),
        Column("Fully loaded", 1.9),
        Column("Marginal", 1.6),
        Column("Seats", 1.9),
        Column("Saved", 1.9),
    ]
    if not rows:
        sheet.paragraph("Nobody held a seat or used anything.", 8.5, SOFT)
        return
    number_table(
        sheet,
        columns,
        [_cells(sheet, row, currency) for row in rows],
        _total(report, rows, people=title == "Team"),
    )


def _cells(sheet: Paper, row: Cost, currency: str) -> list[str]:
    return [
        sheet.lettering.written(row.name),
        *([f"{row.developers:,}"] if isinstance(row, TeamCost) else []),
        f"{row.requests:,}",
        formats.count(row.input_tokens + row.output_tokens),
        _energy(row.energy_j),
        formats.money(row.fully_loaded, currency),
        formats.small_money(row.marginal, currency),
        formats.money(row.seat, currency),
        formats.money(row.seat - row.fully_loaded, currency),
    ]


def _total(report: MonthReport, rows: Sequence[Cost], *, people: bool) -> list[str]:
    """The comparison's totals; energy that is unknown of one is unknown of all. People may be in
    two teams within a month, so they are not added up."""
    cost, currency = report.comparison, report.comparison.currency
    return [
        "Total",
        *([""] if people else []),
        f"{sum(row.requests for row in rows):,}",
        formats.count(sum(row.input_tokens + row.output_tokens for row in rows)),
        _energy(total_energy(rows)),
        formats.money(cost.self_hosted_total, currency),
        formats.small_money(cost.marginal_total, currency),
        formats.money(cost.baseline_total, currency),
        formats.money(cost.saving, currency),
    ]


def _energy(joules: float | None) -> str:
    return "0 Wh" if joules == 0 else formats.energy(joules)
