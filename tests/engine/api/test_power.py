"""What each device draws now, from the windows that come."""

import pytest

from engine.api.power import GONE_AFTER_S, PowerNow
from engine.energy.window import DeviceEnergy, EnergyWindow


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def window(seconds: float, energy_j: float | None, machine: str = "here") -> EnergyWindow:
    device = DeviceEnergy("nvml", "gpu-0", "accelerator", "measured", 0.05, energy_j, idle_w=60.0)
    return EnergyWindow(
        0, 0, seconds, energy_j, energy_j, {}, "measured", "nvml", machine, devices=(device,)
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def power(clock: Clock) -> PowerNow:
    return PowerNow(clock)


def test_power_is_joules_by_seconds(power: PowerNow) -> None:
    power.note(window(2.0, 500.0))
    (device,) = power.now()
    assert (device.machine, device.meter, device.device) == ("here", "nvml", "gpu-0")
    assert (device.watts, device.idle_w, device.silent_s) == (250.0, 60.0, 0.0)


def test_short_windows_are_taken_together(power: PowerNow) -> None:
    power.note(window(1.0, 100.0))
    for joules in (0.0, 90.0, 0.0, 90.0):
        power.note(window(0.25, joules))
    (device,) = power.now()
    assert device.watts == 180.0


def test_a_silent_meter_has_no_power_and_says_since_when(power: PowerNow, clock: Clock) -> None:
    power.note(window(1.0, 100.0))
    clock.now += 7
    power.note(window(1.0, None))
    (device,) = power.now()
    assert (device.watts, device.silent_s) == (None, 7.0)


def test_a_meter_that_never_gave_a_reading_is_listed(power: PowerNow) -> None:
    power.note(window(1.0, None))
    (device,) = power.now()
    assert (device.watts, device.silent_s) == (None, None)


def test_a_machine_of_which_nothing_is_told_any_more_is_left_out(
    power: PowerNow, clock: Clock
) -> None:
    power.note(window(1.0, 100.0))
    clock.now += GONE_AFTER_S / 2
    power.note(window(1.0, 100.0, machine="gpu-1"))
    clock.now += GONE_AFTER_S / 2 + 1
    assert [device.machine for device in power.now()] == ["gpu-1"]
