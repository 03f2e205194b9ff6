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
        "From 27,237,655 tokens a day on, owning costs no more than the API.",
        "A token costs what the API asks for it at 15.8% of full use, in all hours.",
    ]
    assert answer_sentence(by_months(case(developers=5))) == (
        "The hardware has paid for itself after 27.5 months."
    )
    assert answer_sentence(by_months(case(seat_price_per_month=50))) == (
        "The hardware never pays for itself: running it costs $90.00 a month, and the seats only "
        "$50.00."
    )


def simulated(high: Decimal | None, never: float, within_life: float) -> Simulation:
    return Simulation(
        against="seats",
        draws=10_000,
        seed=0,
        months=Spread(low=Decimal("19.6484"), median=Decimal("54.98"), high=high),
        cost_per_developer=None,
        probability_never=never,
        probability_within_life=within_life,
    )


def test_the_interval_names_never_and_the_case_itself() -> None:
    assert simulation_sentence(simulated(None, 0.1836, 0.3298), Decimal("48.06")) == (
        "Half of 10,000 draws break even within 55.0 months (48.1 months with every input as "
        "given), and 90% from 19.6 months to never; 18% never do, and 33% do within the hardware's "
        "life."
    )


def test_what_lies_beyond_all_plans_is_not_told_to_a_tenth_of_a_month() -> None:
    said = simulation_sentence(simulated(Decimal("269895.8"), 0.0, 0.5), None)
    assert "and 90% from 19.6 months to more than 100 years; 0% never do" in said
    assert "(never with every input as given)" in said


def test_a_rare_outcome_is_not_rounded_to_none_nor_a_likely_one_to_all() -> None:
    said = simulation_sentence(simulated(None, 0.004, 0.996), None)
    assert "under 1% never do, and over 99% do within" in said


def test_tokens_to_break_even_are_rounded_up() -> None:
    # 694.444… + 90 of fixed costs a month over 0.98 − 0.02 a million tokens: 817.1296… million a
    # month, 27,237,654.3 a day.
    assert by_tokens_per_day(case(**API)).value == 27_237_655


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
