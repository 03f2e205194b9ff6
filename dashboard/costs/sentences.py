"""The comparison and the break-even as sentences that a manager reads."""

from decimal import Decimal

from dashboard.costs.models import BreakEven, Comparison
from dashboard.costs.money import words

_CENTURY = 1200  # months


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
    team = _team(even.developers)
    if even.months is None:
        return f"With {team} the hardware never pays for itself: {even.reason}."
    late = (
        "" if even.within_life else f", which is longer than its life of {even.life_months} months"
    )
    after = f"{months_words(even.months)}{late}{resale_words(even)}"
    return f"With {team} the hardware has paid for itself after {after}."


def months_words(months: Decimal) -> str:
    """`27.5 months`; what no plan reaches to is not told to a tenth of a month."""
    return "more than 100 years" if months > _CENTURY else f"{months:,.1f} months"


def resale_words(even: BreakEven) -> str:
    """What a break-even rests on that comes later, to go on with; empty where it counts on none:
    `, counting on $12,500 of resale at month 60 (27.5 months without it)`."""
    if even.resale_month is None or even.months_without_resale is None:
        return ""
    back = words(even.hardware_price - even.to_recover, even.currency)
    without = months_words(even.months_without_resale)
    return f", counting on {back} of resale at month {even.resale_month} ({without} without it)"


def smallest_team_sentence(number: int | None) -> str:
    if number is None:
        return "No number of developers makes it break even within the hardware's life."
    return f"It takes {_team(number)} for the hardware to pay for itself within its life."


def _team(developers: int) -> str:
    return "1 developer" if developers == 1 else f"{developers:,} developers"


def _difference(more: Decimal, currency: str) -> str:
    if more == 0:
        return "the same"
    return f"{words(abs(more), currency)} {'more' if more > 0 else 'less'}"
