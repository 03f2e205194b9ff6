"""Tables on paper: numbers in columns, or texts that wrap. The head stands again on each page."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.reports.month.paper import GROUND, INK, LINE, MARGIN, SOFT, Paper

POINTS, HEAD_POINTS = 8.0, 7.5
ROW, LEADING, PAD = 5.2, 3.7, 1.3  # mm


@dataclass(frozen=True, slots=True)
class Column:
    """A column's title and its part of the width; numbers stand on the right."""

    title: str
    part: float
    number: bool = True


Row = Sequence[str]


def number_table(
    sheet: Paper, columns: Sequence[Column], rows: Sequence[Row], total: Row | None = None
) -> None:
    """A line for each row; a name too long for its column is cut. A total stays with a row."""
    widths = _widths(sheet, columns)
    sheet.need(_head_height(sheet, columns, widths) + 2 * ROW)
    _head(sheet, columns, widths)
    sheet.write_at(POINTS)
    for place, row in enumerate(rows):
        last = place == len(rows) - 1
        needed = 2 * ROW + 1 if last and total is not None else ROW
        if sheet.room() < needed:
            sheet.add_page()
            _head(sheet, columns, widths)
            sheet.write_at(POINTS)
        _line(sheet, columns, widths, row)
        if not last:
            _rule(sheet)
    if total is not None:
        _rule(sheet, strong=True)
        sheet.write_at(POINTS, bold=True)
        _line(sheet, columns, widths, total)
    sheet.ln(1)


def text_table(sheet: Paper, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Texts that wrap within their columns; no row is parted by a page's end."""
    widths = _widths(sheet, columns)
    sheet.need(_head_height(sheet, columns, widths) + 2 * ROW)
    _head(sheet, columns, widths)
    for place, row in enumerate(rows):
        sheet.write_at(POINTS)
        cells = [_wrapped(sheet, text, width) for text, width in zip(row, widths, strict=True)]
        height = max(len(lines) for lines in cells) * LEADING + 1.5
        if sheet.room() < height:
            sheet.add_page()
            _head(sheet, columns, widths)
            sheet.write_at(POINTS)
        _block(sheet, columns, widths, cells, height)
        if place < len(rows) - 1:
            _rule(sheet)
    sheet.ln(1)


def _widths(sheet: Paper, columns: Sequence[Column]) -> list[float]:
    whole = sum(column.part for column in columns)
    return [sheet.epw * column.part / whole for column in columns]


def _wrapped(sheet: Paper, text: str, width: float) -> list[str]:
    return sheet.lines_of(text, width - 2 * PAD)


def _head_height(sheet: Paper, columns: Sequence[Column], widths: Sequence[float]) -> float:
    sheet.write_at(HEAD_POINTS, SOFT, bold=True)
    cells = _titles(sheet, columns, widths)
    return max(len(lines) for lines in cells) * LEADING + 1.8


def _titles(sheet: Paper, columns: Sequence[Column], widths: Sequence[float]) -> list[list[str]]:
    return [
        _wrapped(sheet, column.title, width) for column, width in zip(columns, widths, strict=True)
    ]


def _head(sheet: Paper, columns: Sequence[Column], widths: Sequence[float]) -> None:
    height = _head_height(sheet, columns, widths)
    sheet.set_fill_color(*GROUND)
    sheet.rect(MARGIN, sheet.get_y(), sheet.epw, height, style="F")
    _block(sheet, columns, widths, _titles(sheet, columns, widths), height)


def _block(
    sheet: Paper,
    columns: Sequence[Column],
    widths: Sequence[float],
    cells: Sequence[Sequence[str]],
    height: float,
) -> None:
    """Wrapped texts side by side."""
    top, left = sheet.get_y(), MARGIN
    for column, width, lines in zip(columns, widths, cells, strict=True):
        for number, line in enumerate(lines):
            sheet.set_xy(left + PAD, top + 0.8 + number * LEADING)
            sheet.put(line, width - 2 * PAD, LEADING, align="R" if column.number else "L")
        left += width
    sheet.set_xy(MARGIN, top + height)


def _line(sheet: Paper, columns: Sequence[Column], widths: Sequence[float], row: Row) -> None:
    top, left = sheet.get_y(), MARGIN
    for column, width, text in zip(columns, widths, row, strict=True):
        sheet.set_xy(left + PAD, top)
        inner = width - 2 * PAD
        if column.number:
            _number(sheet, text, inner)
        else:
            sheet.put(sheet.fitted(text, inner), inner, ROW)
        left += width
    sheet.set_xy(MARGIN, top + ROW)


def _number(sheet: Paper, text: str, width: float) -> None:
    """A number is written smaller where it has no room: one that is cut would be another."""
    needed, points = sheet.width_of(text), sheet.font_size_pt
    if needed > width:
        sheet.set_font_size(points * width / needed)
    sheet.put(text, width, ROW, align="R")
    sheet.set_font_size(points)


def _rule(sheet: Paper, *, strong: bool = False) -> None:
    sheet.set_draw_color(*(INK if strong else LINE))
    sheet.set_line_width(0.3 if strong else 0.15)
    sheet.line(MARGIN, sheet.get_y(), sheet.w - MARGIN, sheet.get_y())
