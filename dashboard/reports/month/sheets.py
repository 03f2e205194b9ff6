"""The spreadsheet's sheets of assumptions and of energy."""

from collections.abc import Sequence

from xlsxwriter.worksheet import Worksheet

from dashboard.formats import JOULES_PER_KWH
from dashboard.reports.month.cells import LINE_HEIGHT, Book, Kind, Value, put
from dashboard.reports.month.models import MonthReport

WIDTHS = (34, 52, 16, 60, 14, 14)  # letters, of the sheet of assumptions
Block = tuple[tuple[str, ...], list[tuple[Value, ...]], tuple[Kind, ...]]


def assumptions_sheet(book: Book, sheet: Worksheet, report: MonthReport) -> None:
    """What the figures rest on, how each was obtained, and imported usage, which is in none."""
    for place, width in enumerate(WIDTHS):
        sheet.set_column(place, place, width)
    assumed: list[tuple[Value, ...]] = [
        (one.what, one.value, one.valid_from or "the beginning", one.source)
        for one in report.assumptions
    ]
    obtained: list[tuple[Value, ...]] = [
        (one.figure, one.how, one.basis) for one in report.evidence
    ]
    method: list[tuple[Value, ...]] = [("Method", sentence) for sentence in report.method]
    row = _block(
        book,
        sheet,
        0,
        (
            ("Assumption", "Value", "From", "Source"),
            assumed,
            ("wrapped", "wrapped", "date", "wrapped"),
        ),
    )
    sheet.autofilter(0, 0, max(row - 1, 1), 3)
    row = _block(
        book,
        sheet,
        row + 1,
        (("Figure", "How it was obtained", "Basis"), obtained, ("wrapped", "wrapped", "text")),
    )
    row = _block(book, sheet, row + 1, (("", "Method"), method, ("text", "wrapped")))
    if report.imported:
        _block(book, sheet, row + 1, _imported(report))
    sheet.freeze_panes(1, 1)


def _imported(report: MonthReport) -> Block:
    rows: list[tuple[Value, ...]] = [
        (
            f"{row.source}: {row.model or 'unknown'}",
            row.requests,
            row.input_tokens,
            row.output_tokens,
            row.cost,
            row.currency,
        )
        for row in report.imported
    ]
    titles = (
        "Imported usage, in no other figure",
        "Requests",
        "Input tokens",
        "Output tokens",
        "Cost",
        "Currency",
    )
    return titles, rows, ("wrapped", "count", "count", "count", "plain", "text")


def energy_sheet(book: Book, sheet: Worksheet, report: MonthReport) -> None:
    """Where the energy went, how it was read, for how long, and by which meters."""
    energy = report.energy
    for place, width in enumerate((38, 16, 14, 34, 14, 14, 14, 14)):
        sheet.set_column(place, place, width)
    kinds: tuple[Kind, ...] = ("text", "kwh", "share")
    total: tuple[Value, ...] = ("All that was read", _kwh(energy.total_j), energy.uncertainty)
    row = 0
    for title, parts in (("Where it went", energy.uses), ("How it was read", energy.bases)):
        rows: list[tuple[Value, ...]] = [
            (part.name, _kwh(part.joules), part.share) for part in parts
        ]
        row = _block(book, sheet, row, ((title, "kWh", "Part"), [*rows, total], kinds)) + 1
    coverage = energy.coverage
    hours: list[tuple[Value, ...]] = [
        ("All meters read", coverage.complete_s / 3600),
        ("A device was missing", coverage.partial_s / 3600),
        ("Meters told nothing", coverage.silent_s / 3600),
        ("No meter ran", coverage.unmetered_s / 3600),
    ]
    block: Block = (("For how much of the time", "Hours"), hours, ("text", "kwh"))
    row = _block(book, sheet, row, block) + 1
    meters: list[tuple[Value, ...]] = [
        (
            f"{one.machine}: {one.meter}",
            one.device,
            one.basis,
            one.kind,
            one.accuracy,
            _kwh(one.energy_j),
            one.silent_s / 3600,
        )
        for one in energy.meters
    ]
    block = (
        ("Meter", "Device", "Basis", "Of", "Accuracy, ±", "kWh", "Silent, hours"),
        meters,
        ("text", "text", "text", "text", "share", "kwh", "kwh"),
    )
    row = _block(book, sheet, row, block) + 1
    if energy.carbon:
        sheet.write_string(row, 0, energy.carbon, book.format("text"))
    sheet.freeze_panes(1, 1)


def _block(book: Book, sheet: Worksheet, row: int, block: Block) -> int:
    """A small table from this row on; the row after it is returned."""
    titles, rows, kinds = block
    for place, title in enumerate(titles):
        sheet.write_string(row, place, title, book.head)
    for number, values in enumerate(rows, start=row + 1):
        if "wrapped" in kinds:
            sheet.set_row(number, LINE_HEIGHT * _lines(values))
        for place, (value, kind) in enumerate(zip(values, kinds, strict=True)):
            put(book, sheet, number, place, value, kind, total=False)
    return row + 1 + len(rows)


def _lines(values: Sequence[Value]) -> int:
    """How many lines the longest of these texts takes: not every program finds out by itself."""
    texts = zip(values, WIDTHS, strict=False)
    return max(-(-len(value) // width) for value, width in texts if isinstance(value, str))


def _kwh(joules: float | None) -> float | None:
    return None if joules is None else joules / JOULES_PER_KWH
