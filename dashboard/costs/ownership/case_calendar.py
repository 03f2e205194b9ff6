"""Where a case's days fall in its table of months."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from dashboard.costs.months import add_months
from dashboard.costs.ownership.years import ONE_DAY, tax_year_of


class Calendar:
    """Row 0 is the start, row m the end of month m, which is also the first day of the next."""

    def __init__(self, start: date, months: int, first_month: int) -> None:
        self.months = months
        self.ends = [add_months(start, month) for month in range(months + 1)]
        self._first_month = first_month

    def empty(self) -> list[Decimal]:
        return [Decimal(0)] * len(self.ends)

    def sums(self, amounts: Iterable[tuple[date, Decimal]]) -> list[Decimal]:
        """Each amount at the end of the month in which its day lies; one for each row.

        What was before the start is in the first row, what comes after the end in the last.
        """
        column = self.empty()
        for day, amount in amounts:
            column[min(bisect_left(self.ends, day), self.months)] += amount
        return column

    def at_year_ends(self, amounts: Iterable[tuple[date, Decimal]]) -> list[Decimal]:
        """Each amount at the end of the tax year in which its day lies."""
        return self.sums(
            (tax_year_of(day, self._first_month).last_day, amount) for day, amount in amounts
        )

    def days(self, column: list[Decimal]) -> list[tuple[date, Decimal]]:
        """Each row's amount with its month's last day; the start keeps its own."""
        last_days = [self.ends[0], *(end - ONE_DAY for end in self.ends[1:])]
        return list(zip(last_days, column, strict=True))
