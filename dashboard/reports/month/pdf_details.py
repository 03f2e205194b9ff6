"""The report's last pages: energy, what is measured and what is estimated, assumptions, gaps."""

from dashboard import formats
from dashboard.energy_words import amount, lasting, relative
from dashboard.reports.month.models import EnergyPart, ImportedRow, MonthReport, Part
from dashboard.reports.month.paper import SOFT, Paper
from dashboard.reports.month.tables import Column, number_table, text_table


def details(sheet: Paper, report: MonthReport) -> None:
    _evidence(sheet, report)
    _gaps(sheet, report)
    _energy(sheet, report.energy)
    _assumptions(sheet, report)
    _imported(sheet, report)


def _evidence(sheet: Paper, report: MonthReport) -> None:
    sheet.heading("What is measured and what is estimated", keep=40)
    written = sheet.lettering.written
    rows = [(one.figure, one.basis, written(one.how)) for one in report.evidence]
    columns = [
        Column("Figure", 2.2, number=False),
        Column("Basis", 1.5, number=False),
        Column("How it was obtained", 5, number=False),
    ]
    text_table(sheet, columns, rows)


def _gaps(sheet: Paper, report: MonthReport) -> None:
    sheet.heading("What is missing", keep=12)
    for gap in report.gaps or ("Nothing: meters read all the time, and every request is known.",):
        sheet.paragraph(f"• {sheet.lettering.written(gap)}")


def _energy(sheet: Paper, energy: EnergyPart) -> None:
    sheet.heading("Energy", keep=40)
    if energy.total_j is None:
        sheet.paragraph("No meter read anything in this month: the energy is unknown, not 0.")
    else:
        total = ("All that was read", amount(energy.total_j), energy.uncertainty)
        columns = [
            Column("Where it went", 3.4, number=False),
            Column("Energy", 1.6),
            Column("Part", 1.6),
        ]
        number_table(sheet, columns, [_part(part) for part in energy.uses], total)
        columns = [Column("How it was read", 3.4, number=False), *columns[1:]]
        number_table(sheet, columns, [_part(part) for part in energy.bases], total)
    _coverage(sheet, energy)
    _meters(sheet, energy)
    if energy.carbon:
        sheet.paragraph(sheet.lettering.written(energy.carbon))


def _part(part: Part) -> tuple[str, str, str]:
    share = formats.UNKNOWN if part.share is None else formats.share(part.share)
    return part.name, amount(part.joules), share


def _coverage(sheet: Paper, energy: EnergyPart) -> None:
    coverage = energy.coverage
    spans = {
        "All meters read": coverage.complete_s,
        "A device was missing": coverage.partial_s,
        "Meters told nothing": coverage.silent_s,
        "No meter ran": coverage.unmetered_s,
    }
    whole = sum(spans.values())
    rows = [
        (name, lasting(seconds), formats.share(seconds / whole if whole else 0.0))
        for name, seconds in spans.items()
    ]
    columns = [
        Column("For how much of the time", 3.4, number=False),
        Column("Time", 1.6),
        Column("Part", 1.6),
    ]
    number_table(sheet, columns, rows, ("The range", lasting(whole), ""))


def _meters(sheet: Paper, energy: EnergyPart) -> None:
    if not energy.meters:
        return
    written = sheet.lettering.written
    rows = [
        (
            written(meter.machine),
            written(meter.meter),
            written(meter.device),
            meter.kind,
            meter.basis,
            relative(meter.accuracy),
            amount(meter.energy_j),
            lasting(meter.silent_s) if meter.silent_s else "never",
        )
        for meter in energy.meters
    ]
    columns = [
        Column("Machine", 1.5, number=False),
        Column("Meter", 1.4, number=False),
        Column("Device", 1.6, number=False),
        Column("Of", 1.8, number=False),
        Column("Basis", 1.2, number=False),
        Column("Accuracy", 1.1),
        Column("Read", 1.2),
        Column("Silent", 1.2),
    ]
    text_table(sheet, columns, rows)


def _assumptions(sheet: Paper, report: MonthReport) -> None:
    sheet.heading("Assumptions, with their dates and sources", keep=40)
    written = sheet.lettering.written
    rows = [
        (
            one.what,
            written(one.value),
            f"{one.valid_from:%Y-%m-%d}" if one.valid_from else "the beginning",
            written(one.source),
        )
        for one in report.assumptions
    ]
    columns = [
        Column("What", 1.6, number=False),
        Column("Value", 3.6, number=False),
        Column("From", 1.2, number=False),
        Column("Source", 3, number=False),
    ]
    text_table(sheet, columns, rows)
    sheet.need(12)
    for sentence in report.method:
        sheet.paragraph(f"• {written(sentence)}", 8, SOFT)


def _imported(sheet: Paper, report: MonthReport) -> None:
    if not report.imported:
        return
    sheet.heading("Imported usage, kept apart", keep=24)
    sheet.paragraph(
        "From other tools' logs and vendors' exports, by their month (UTC). It is in no other "
        "figure of this report. What a source does not tell is unknown, not 0.",
        8,
        SOFT,
    )
    sheet.ln(1)
    columns = [
        Column("Source", 2, number=False),
        Column("Model", 2.6, number=False),
        Column("Requests", 1.2),
        Column("Input tokens", 1.5),
        Column("Output tokens", 1.5),
        Column("Cost", 1.5),
    ]
    number_table(sheet, columns, [_imported_row(sheet, row) for row in report.imported])


def _imported_row(sheet: Paper, row: ImportedRow) -> tuple[str, ...]:
    written = sheet.lettering.written
    return (
        written(row.source),
        written(row.model or formats.UNKNOWN),
        formats.UNKNOWN if row.requests is None else f"{row.requests:,}",
        formats.count(row.input_tokens),
        formats.count(row.output_tokens),
        formats.money(row.cost, row.currency or "USD"),
    )
