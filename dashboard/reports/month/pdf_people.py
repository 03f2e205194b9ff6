"""The report's tables of teams and developers."""

from collections.abc import Sequence
from decimal import Decimal

from dashboard import formats
from dashboard.costs.models import DeveloperCost
from dashboard.reports.month.models import MonthReport, TeamRow
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
Cost = DeveloperCost | TeamRow


def people(sheet: Paper, report: MonthReport) -> None:
    sheet.heading("Teams")
    _costs(sheet, report, "Team", report.teams)
    sheet.heading("Developers")
    _costs(sheet, report, "Developer", report.comparison.developers)
    names = [row.name for row in report.teams]
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
        _cells(sheet, _total(report, rows), currency),
    )


def _cells(sheet: Paper, row: Cost, currency: str) -> list[str]:
    return [
        sheet.lettering.written(row.name),
        *([f"{row.developers:,}" if row.developers else ""] if isinstance(row, TeamRow) else []),
        f"{row.requests:,}",
        formats.count(row.input_tokens + row.output_tokens),
        formats.energy(row.energy_j) if row.energy_j != 0 else "0 Wh",
        formats.money(row.fully_loaded, currency),
        formats.small_money(row.marginal, currency),
        formats.money(row.seat, currency),
        formats.money(row.seat - row.fully_loaded, currency),
    ]


def _total(report: MonthReport, rows: Sequence[Cost]) -> Cost:
    """The comparison's totals as a row; what is unknown of one is unknown of all."""
    comparison = report.comparison
    energies = [row.energy_j for row in rows]
    known = [joules for joules in energies if joules is not None]
    sums = {
        "name": "Total",
        "requests": sum(row.requests for row in rows),
        "input_tokens": sum(row.input_tokens for row in rows),
        "output_tokens": sum(row.output_tokens for row in rows),
        "energy_j": sum(known) if len(known) == len(energies) else None,
        "fully_loaded": sum((row.fully_loaded for row in rows), Decimal(0)),
        "marginal": comparison.marginal_total,
        "seat": sum((row.seat for row in rows), Decimal(0)),
    }
    if isinstance(rows[0], TeamRow):
        return TeamRow.model_validate({**sums, "developers": 0})
    return DeveloperCost.model_validate({**sums, "developer_id": None})
