"""The comparison and the break-even as sentences that a manager reads."""

from decimal import Decimal

from dashboard.costs.models import BreakEven, Comparison
from dashboard.costs.money import words


def headline(comparison: Comparison, when: str = "So far this month") -> str:
    """`So far this month self-hosting cost $173.61 per developer (fully loaded); the seats would
    have cost $50.00: $123.61 more.`"""
    currency = comparison.currency
    own, seat = comparison.self_hosted_per_developer, comparison.baseline_per_developer
    if own is None or seat is None:
        total = words(comparison.self_hosted_total, currency)
        return f"{when} self-hosting cost {total} (fully loaded); no developer held a seat."
    return (
        f"{when} self-hosting cost {words(own, currency)} per developer (fully loaded); "
        f"the seats would have cost {words(seat, currency)}: {_difference(own - seat, currency)}."
    )


def break_even_sentence(even: BreakEven) -> str:
    """`With 5 developers the hardware has paid for itself after 27.5 months.`, or why never."""
    team = "1 developer" if even.developers == 1 else f"{even.developers} developers"
    if even.months is None:
        return f"With {team} the hardware never pays for itself: {even.reason}."
    sentence = f"With {team} the hardware has paid for itself after {even.months:,.1f} months"
    if even.within_life:
        return f"{sentence}."
    return f"{sentence}, which is longer than its life of {even.life_months} months."


def smallest_team_sentence(number: int | None) -> str:
    if number is None:
        return "No number of developers makes it break even within the hardware's life."
    team = "1 developer" if number == 1 else f"{number} developers"
    return f"It takes {team} for the hardware to pay for itself within its life."


def _difference(more: Decimal, currency: str) -> str:
    if more == 0:
        return "the same"
    return f"{words(abs(more), currency)} {'more' if more > 0 else 'less'}"
