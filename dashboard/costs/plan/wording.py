"""Numbers and teams as sentences have them."""

from decimal import Decimal


def team_of(developers: int) -> str:
    return "1 developer" if developers == 1 else f"{developers:,} developers"


def number(value: Decimal) -> str:
    """`21`, `0.1786`, `1,008`: at most four places."""
    text = f"{value:,.4f}"
    return text.rstrip("0").rstrip(".")
