"""A laptop's battery on a tree of files as the kernel's ABI document sysfs-class-power has them."""

from pathlib import Path

import pytest

from engine.energy.battery import BatteryMeter
from engine.energy.meters import Count, MeterError


class Laptop:
    """/sys/class/power_supply, and the clock beside it."""

    def __init__(self, root: Path) -> None:
        self.root, self.now = root, 0.0
        self.set("AC", type="Mains", online="0")

    def set(self, supply: str, **files: str) -> None:
        (self.root / supply).mkdir(exist_ok=True)
        for name, value in files.items():
            (self.root / supply / name).write_text(f"{value}\n")

    def meter(self) -> BatteryMeter:
        return BatteryMeter(self.root, clock=lambda: self.now)


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    return Laptop(tmp_path)


def run(laptop: Laptop, meter: BatteryMeter, seconds: int) -> Count:
    """Reads every second."""
    for _ in range(seconds):
        laptop.now += 1.0
        count = meter.read()["battery"]
    return Count(round(count.joules, 6), count.epoch)


def test_an_unplugged_machine_draws_what_its_battery_gives(laptop: Laptop) -> None:
    laptop.set("BAT0", type="Battery", status="Discharging", power_now="15000000")
    meter = laptop.meter()
    meter.read()
    assert meter.kind == "machine"
    assert run(laptop, meter, 60) == Count(900.0, epoch=0)


def test_power_is_current_times_voltage_whatever_the_currents_sign(laptop: Laptop) -> None:
    # The document: microamperes, negative while discharging; older drivers: positive.
    laptop.set("BAT0", type="Battery", status="Discharging", voltage_now="12000000")
    for current in ("-1500000", "1500000"):
        laptop.set("BAT0", current_now=current)
        meter = laptop.meter()
        meter.read()
        assert run(laptop, meter, 10).joules == pytest.approx(180.0)


def test_two_batteries_feed_it_together_and_one_that_rests_adds_nothing(laptop: Laptop) -> None:
    laptop.set("BAT0", type="Battery", status="Discharging", power_now="15000000")
    laptop.set("BAT1", type="Battery", status="Discharging", power_now="5000000")
    meter = laptop.meter()
    meter.read()
    assert run(laptop, meter, 10).joules == pytest.approx(200.0)
    laptop.set("BAT1", status="Not charging", power_now="0")
    laptop.now += 1.0
    settled = meter.read()["battery"].joules
    assert run(laptop, meter, 10).joules - settled == pytest.approx(150.0)


def test_on_mains_it_tells_nothing_and_then_starts_afresh(laptop: Laptop) -> None:
    laptop.set("BAT0", type="Battery", status="Discharging", power_now="15000000")
    meter = laptop.meter()
    meter.read()
    run(laptop, meter, 10)
    laptop.set("BAT0", status="Charging", power_now="40000000")
    laptop.set("AC", online="1")
    laptop.now += 1.0
    with pytest.raises(MeterError, match="runs on mains"):
        meter.read()
    laptop.set("BAT0", status="Discharging", power_now="15000000")
    laptop.set("AC", online="0")
    assert run(laptop, meter, 1) == Count(150.0, epoch=1)
    assert run(laptop, meter, 2) == Count(180.0, epoch=1)


@pytest.mark.parametrize(
    "charger", [{"type": "Mains", "online": "1"}, {"type": "USB", "online": "1"}]
)
def test_a_battery_that_only_helps_a_weak_charger_is_not_the_whole(
    laptop: Laptop, charger: dict[str, str]
) -> None:
    laptop.set("BAT0", type="Battery", status="Discharging", power_now="15000000")
    laptop.set("charger", **charger)
    meter = laptop.meter()
    with pytest.raises(MeterError, match="runs on mains"):
        meter.read()
    assert "not now: it runs on mains" in meter.detail()


def test_no_power_yet_after_it_was_unplugged_is_unknown_and_not_nothing(laptop: Laptop) -> None:
    laptop.set("BAT0", type="Battery", status="Discharging", power_now="0")
    with pytest.raises(MeterError):
        laptop.meter().read()


def test_a_mouses_battery_is_not_the_machines(laptop: Laptop) -> None:
    laptop.set("hidpp_battery_0", type="Battery", scope="Device", status="Discharging", online="1")
    with pytest.raises(MeterError, match="no battery"):
        laptop.meter()
    laptop.set("BAT0", type="Battery", status="Discharging", power_now="15000000")
    assert set(laptop.meter().read()) == {"battery"}
