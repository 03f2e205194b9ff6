"""What tokens take, where meters tell it late."""

from engine.api.energy_rates import EnergyRates


def test_what_is_told_after_a_requests_end_counts() -> None:
    rates = EnergyRates()
    rates.note(1, "m", 100, None)
    assert rates.most_j("m", 10) is None  # unknown, not 0
    rates.add(1, 150.0)
    rates.add(1, 50.0)
    assert rates.most_j("m", 10) == 20.0


def test_a_request_whose_energy_stays_unknown_does_not_lower_the_mean() -> None:
    rates = EnergyRates()
    rates.note(1, "m", 100, 200.0)
    rates.note(2, "m", 10_000, None)
    rates.add(3, 5.0)  # of nobody known
    assert rates.most_j("m", 10) == 20.0
