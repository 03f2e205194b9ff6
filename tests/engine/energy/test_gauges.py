"""Figures that no device draws, as drivers tell at an error."""

import math

import pytest

from engine.energy.gauges import EnergyGauge, PowerGauge
from engine.energy.meters import Count

GARBAGE = [4_294_967.295, 1e308, math.inf, math.nan, -1.0]


@pytest.mark.parametrize("watts", GARBAGE)
def test_power_that_nothing_draws_is_left_out(watts: float) -> None:
    gauge = PowerGauge(100.0, 0.0)
    assert gauge.add(100.0, 1.0) == Count(100.0, 0)
    told = [gauge.add(power, at) for power, at in ((watts, 1.5), (100.0, 2.0), (100.0, 3.0))]
    assert [count.joules for count in told] == [100.0, 100.0, 200.0]
    assert told[0].epoch > 0  # no window that begins or ends at it is known
    assert told[1].epoch == told[2].epoch > told[0].epoch


def test_power_that_nothing_draws_at_the_opening_is_left_out() -> None:
    gauge = PowerGauge(math.nan, 0.0)
    assert gauge.add(100.0, 1.0) == Count(0.0, 1)
    assert gauge.add(100.0, 2.0) == Count(100.0, 1)


@pytest.mark.parametrize("joules", [1e308, math.inf, math.nan, -1.0])
def test_a_counter_that_is_no_number_is_left_out(joules: float) -> None:
    gauge = EnergyGauge(1000.0, 0.0)
    assert gauge.add(1100.0, 1.0) == Count(100.0, 0)
    told = [gauge.add(one, at) for one, at in ((joules, 2.0), (1300.0, 3.0), (1400.0, 4.0))]
    assert [count.joules for count in told] == [100.0, 100.0, 200.0]
    assert told[0].epoch > 0
    assert told[1].epoch == told[2].epoch > told[0].epoch
