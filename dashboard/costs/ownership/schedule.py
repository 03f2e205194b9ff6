"""Depreciation year by year, and between any two days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from dashboard.costs import money
from dashboard.costs.ownership.terms import Figures, Source
from dashboard.costs.ownership.years import position


@dataclass(frozen=True, slots=True)
class Span:
    """What one tax year takes off, spread over `start` to `end` (not counted)."""

    year: int
    start: date
    end: date
    amount: Decimal


class Row(Figures):
    """One tax year, named for the calendar year in which it ends.

    The days are those over which its depreciation is spread; `book_value` is at the last of them.
    """

    year: int
    first_day: date
    last_day: date
    depreciation: Decimal
    accumulated: Decimal
    book_value: Decimal


class Expensed(Figures):
    """A part of the cost that the law lets go at once. The first row contains it."""

    kind: str
    amount: Decimal


class Schedule(Figures):
    """An asset's depreciation by one method, in cents that add up.

    `counts` says whether a part of a year is reckoned by days or by months.
    """

    asset: str
    method: str
    cost: Decimal
    counts: Literal["days", "months"]
    expensed: tuple[Expensed, ...] = ()
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    """The tables and laws that the figures are from."""

    @property
    def total(self) -> Decimal:
        return self.rows[-1].accumulated if self.rows else Decimal(0)

    @property
    def final_value(self) -> Decimal:
        """What is left of the cost after the last row."""
        return self.cost - self.total


def rows_of(cost: Decimal, spans: Sequence[Span]) -> tuple[Row, ...]:
    rows, taken = [], Decimal(0)
    for span in spans:
        taken += span.amount
        rows.append(
            Row(
                year=span.year,
                first_day=span.start,
                last_day=max(span.start, span.end - timedelta(days=1)),
                depreciation=span.amount,
                accumulated=taken,
                book_value=cost - taken,
            )
        )
    return tuple(rows)


def depreciation_between(schedule: Schedule, start: date, end: date) -> Decimal:
    """From the day `start` up to `end` (not counted), in cents; spans that meet add up.

    Within a row it is spread evenly, also where the method knows only whole years.
    """
    return _until(schedule, end) - _until(schedule, start)


def book_value_at(schedule: Schedule, day: date) -> Decimal:
    """What is left of the cost as `day` begins."""
    return schedule.cost - _until(schedule, day)


def _until(schedule: Schedule, day: date) -> Decimal:
    return sum((_of_row(row, day, schedule.counts) for row in schedule.rows), Decimal(0))


def _of_row(row: Row, day: date, counts: Literal["days", "months"]) -> Decimal:
    end = row.last_day + timedelta(days=1)
    if day >= end:
        return row.depreciation
    if day <= row.first_day:
        return Decimal(0)
    if counts == "days":
        part = Fraction((day - row.first_day).days, (end - row.first_day).days)
    else:
        began = position(row.first_day)
        part = (position(day) - began) / (position(end) - began)
    return money.cents(Fraction(row.depreciation) * part)
