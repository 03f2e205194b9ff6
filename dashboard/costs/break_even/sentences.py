"""Break-even's answers, intervals and projections as sentences that a manager reads."""

from datetime import date
from decimal import Decimal

from dashboard.costs.break_even.case import Answer, Quantity
from dashboard.costs.break_even.trend import Projection
from dashboard.costs.break_even.uncertainty import Simulation

_FOUND: dict[Quantity, str] = {
    "months": "The hardware has paid for itself after {:,.1f} months.",
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
    return _FOUND[answer.quantity].format(answer.value)


def simulation_sentence(found: Simulation) -> str:
    """`Half of 10,000 draws break even within 55.0 months, and 90% from 19.6 months to never; 18%
    never do, and 33% do within the hardware's life.`"""
    spread = found.months
    half = (
        f"Half of {found.draws:,} draws never break even"
        if spread.median is None
        else f"Half of {found.draws:,} draws break even within {_months(spread.median)}"
    )
    return (
        f"{half}, and 90% from {_months(spread.low)} to {_months(spread.high)}; "
        f"{found.probability_never:.0%} never do, and {found.probability_within_life:.0%} do "
        "within the hardware's life."
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
    return "never" if value is None else f"{value:,.1f} months"


def _day(day: date | None) -> str:
    return "never" if day is None else f"{day:%-d %B %Y}"
