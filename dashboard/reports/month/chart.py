"""A line chart drawn on paper as vectors."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboard.reports.month.paper import INK, LINE, SOFT, Colour, Paper

TICKS = 4
_AXIS_POINTS = 6.5


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: as many x as y, in rising order of x."""

    name: str
    colour: Colour
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """Where something stands on the page, in millimetres from its upper left corner."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of the chart that has a name."""

    x: float
    y: float
    name: str


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to millimetres."""

    box: Box
    x: tuple[float, float]
    y_top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        first, last = self.x
        along = (x - first) / (last - first) if last > first else 0.0
        return (
            self.box.left + along * self.box.width,
            self.box.top + self.box.height * (1 - y / self.y_top),
        )


def line_chart(
    sheet: Paper,
    box: Box,
    title: str,
    lines: Sequence[Line],
    x_ticks: Sequence[tuple[float, str]],
    y_words: Callable[[float], str],
    mark: Mark | None = None,
) -> None:
    """Curves from 0 upwards within `box`, with title, legend, and a mark where two meet."""
    sheet.write_at(8.5, bold=True)
    sheet.set_xy(box.left, box.top)
    sheet.put(sheet.fitted(title, box.width), box.width, 4)
    _legend(sheet, box, lines)
    steps = nice_steps(max((y for line in lines for y in line.y), default=0.0))
    sheet.write_at(_AXIS_POINTS, SOFT)
    gutter = max(sheet.width_of(y_words(step)) for step in steps) + 2.5
    plot = Box(box.left + gutter, box.top + 11, box.width - gutter - 2, box.height - 16)
    ends = [end for line in lines for end in (line.x[0], line.x[-1])]
    scale = _Scale(plot, (min(ends), max(ends)), steps[-1])
    _grid(sheet, scale, steps, x_ticks, y_words)
    for line in lines:
        sheet.set_draw_color(*line.colour)
        sheet.set_line_width(0.6)
        if line.dashed:
            sheet.set_dash_pattern(dash=1.6, gap=1.0)
        sheet.polyline([scale.at(x, y) for x, y in zip(line.x, line.y, strict=True)])
        sheet.set_dash_pattern()
    if mark is not None:
        _mark(sheet, scale, mark)


def nice_steps(most: float) -> list[float]:
    """Round figures from 0 to at least `most`, about four steps apart."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999999)
    return [step * number for number in range(math.ceil(most / step - 1e-9) + 1)]


def _legend(sheet: Paper, box: Box, lines: Sequence[Line]) -> None:
    left, middle = box.left, box.top + 6.9
    sheet.write_at(7, SOFT)
    for line in lines:
        sheet.set_draw_color(*line.colour)
        sheet.set_line_width(0.8)
        if line.dashed:
            sheet.set_dash_pattern(dash=1.6, gap=1.0)
        sheet.line(left, middle, left + 5, middle)
        sheet.set_dash_pattern()
        sheet.set_xy(left + 6, middle - 1.9)
        width = sheet.width_of(line.name) + 1
        sheet.put(line.name, width, 3.8)
        left += 6 + width + 4


def _grid(
    sheet: Paper,
    scale: _Scale,
    steps: Sequence[float],
    x_ticks: Sequence[tuple[float, str]],
    y_words: Callable[[float], str],
) -> None:
    plot = scale.box
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.15)
    for step in steps:
        _, y = scale.at(scale.x[0], step)
        sheet.line(plot.left, y, plot.left + plot.width, y)
        words = y_words(step)
        sheet.set_xy(plot.left - 2 - sheet.width_of(words) - 1, y - 1.6)
        sheet.put(words, sheet.width_of(words) + 1, 3.2, align="R")
    for at, words in x_ticks:
        x, y = scale.at(at, 0)
        width = sheet.width_of(words) + 1
        sheet.line(x, y, x, y + 1)
        left = min(max(x - width / 2, plot.left - 2), plot.left + plot.width + 2 - width)
        sheet.set_xy(left, y + 1.2)
        sheet.put(words, width, 3.2, align="C")


def _mark(sheet: Paper, scale: _Scale, mark: Mark) -> None:
    x, y = scale.at(mark.x, mark.y)
    bottom = scale.box.top + scale.box.height
    sheet.set_draw_color(*SOFT)
    sheet.set_line_width(0.2)
    sheet.set_dash_pattern(dash=0.8, gap=0.8)
    sheet.line(x, y, x, bottom)
    sheet.set_dash_pattern()
    sheet.set_draw_color(*INK)
    sheet.set_fill_color(255, 255, 255)
    sheet.set_line_width(0.5)
    sheet.circle(x, y, 1.1, style="DF")
    sheet.write_at(7, INK, bold=True)
    width = sheet.width_of(mark.name) + 1
    # Rising curves leave room below on the right, and above on the left.
    on_left = x + 2 + width > scale.box.left + scale.box.width
    left, top = (x - 2 - width, y - 4.5) if on_left else (x + 2, min(y + 1.2, bottom - 4.2))
    sheet.set_xy(left, top)
    sheet.put(mark.name, width, 3.6, align="R" if on_left else "L")
