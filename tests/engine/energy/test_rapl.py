"""RAPL on a tree of files that behaves as the kernel's."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.energy.meters import MeterError
from engine.energy.rapl import RaplMeter, RaplPsysMeter

RANGE_UJ = 262_143_328_850  # a common server's


class Tree:
    """/sys/class/powercap, and the clock beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = 0.0

    def add(self, folder: str, name: str, energy_uj: int, range_uj: int | None = RANGE_UJ) -> None:
        zone = self.root / folder
        zone.mkdir()
        (zone / "name").write_text(f"{name}\n")
        (zone / "energy_uj").write_text(f"{energy_uj}\n")
        if range_uj is not None:
            (zone / "max_energy_range_uj").write_text(f"{range_uj}\n")

    def set(self, folder: str, energy_uj: int) -> None:
        (self.root / folder / "energy_uj").write_text(f"{energy_uj}\n")

    def meter(self) -> RaplMeter:
        return RaplMeter(self.root, clock=lambda: self.now)

    def psys(self) -> RaplPsysMeter:
        return RaplPsysMeter(self.root, clock=lambda: self.now)


@pytest.fixture
def tree() -> Iterator[Tree]:
    # Not tmp_path: a test looks at it with another user's eyes, and tmp_path is closed to others.
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        yield Tree(Path(root))


def joules(meter: RaplMeter) -> dict[str, float]:
    return {device: count.joules for device, count in meter.read().items()}


def test_packages_and_memory_are_added_and_what_they_contain_is_not(tree: Tree) -> None:
    (tree.root / "intel-rapl").mkdir()
    for socket in range(2):
        tree.add(f"intel-rapl:{socket}", f"package-{socket}", 0)
        tree.add(f"intel-rapl:{socket}:0", "core", 0)
        tree.add(f"intel-rapl:{socket}:1", "uncore", 0)
        tree.add(f"intel-rapl:{socket}:2", "dram", 0)
    tree.add("intel-rapl:2", "psys", 0)
    meter = tree.meter()
    tree.now = 1.0
    for number, folder in enumerate(sorted(tree.root.glob("intel-rapl:*"))):
        tree.set(folder.name, (number + 1) * 1_000_000)
    # In order of name: 0 is zone 1, 0:0 2, 0:1 3, 0:2 4, 1 is 5, 1:0 6, 1:1 7, 1:2 8, psys 9.
    assert joules(meter) == {
        "package-0": 1.0,
        "package-0-dram": 4.0,
        "package-1": 5.0,
        "package-1-dram": 8.0,
    }


def test_the_memory_mapped_twin_of_a_package_is_dropped(tree: Tree) -> None:
    tree.add("intel-rapl-mmio:0", "package-0", 0)
    tree.add("intel-rapl:0", "package-0", 0)
    meter = tree.meter()
    tree.now = 1.0
    tree.set("intel-rapl:0", 3_000_000)
    tree.set("intel-rapl-mmio:0", 3_100_000)
    assert joules(meter) == {"package-0": 3.0}


def test_a_twin_that_is_alone_counts(tree: Tree) -> None:
    tree.add("intel-rapl-mmio:0", "package-0", 0)
    assert joules(tree.meter()) == {"package-0": 0.0}


def test_a_counter_that_starts_again_from_zero_goes_on_counting(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", RANGE_UJ - 5_000_000)
    meter = tree.meter()
    tree.now = 0.1
    tree.set("intel-rapl:0", 7_000_000)
    count = meter.read()["package-0"]
    assert count.joules == pytest.approx(12.0)
    assert count.epoch == 0


def test_a_counter_that_was_reset_starts_a_new_epoch_and_counts_nothing(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", 150_000_000_000)
    meter = tree.meter()
    tree.now = 0.1
    tree.set("intel-rapl:0", 0)  # read as a full round this would be 112 kJ in 0.1 s
    count = meter.read()["package-0"]
    assert (count.joules, count.epoch) == (0.0, 1)
    tree.now = 0.2
    tree.set("intel-rapl:0", 2_000_000)
    count = meter.read()["package-0"]
    assert (count.joules, count.epoch) == (2.0, 1)


def test_a_counter_that_fell_with_its_range_unknown_is_a_gap_and_not_negative(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", 9_000_000, range_uj=None)
    meter = tree.meter()
    tree.now = 0.1
    tree.set("intel-rapl:0", 1_000_000)
    count = meter.read()["package-0"]
    assert (count.joules, count.epoch) == (0.0, 1)


def test_a_silence_in_which_the_counter_may_have_come_round_twice_is_a_gap(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", 1_000_000)
    meter = tree.meter()
    tree.now = 3600.0
    tree.set("intel-rapl:0", 2_000_000)
    assert meter.read()["package-0"].epoch == 1


def test_a_socket_that_vanishes_does_not_stop_the_other(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", 0)
    tree.add("intel-rapl:1", "package-1", 0)
    meter = tree.meter()
    (tree.root / "intel-rapl:1" / "energy_uj").unlink()
    assert set(meter.read()) == {"package-0"}
    (tree.root / "intel-rapl:0" / "energy_uj").unlink()
    with pytest.raises(MeterError, match="do not answer"):
        meter.read()


def test_a_socket_that_comes_back_has_counted_on(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", 0)
    tree.add("intel-rapl:1", "package-1", 0)
    meter = tree.meter()
    (tree.root / "intel-rapl:1").rename(tree.root / "away")
    tree.now = 1.0
    assert set(meter.read()) == {"package-0"}
    (tree.root / "away").rename(tree.root / "intel-rapl:1")
    tree.now = 2.0
    tree.set("intel-rapl:1", 80_000_000)
    count = meter.read()["package-1"]
    assert (count.joules, count.epoch) == (80.0, 0)


def test_the_whole_machine_is_a_meter_of_its_own(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", 0)
    tree.add("intel-rapl:1", "psys", RANGE_UJ - 1_000_000)
    meter = tree.psys()
    tree.now = 0.1
    tree.set("intel-rapl:1", 4_000_000)
    assert meter.kind == "machine"
    assert meter.read()["psys"].joules == pytest.approx(5.0)


def test_a_whole_that_never_counted_is_no_meter(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", 7)
    with pytest.raises(MeterError, match="no RAPL counter of the whole"):
        tree.psys()
    tree.add("intel-rapl:1", "psys", 0)
    with pytest.raises(MeterError, match="stands at 0"):
        tree.psys()


def test_the_command_opens_every_counter_in_the_kernels_layout(tree: Tree) -> None:
    # /sys/class/powercap holds a flat list of links, subzones among them.
    home = tree.root / "devices"
    home.mkdir()
    powercap = tree.root / "powercap"
    powercap.mkdir()
    for name in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1", "intel-rapl-mmio:0"):
        (home / name).mkdir()
        (home / name / "energy_uj").write_text("1\n")
        (home / name / "energy_uj").chmod(0o400)
        (powercap / name).symlink_to(home / name)
    command = f"chmod a+r {powercap}/intel-rapl*:*/energy_uj"
    subprocess.run(["sh", "-c", command], check=True)
    modes = {file.stat().st_mode & 0o777 for file in home.glob("*/energy_uj")}
    assert modes == {0o444}


def test_counters_for_root_only_name_the_command_that_opens_them(tree: Tree) -> None:
    tree.add("intel-rapl:0", "package-0", 0)
    (tree.root / "intel-rapl:0" / "energy_uj").chmod(0o400)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    else:
        (tree.root / "intel-rapl:0" / "energy_uj").chmod(0)
    try:
        with pytest.raises(MeterError, match=r"sudo chmod a\+r .*/intel-rapl\*:\*/energy_uj"):
            tree.meter()
    finally:
        if was == 0:
            os.seteuid(was)


def test_a_machine_without_counters_says_so(tree: Tree) -> None:
    with pytest.raises(MeterError, match="no RAPL counter"):
        tree.meter()
    with pytest.raises(MeterError, match="no RAPL counter"):
        RaplMeter(tree.root / "missing")
