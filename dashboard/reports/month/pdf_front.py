"""The report's first page: the finding, the figures, both curves, and what the total is made of."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from dashboard import formats
from dashboard.costs.months import midnight
from dashboard.reports.month.chart import Box, Line, Mark, line_chart
from dashboard.reports.month.models import Figure, MonthReport
from dashboard.reports.month.months import name_of
from dashboard.reports.month.paper import (
    BRAND,
    LINE,
    MARGIN,
    SEATS,
    SELF_HOSTED,
    SOFT,
    Paper,
)
from dashboard.reports.month.tables import Column, number_table

FIGURES_A_ROW, GAP = 3, 4.0
CHART_HEIGHT = 76.0
LEAST_MONTHS, MOST_LIVES = 1, 3  # how far the outlook reaches
_PAYBACK_TICKS = 4


def front(sheet: Paper, report: MonthReport) -> None:
    _title(sheet, report)
    _findings(sheet, report)
    _figures(sheet, report)
    _charts(sheet, report)
    _made_of(sheet, report)


def _title(sheet: Paper, report: MonthReport) -> None:
    sheet.start_section("Summary")
    sheet.write_at(9, BRAND, bold=True)
    sheet.put("Breakeven", sheet.epw, 5)
    sheet.ln(5)
    sheet.write_at(20, bold=True)
    sheet.put(f"Cost review, {name_of(report.month)}", sheet.epw, 10)
    sheet.ln(10)
    sheet.paragraph(sheet.lettering.written(_about(report)), 8.5, SOFT)
    sheet.ln(3)


def _about(report: MonthReport) -> str:
    zone = ZoneInfo(report.timezone)
    comparison = report.comparison
    first, last = (
        f"{at.astimezone(zone):%-d %B %Y}"
        for at in (comparison.start, comparison.end - timedelta(milliseconds=1))
    )
    state = "" if report.complete else " The month is not over: these are the figures so far."
    sample = " Sample data: a made-up team." if report.ledger.sample else ""
    return (
        f"{first} to {last}, days of {report.timezone}. Amounts in {comparison.currency}."
        f"{state}{sample}"
    )


def _findings(sheet: Paper, report: MonthReport) -> None:
    sheet.write_at(12.5, bold=True)
    sheet.block(sheet.lettering.written(report.sentence), sheet.epw, 6)
    sheet.ln(1.5)
    sheet.paragraph(sheet.lettering.written(report.verdict), 9.5)
    sheet.ln(3.5)


def _figures(sheet: Paper, report: MonthReport) -> None:
    """The Overview's row of figures."""
    width = (sheet.epw - GAP * (FIGURES_A_ROW - 1)) / FIGURES_A_ROW
    for begin in range(0, len(report.figures), FIGURES_A_ROW):
        row = report.figures[begin : begin + FIGURES_A_ROW]
        top = sheet.get_y()
        height = max(_note_lines(sheet, figure, width) for figure in row) * 3.2 + 14.5
        for place, figure in enumerate(row):
            _figure(sheet, figure, Box(MARGIN + place * (width + GAP), top, width, height))
        sheet.set_xy(MARGIN, top + height + 3)


def _note_lines(sheet: Paper, figure: Figure, width: float) -> int:
    sheet.write_at(6.8, SOFT)
    return len(sheet.lines_of(sheet.lettering.written(figure.note), width - 5))


def _figure(sheet: Paper, figure: Figure, box: Box) -> None:
    sheet.set_draw_color(*LINE)
    sheet.set_line_width(0.2)
    sheet.rect(box.left, box.top, box.width, box.height, round_corners=True, corner_radius=1.5)
    inner = box.width - 5
    sheet.set_xy(box.left + 2.5, box.top + 1.8)
    sheet.write_at(7.5, SOFT)
    sheet.put(figure.label, inner, 3.6)
    sheet.set_xy(box.left + 2.5, box.top + 5.4)
    sheet.write_at(14, bold=True)
    sheet.put(sheet.fitted(sheet.lettering.written(figure.value), inner), inner, 6.6)
    sheet.set_xy(box.left + 2.5, box.top + 12.4)
    sheet.write_at(6.8, SOFT)
    sheet.block(sheet.lettering.written(figure.note), inner, 3.2)


def _charts(sheet: Paper, report: MonthReport) -> None:
    top, width = sheet.get_y() + 1.5, (sheet.epw - 8) / 2
    _month_chart(sheet, report, Box(MARGIN, top, width, CHART_HEIGHT))
    _outlook_chart(sheet, report, Box(MARGIN + width + 8, top, width, CHART_HEIGHT))
    sheet.set_xy(MARGIN, top + CHART_HEIGHT + 2)


def _month_chart(sheet: Paper, report: MonthReport, box: Box) -> None:
    """Both sides' costs since the month began, as the Overview draws them."""
    x = [point.at.timestamp() for point in report.curve]
    lines = [
        Line(
            "Self-hosted, fully loaded",
            SELF_HOSTED,
            x,
            [float(point.self_hosted) for point in report.curve],
        ),
        Line("Seats", SEATS, x, [float(point.baseline) for point in report.curve], dashed=True),
    ]
    zone = ZoneInfo(report.timezone)
    mark = None
    if report.crossing is not None:
        at = report.crossing.timestamp()
        mark = Mark(at, _interpolated(lines[1], at), f"{report.crossing.astimezone(zone):%-d %b}")
    title = f"Cost so far in {name_of(report.month)}"
    line_chart(sheet, box, title, lines, _days(report, zone), _axis_money(report), mark)


def _interpolated(line: Line, at: float) -> float:
    """The curve's value at `at`, straight between its points."""
    for place in range(1, len(line.x)):
        if line.x[place] >= at:
            before, after = line.x[place - 1], line.x[place]
            part = (at - before) / (after - before) if after > before else 0.0
            return line.y[place - 1] + part * (line.y[place] - line.y[place - 1])
    return line.y[-1]


def _days(report: MonthReport, zone: ZoneInfo) -> list[tuple[float, str]]:
    start, end = report.comparison.start, report.comparison.end
    first = start.astimezone(zone).date()
    number = max(round((end - start) / timedelta(days=1)), 1)
    every = max(-(-number // 5), 1)
    ticks = []
    for day in range(0, number + 1, every):
        at = midnight(first + timedelta(days=day), zone)
        if start <= at <= end and (end - at) / timedelta(days=1) > every * 0.4:
            ticks.append((at.timestamp(), f"{at.astimezone(zone):%-d %b}"))
    return ticks


def _outlook_chart(sheet: Paper, report: MonthReport, box: Box) -> None:
    """From the purchase on: the hardware's price and its running against the seats."""
    even = report.break_even
    running = float(even.electricity_per_month + even.operations_per_month)
    price, seats = float(even.hardware_price), float(even.seats_per_month)
    horizon = _horizon(even.months, even.life_months)
    lines = [
        Line(
            "Hardware and running it", SELF_HOSTED, (0, horizon), (price, price + running * horizon)
        ),
        Line("Seats", SEATS, (0, horizon), (0, seats * horizon), dashed=True),
    ]
    mark = None
    if even.months is not None and even.months <= horizon:
        months = float(even.months)
        mark = Mark(months, seats * months, f"Break-even: {even.months:,.1f} months")
    team = "1 developer" if even.developers == 1 else f"{even.developers:,} developers"
    title = f"From purchase on, with {team}"
    if mark is None:
        title += ": no break-even" if even.months is None else ": none in sight"
    step = max(round(horizon / _PAYBACK_TICKS), 1)
    ticks = [(float(at), f"month {at}") for at in range(0, int(horizon) + 1, step)]
    line_chart(sheet, box, title, lines, ticks, _axis_money(report), mark)


def _horizon(months: Decimal | None, life_months: int) -> float:
    """How many months the outlook shows: so many that a break-even stands in its middle, within
    bounds; else the hardware's life."""
    if months is None:
        return float(life_months)
    return min(max(2 * float(months), float(LEAST_MONTHS)), float(life_months * MOST_LIVES))


def _axis_money(report: MonthReport) -> Callable[[float], str]:
    """How an axis writes amounts: short, the currency of others than these stands above."""
    symbol = formats.SYMBOLS.get(report.comparison.currency, "")

    def words(amount: float) -> str:
        digits = 0 if amount >= 10 or amount == 0 else 2
        return f"{symbol}{amount:,.{digits}f}"

    return words


def _made_of(sheet: Paper, report: MonthReport) -> None:
    """What the totals are made of, and which side cost more."""
    comparison, currency = report.comparison, report.comparison.currency

    def amount(value: Decimal) -> str:
        return formats.money(value, currency)

    sheet.heading("What it cost")
    seats = f"{comparison.seats:,} {'seat' if comparison.seats == 1 else 'seats'}"
    rows = [
        ("Depreciation of the hardware", amount(comparison.depreciation)),
        ("Electricity, PUE included", amount(comparison.electricity)),
        ("Operations", amount(comparison.operations)),
        ("Self-hosted, fully loaded", amount(comparison.self_hosted_total)),
        (f"Seats that were not bought ({seats})", amount(comparison.baseline_total)),
    ]
    saved = "Saved by self-hosting" if comparison.saving >= 0 else "More than the seats"
    total = (saved, amount(abs(comparison.saving)))
    columns = [Column("What", 3, number=False), Column(f"Amount, {currency}", 1)]
    number_table(sheet, columns, rows, total)
