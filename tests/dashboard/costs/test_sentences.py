"""The sentences that a manager reads say what the figures say."""

from datetime import timedelta
from decimal import Decimal

from dashboard.costs.breakeven import break_even, smallest_team
from dashboard.costs.comparison import compare
from dashboard.costs.models import Energy
from dashboard.costs.sentences import break_even_sentence, headline, smallest_team_sentence
from tests.dashboard.costs.figures import JANUARY, KWH, prices, segment, team, used

NINETY = Decimal(90)


def test_the_headline_says_both_sides_and_the_difference() -> None:
    usage = (used(1, KWH, 10),)
    assert headline(compare([segment(usage=usage)], team("ada", "bob", "cy"))) == (
        "So far this month self-hosting cost $266.95 per developer (fully loaded); "
        "the seats would have cost $200.00: $66.95 more."
    )


def test_the_headline_says_when_self_hosting_cost_less() -> None:
    people = team(*(f"developer {number}" for number in range(10)))
    assert headline(compare([segment()], people), "In January") == (
        "In January self-hosting cost $80.09 per developer (fully loaded); "
        "the seats would have cost $200.00: $119.91 less."
    )


def test_without_seats_the_headline_has_no_average() -> None:
    assert headline(compare([segment()], [])) == (
        "So far this month self-hosting cost $800.86 (fully loaded); no developer held a seat."
    )


def test_break_even_is_told_in_months() -> None:
    assert break_even_sentence(break_even(prices(), 5, NINETY)) == (
        "With 5 developers the hardware has paid for itself after 27.5 months."
    )


def test_break_even_after_the_hardwares_life_is_told_as_such() -> None:
    assert break_even_sentence(break_even(prices(), 1, NINETY)) == (
        "With 1 developer the hardware has paid for itself after 227.3 months, which is longer "
        "than its life of 36 months."
    )


def test_never_is_an_answer() -> None:
    cheap = prices(seat_price_per_month=Decimal(20))
    assert break_even_sentence(break_even(cheap, 3, NINETY)) == (
        "With 3 developers the hardware never pays for itself: running it costs $90.00 a month, "
        "and 3 seats only $60.00."
    )


def test_the_smallest_team_is_told() -> None:
    assert smallest_team_sentence(smallest_team(prices(), NINETY)) == (
        "It takes 4 developers for the hardware to pay for itself within its life."
    )
    assert "No number of developers" in smallest_team_sentence(None)


def test_assumptions_name_what_is_estimated_and_what_was_not_metered() -> None:
    energy = Energy(total_j=KWH, covered_s=3600.0 * 700, estimated=True)
    one = compare([segment(energy=energy, electricity_basis="metered")], team("ada"))
    text = " ".join(one.assumptions)
    assert "44.0 hours without a reading count at the rated 0.7 kW" in text
    assert "estimated, not measured" in text


def test_assumptions_name_the_hardware_and_its_life() -> None:
    start, end = JANUARY
    one = compare([segment((start, end - timedelta(days=1)))], team("ada"))
    assert one.assumptions[0] == (
        "One H100 GPU: $25,000, straight line over 36 months from 1 January 2026 to a residual "
        "value of $0.00."
    )


def test_assumptions_say_whether_energy_is_measured_or_unknown() -> None:
    measured = compare([segment(energy=Energy(total_j=KWH, covered_s=3600.0))], team("ada"))
    assert any(sentence.endswith("Energy is measured.") for sentence in measured.assumptions)
    unknown = compare([segment()], team("ada"))
    assert any("no meter has read anything" in sentence for sentence in unknown.assumptions)
