"""The month's report on paper: what it cost, who it was for, and what that rests on."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dashboard.reports.month import pdf_details, pdf_front, pdf_people
from dashboard.reports.month.fonts import FOLDERS, lettering
from dashboard.reports.month.models import MonthReport, Size
from dashboard.reports.month.months import name_of
from dashboard.reports.month.paper import paper


def month_pdf(report: MonthReport, size: Size = "A4", fonts: Sequence[Path] = FOLDERS) -> bytes:
    """The report as a PDF, the same bytes for the same report. `fonts` are folders of fonts for
    letters that the packaged one lacks."""
    letters = lettering(_foreign(report), fonts)
    title = f"Cost review, {name_of(report.month)}"
    foot = [letters.written(line) for line in _foot(report)]
    with paper(size, letters, title=title, foot=foot, made_at=report.made_at) as sheet:
        sheet.set_author(letters.written(report.made_by))
        sheet.set_subject(letters.written(report.sentence))
        sheet.add_page()
        pdf_front.front(sheet, report)
        sheet.add_page()
        pdf_people.people(sheet, report)
        pdf_details.details(sheet, report)
        return bytes(sheet.output())


def _foreign(report: MonthReport) -> Iterator[str]:
    """Every text that somebody else wrote, or that holds such a text."""
    yield from (row.name for row in report.comparison.developers)
    yield from (row.name for row in report.comparison.teams)
    yield from (report.made_by, report.ledger.address, report.sentence, report.verdict)
    for figure in report.figures:
        yield from (figure.value, figure.note)
    for one in report.assumptions:
        yield from (one.value, one.source)
    yield from report.method
    yield from (each.how for each in report.evidence)
    yield from report.gaps
    yield report.energy.carbon or ""
    for meter in report.energy.meters:
        yield from (meter.machine, meter.meter, meter.device)
    for row in report.imported:
        yield from (row.source, row.model or "")


def _foot(report: MonthReport) -> list[str]:
    sample = " (made-up sample data)" if report.ledger.sample else ""
    return [
        f"Breakeven, cost review of {name_of(report.month)}, made "
        f"{report.made_at:%Y-%m-%d %H:%M} UTC by {report.made_by}.",
        f"Ledger {report.ledger.address}{sample}; days and months of {report.timezone}.",
    ]
