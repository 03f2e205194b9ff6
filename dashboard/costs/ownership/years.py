"""Tax years, which begin on the first of any month, and the months and quarters in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from fractions import Fraction

from dashboard.costs.months import add_months, midnight, month_position

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class TaxYear:
    """Twelve months; `end` is the first day after them."""

    start: date
    end: date

    @property
    def last_day(self) -> date:
        return self.end - ONE_DAY

    @property
    def name(self) -> int:
        """The calendar year in which it ends."""
        return self.last_day.year

    def quarter(self, day: date) -> int:
        """1 to 4: the quarter of this tax year in which `day` lies."""
        return whole_months(self.start, day) // 3 + 1


def tax_year_of(day: date, first_month: int) -> TaxYear:
    """The tax year in which `day` lies, where years begin on the first of `first_month` (1-12)."""
    began = day.year if day.month >= first_month else day.year - 1
    start = date(began, first_month, 1)
    return TaxYear(start, add_months(start, 12))


def tax_years(first: date, end: date, first_month: int) -> Iterator[TaxYear]:
    """Those that the time from `first` up to `end` (not counted) touches."""
    year = tax_year_of(first, first_month)
    while year.start < end:
        yield year
        year = tax_year_of(year.end, first_month)


def whole_months(start: date, end: date) -> int:
    """From the month of `start` to that of `end`, whatever the days."""
    return end.year * 12 + end.month - start.year * 12 - start.month


def first_of_month(day: date) -> date:
    return day.replace(day=1)


def position(day: date) -> Fraction:
    """Months since a fixed one, the begun one in part, at the start of `day`."""
    return month_position(midnight(day, UTC), UTC)
