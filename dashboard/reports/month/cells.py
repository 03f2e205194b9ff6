"""Cells of the spreadsheet: amounts, dates and texts as what they are, and no text as a formula."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from dashboard import formats

Kind = Literal[
    "text", "wrapped", "count", "money", "small", "plain", "kwh", "share", "date", "moment"
]
Value = str | int | float | Decimal | date | datetime | None
_LONGEST = 32_767  # letters in a cell
LINE_HEIGHT = 15  # points
_NUMBERS: dict[Kind, str] = {
    "count": "#,##0",
    "plain": "#,##0.00",
    "kwh": "#,##0.000",
    "share": "0.0%",
    "date": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm",
}


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: Kind = "text"
    width: float = 14


class Book:
    """A workbook's formats, made once each."""

    def __init__(self, workbook: Workbook, currency: str) -> None:
        self.workbook = workbook
        symbol = formats.SYMBOLS.get(currency, f"{currency} ")
        quoted = f'"{symbol.replace(chr(34), "")}"'
        self._numbers = _NUMBERS | {
            "money": f"{quoted}#,##0.00;[Red]-{quoted}#,##0.00",
            "small": f"{quoted}#,##0.000000",
        }
        self._formats: dict[tuple[Kind, bool], Format] = {}
        self.head = workbook.add_format(
            {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#e9edf2", "bottom": 1}
        )
        self.title = workbook.add_format({"bold": True, "font_size": 16})
        self.finding = workbook.add_format({"bold": True, "text_wrap": True, "valign": "top"})

    def format(self, kind: Kind, *, total: bool = False) -> Format:
        if (kind, total) not in self._formats:
            looks: dict[str, object] = {"valign": "top"}
            if kind in self._numbers:
                looks["num_format"] = self._numbers[kind]
                looks["align"] = "left" if kind == "date" else "right"
            if kind == "wrapped":
                looks["text_wrap"] = True
            if total:
                looks |= {"bold": True, "top": 1}
            self._formats[kind, total] = self.workbook.add_format(looks)
        return self._formats[kind, total]


def put(
    book: Book, sheet: Worksheet, row: int, column: int, value: Value, kind: Kind, *, total: bool
) -> None:
    """One cell. What is unknown says so, in words: an empty cell could be taken for 0."""
    looks = book.format(kind, total=total)
    if value is None:
        sheet.write_string(row, column, formats.UNKNOWN, looks)
    elif isinstance(value, str):
        sheet.write_string(row, column, value[:_LONGEST], looks)
    elif isinstance(value, date):  # a datetime is one too
        sheet.write_datetime(row, column, value, looks)
    else:
        sheet.write_number(row, column, float(value), looks)


def table(
    book: Book,
    sheet: Worksheet,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Value]],
    *,
    top: int = 0,
    summed: Sequence[str] = (),
    totals: Sequence[Value] | None = None,
) -> int:
    """A table with a frozen head and a filter; its last line adds up the columns in `summed` by
    formulas, whose results are those of `totals`. The line after it is returned."""
    sheet.set_row(top, 2 * LINE_HEIGHT)
    for place, column in enumerate(columns):
        sheet.write_string(top, place, column.title, book.head)
        sheet.set_column(place, place, column.width)
    for number, row in enumerate(rows, start=top + 1):
        for place, (column, value) in enumerate(zip(columns, row, strict=True)):
            put(book, sheet, number, place, value, column.kind, total=False)
    after = top + 1 + len(rows)
    if rows:
        sheet.autofilter(top, 0, after - 1, len(columns) - 1)
    if totals is not None and rows:
        for place, (column, value) in enumerate(zip(columns, totals, strict=True)):
            if column.title in summed and isinstance(value, int | float | Decimal):
                letter = xl_col_to_name(place)
                formula = f"=SUM({letter}{top + 2}:{letter}{after})"
                looks = book.format(column.kind, total=True)
                sheet.write_formula(after, place, formula, looks, float(value))
            else:
                put(book, sheet, after, place, value, column.kind, total=True)
        after += 1
    sheet.freeze_panes(top + 1, 1)
    return after
