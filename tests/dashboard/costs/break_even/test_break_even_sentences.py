"""The sentences say what the figures say, "never" included."""

from decimal import Decimal

from dashboard.costs.break_even.answers import (
    by_developers,
    by_months,
    by_tokens_per_day,
    by_utilisation,
)
from dashboard.costs.break_even.sentences import (
    answer_sentence,
    projection_sentence,
    simulation_sentence,
)
from dashboard.costs.break_even.uncertainty import Simulation, Spread
from tests.dashboard.costs.break_even.cases import API, case
from tests.dashboard.costs.break_even.test_trend import projected


def test_each_answer_has_its_sentence() -> None:
    one = case(developers=5, **API)
    assert [
        answer_sentence(f(one)) for f in (by_developers, by_tokens_per_day, by_utilisation)
    ] == [
        "It takes 4 developers for the hardware to pay for itself within its life.",
        "From 27,237,654 tokens a day on, owning costs no more than the API.",
        "A token costs what the API asks for it at 15.8% of full use, in all hours.",
    ]
    assert answer_sentence(by_months(case(developers=5))) == (
        "The hardware has paid for itself after 27.5 months."
    )
    assert answer_sentence(by_months(case(seat_price_per_month=50))) == (
        "The hardware never pays for itself: running it costs $90.00 a month, and the seats only "
        "$50.00."
    )


def test_the_interval_names_never() -> None:
    months = Spread(low=Decimal("19.6484"), median=Decimal("54.98"), high=None)
    found = Simulation(
        against="seats",
        draws=10_000,
        seed=0,
        months=months,
        cost_per_developer=None,
        probability_never=0.1836,
        probability_within_life=0.3298,
    )
    assert simulation_sentence(found) == (
        "Half of 10,000 draws break even within 55.0 months, and 90% from 19.6 months to never; "
        "18% never do, and 33% do within the hardware's life."
    )


def test_each_projection_has_its_sentence() -> None:
    assert projection_sentence(projected([10.0] * 60)) == (
        "At the rate of the last 30 days the hardware has paid for itself on 10 April 2026 (90% "
        "interval: 10 April 2026 to 10 April 2026)."
    )
    assert projection_sentence(projected([10.0] * 60, price=300)) == (
        "The hardware has paid for itself on 30 January 2026."
    )
    assert projection_sentence(projected([-1.0] * 40)) == (
        "At the rate of the last 30 days the hardware never pays for itself: running it costs "
        "$3.00 a day, and the seats only $2.00."
    )
    assert projection_sentence(projected([1.0])) == (
        "It is too early to tell: the hardware has run for 1.0 days, and it takes 14."
    )
