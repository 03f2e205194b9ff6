"""MACRS percentages: as published, and by the rule from which they were computed."""

from decimal import Decimal
from fractions import Fraction

from dashboard.costs import money
from dashboard.costs.ownership.methods import Convention
from dashboard.costs.ownership.terms import Source

SOURCE = Source(
    title="IRS Publication 946, How To Depreciate Property, Appendix A, Tables A-1 to A-5",
    address="https://www.irs.gov/publications/p946",
    dated="unchanged since Rev. Proc. 87-57 (1987)",
)

HALF_YEAR = "A-1"
MID_QUARTER = {1: "A-2", 2: "A-3", 3: "A-4", 4: "A-5"}

# Table, then property class in years: percent of the basis in each tax year.
_PUBLISHED: dict[str, dict[int, tuple[str, ...]]] = {
    "A-1": {
        3: ("33.33", "44.45", "14.81", "7.41"),
        5: ("20.00", "32.00", "19.20", "11.52", "11.52", "5.76"),
    },
    "A-2": {
        3: ("58.33", "27.78", "12.35", "1.54"),
        5: ("35.00", "26.00", "15.60", "11.01", "11.01", "1.38"),
    },
    "A-3": {
        3: ("41.67", "38.89", "14.14", "5.30"),
        5: ("25.00", "30.00", "18.00", "11.37", "11.37", "4.26"),
    },
    "A-4": {
        3: ("25.00", "50.00", "16.67", "8.33"),
        5: ("15.00", "34.00", "20.40", "12.24", "11.30", "7.06"),
    },
    "A-5": {
        3: ("8.33", "61.11", "20.37", "10.19"),
        5: ("5.00", "38.00", "22.80", "13.68", "10.94", "9.58"),
    },
}


def table_for(convention: Convention, quarter: int) -> str:
    """The name of the table for property placed in service in `quarter` of the tax year."""
    return HALF_YEAR if convention == "half_year" else MID_QUARTER[quarter]


def published(table: str, class_years: int) -> tuple[Decimal, ...]:
    """Percent of the basis by tax year, as printed."""
    return tuple(Decimal(percent) for percent in _PUBLISHED[table][class_years])


def year_fraction(convention: Convention, quarter: int) -> Fraction:
    """From the year's start to the day on which a thing of that quarter is taken to be disposed of.

    Half a year, or the middle of the quarter. A thing placed in service is depreciated for the
    rest of the year.
    """
    return Fraction(1, 2) if convention == "half_year" else Fraction(2 * quarter - 1, 8)


def computed(convention: Convention, quarter: int, class_years: int) -> tuple[Decimal, ...]:
    """The same percentages by rule: 200% declining balance, then straight line when that is more.

    Rounded to a hundredth of a percent year by year, each from the rounded rest (Rev. Proc.
    87-57, section 6).
    """
    rest, percents = Fraction(100), []
    part, years_left = 1 - year_fraction(convention, quarter), Fraction(class_years)
    while rest > 0:
        falling = rest * Fraction(2, class_years) * part
        even = rest * min(Fraction(1), part / years_left)
        percents.append(min(money.rounded(max(falling, even), 2), money.rounded(rest, 2)))
        rest, years_left = rest - Fraction(percents[-1]), years_left - part
        part = min(Fraction(1), years_left)
    return tuple(percents)
