"""Which meters are taken on which machine, and what people are told."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.energy.meter_set import MeterSet, detect
from engine.energy.meters import Accuracy, Basis, Count, Kind

ITS_ACCURACY = Accuracy(0.01, "its data sheet")


@dataclass
class Remote:
    """A meter beyond this machine, as another part of the product makes them."""

    source: str
    kind: Kind
    basis: Basis = "measured"
    settle_s: float = 1.0
    floor_w: float | None = None
    accuracy: Accuracy = ITS_ACCURACY

    def read(self) -> dict[str, Count]:
        return {"device": Count(0.0)}

    def detail(self) -> str:
        return f"a {self.kind} elsewhere"


class Host:
    """/sys/class of a machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, file: str, text: str | int) -> Path:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
        return path

    def rapl(self, zone: str = "intel-rapl:0", name: str = "package-0") -> Path:
        self.put(f"powercap/{zone}/name", name)
        return self.put(f"powercap/{zone}/energy_uj", 1_000_000)

    def battery(self) -> None:
        self.put("power_supply/BAT0/type", "Battery")
        self.put("power_supply/BAT0/status", "Full")
        self.put("power_supply/AC/type", "Mains")
        self.put("power_supply/AC/online", 1)

    def board(self) -> None:
        self.put("drm/card0/device/hwmon/hwmon0/name", "amdgpu")
        self.put("drm/card0/device/hwmon/hwmon0/power1_average", 90_000_000)

    def detect(self, *remote: Remote) -> MeterSet:
        return detect(65.0, remote, sys_class=self.root)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def sources(meters: MeterSet) -> list[str]:
    return [meter.source for meter in meters.meters]


def test_every_meter_tried_has_something_to_say(host: Host) -> None:
    host.rapl()
    told = {sensor["name"]: sensor for sensor in host.detect().describe()}
    assert {"rapl", "nvml", "amd-smi", "amdgpu", "battery", "rapl-psys"} == set(told)
    assert all(sensor["message"] for sensor in told.values())
    for sensor in told.values():
        used = sensor["state"] == "used"
        assert (sensor["accuracy"] is not None) == used
        assert bool(sensor["accuracy_source"]) == used
    assert told["battery"]["kind"] == "machine"


def test_the_estimate_stands_in_for_the_processors_meter_only(host: Host) -> None:
    assert sources(host.detect()) == ["cpu-estimate"]
    assert host.detect().basis == "estimated"
    host.rapl()
    assert sources(host.detect()) == ["rapl"]
    assert host.detect().basis == "measured"


def test_a_remote_meter_of_the_processor_comes_before_the_estimate_and_after_rapl(
    host: Host,
) -> None:
    exporter = Remote("kepler", "processor")
    assert sources(host.detect(exporter)) == ["kepler"]
    host.rapl()
    meters = host.detect(exporter)
    assert sources(meters) == ["rapl"]
    told = {sensor.name: sensor for sensor in meters.sensors}
    assert told["kepler"].state == "unavailable"
    assert "counts the same" in told["kepler"].message


def test_remote_accelerators_count_where_this_machine_has_none(host: Host) -> None:
    exporter = Remote("dcgm", "accelerator")
    assert sources(host.detect(exporter)) == ["cpu-estimate", "dcgm"]
    host.board()
    assert sources(host.detect(exporter)) == ["cpu-estimate", "amdgpu"]


def test_wholes_stand_beside_the_parts_best_first_and_are_no_part_of_their_sum(host: Host) -> None:
    host.rapl()
    host.rapl("intel-rapl:1", "psys")
    host.battery()
    meters = host.detect(Remote("wall", "machine"))
    assert sources(meters) == ["rapl", "wall", "battery", "rapl-psys"]
    assert [meter.source for meter in meters.wholes] == ["wall", "battery", "rapl-psys"]
    assert meters.source == "rapl"
    assert meters.basis == "measured"


def test_psys_is_not_taken_beside_boards_that_it_may_leave_out(host: Host) -> None:
    host.rapl("intel-rapl:1", "psys")
    host.board()
    meters = host.detect()
    assert "rapl-psys" not in sources(meters)
    (psys,) = [sensor for sensor in meters.sensors if sensor.name == "rapl-psys"]
    assert "accelerators" in psys.message


@pytest.fixture
def unprivileged(host: Host) -> Iterator[Host]:
    """RAPL is there, readable by its owner only, who is somebody else."""
    for folder in (host.root, *host.root.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(0o755)
    host.rapl().chmod(0)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    yield host
    os.seteuid(was)


def test_without_privilege_one_command_is_named(unprivileged: Host) -> None:
    summary = unprivileged.detect().summary()
    assert "processor estimated" in summary
    command = f"sudo chmod a+r {unprivileged.root}/powercap/intel-rapl*:*/energy_uj"
    assert summary.endswith(command)


def test_in_a_virtual_machine_or_container_it_says_what_measures(host: Host) -> None:
    summary = host.detect().summary()
    assert summary.startswith("Energy: processor estimated from its load (±40%).")
    assert "BREAKEVEN_METERS" in summary
    assert "/sys/class/powercap" in summary


def test_with_a_wall_meter_nothing_more_is_asked_for(host: Host) -> None:
    summary = host.detect(Remote("wall", "machine")).summary()
    assert "the whole machine measured by wall (±1%)" in summary
    assert "BREAKEVEN_METERS" not in summary


def test_on_a_laptop_the_battery_counts_while_it_is_unplugged(host: Host) -> None:
    host.rapl()
    host.battery()
    assert host.detect().summary() == (
        "Energy: processor measured by RAPL (±10%); "
        "the whole machine measured by the battery while unplugged (±10%)."
    )


def test_on_a_server_with_boards_each_part_is_measured(host: Host) -> None:
    host.rapl()
    host.board()
    assert host.detect().summary() == (
        "Energy: processor measured by RAPL (±10%); "
        "graphics boards measured by AMD's driver (±10%)."
    )
