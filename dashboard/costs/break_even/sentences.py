"""Break-even's answers, intervals and projections as sentences that a manager reads."""

from datetime import date
from decimal import Decimal

from dashboard.costs.break_even.case import Answer, Quantity
from dashboard.costs.break_even.trend import Projection
from dashboard.costs.break_even.uncertainty import Simulation
from dashboard.costs.sentences import months_words

_FOUND: dict[Quantity, str] = {
    "developers": "It takes {:,.0f} developers for the hardware to pay for itself within its life.",
    "utilisation": "A token costs what the API asks for it at {:.1%} of full use, in all hours.",
    "tokens_per_day": "From {:,.0f} tokens a day on, owning costs no more than the API.",
}
_NEVER: dict[Quantity, str] = {
    "months": "The hardware never pays for itself",
    "developers": "No number of developers makes it pay for itself within its life",
    "utilisation": "At no share of full use does a token cost as little as the API asks for it",
    "tokens_per_day": "No number of tokens a day makes owning as cheap as the API",
}


def answer_sentence(answer: Answer) -> str:
    if answer.value is None:
        return f"{_NEVER[answer.quantity]}: {answer.reason}."
    if answer.quantity == "months":
        return f"The hardware has paid for itself after {months_words(answer.value)}."
    if answer.quantity == "developers" and answer.value == 1:
        return "It takes 1 developer for the hardware to pay for itself within its life."
    return _FOUND[answer.quantity].format(answer.value)


def simulation_sentence(found: Simulation, base: Decimal | None) -> str:
    """`Half of 10,000 draws break even within 55.0 months (never with every input as given), and
    90% from 19.6 months to never; 18% never do, and 33% do within the hardware's life.`

    `base` is the break-even of the case itself, None: never.
    """
    spread = found.months
    half = (
        f"Half of {found.draws:,} draws never break even"
        if spread.median is None
        else f"Half of {found.draws:,} draws break even within {_months(spread.median)}"
    )
    return (
        f"{half} ({_months(base)} with every input as given), and 90% from "
        f"{_months(spread.low)} to {_months(spread.high)}; "
        f"{_percent(found.probability_never)} never do, and "
        f"{_percent(found.probability_within_life)} do within the hardware's life."
    )


def projection_sentence(found: Projection) -> str:
    """When the ledger's own trend pays for the hardware, or why it cannot be told."""
    rate = f"At the rate of the last {found.window_days} days the hardware"
    if found.kind == "unknown":
        return f"It is too early to tell: {found.reason}."
    if found.kind == "already":
        return f"The hardware has paid for itself on {_day(found.day)}."
    if found.kind == "never":
        return f"{rate} never pays for itself: {found.reason}."
    return (
        f"{rate} has paid for itself on {_day(found.day)} (90% interval: {_day(found.earliest)} to "
        f"{_day(found.latest)})."
    )


def _months(value: Decimal | None) -> str:
    return "never" if value is None else months_words(value)


def _percent(share: float) -> str:
    """Nothing is rounded to none or to all of it."""
    if 0 < share < 0.01:
        return "under 1%"
    return "over 99%" if 0.99 < share < 1 else f"{share:.0%}"


def _day(day: date | None) -> str:
    return "never" if day is None else f"{day:%-d %B %Y}"
