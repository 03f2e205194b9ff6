"""AMD's boards on a tree of files as docs.kernel.org, gpu/amdgpu/thermal, describes it."""

from pathlib import Path

import pytest

from engine.energy.amdgpu import AmdgpuMeter
from engine.energy.meters import MeterError


class Tree:
    """/sys/class/drm, and the clock beside it."""

    def __init__(self, root: Path) -> None:
        self.root, self.now = root, 0.0

    def add(self, card: int, driver: str = "amdgpu", **files: int) -> Path:
        """A card and a connector of it, whose `device` is the card."""
        folder = self.root / f"card{card}" / "device" / "hwmon" / f"hwmon{card + 3}"
        folder.mkdir(parents=True)
        (self.root / f"card{card}-DP-1").mkdir()
        (self.root / f"card{card}-DP-1" / "device").symlink_to(self.root / f"card{card}" / "device")
        (folder / "name").write_text(f"{driver}\n")
        for name, value in files.items():
            (folder / name).write_text(f"{value}\n")
        return folder

    def meter(self) -> AmdgpuMeter:
        return AmdgpuMeter(self.root, clock=lambda: self.now)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def joules(meter: AmdgpuMeter) -> dict[str, float]:
    return {device: count.joules for device, count in meter.read().items()}


def test_microjoules_are_counted_where_a_board_has_them(tree: Tree) -> None:
    board = tree.add(0, energy1_input=5_000_000, power1_average=1)
    meter = tree.meter()
    tree.now = 1.0
    (board / "energy1_input").write_text("305500000\n")
    assert joules(meter) == {"gpu-0": 300.5}
    assert meter.detail() == "AMD's driver: gpu-0 (energy counter)"


def test_microwatts_are_integrated_where_it_has_not(tree: Tree) -> None:
    average = tree.add(0, power1_average=100_000_000, power1_input=1)
    tree.add(1, power1_input=40_000_000)
    meter = tree.meter()
    tree.now = 0.5
    (average / "power1_average").write_text("200000000\n")
    assert joules(meter) == {"gpu-0": 75.0, "gpu-1": 20.0}


def test_boards_are_numbered_in_the_order_of_their_cards(tree: Tree) -> None:
    tree.add(10, power1_average=10_000_000)
    tree.add(2, power1_average=2_000_000)
    meter = tree.meter()
    tree.now = 1.0
    assert joules(meter) == {"gpu-0": 2.0, "gpu-1": 10.0}


def test_graphics_inside_the_processor_and_other_makers_boards_are_left_out(tree: Tree) -> None:
    # The driver's documentation: an APU's power includes the processor's; in1 is on APUs only.
    tree.add(0, power1_average=50_000_000, in1_input=900)
    tree.add(1, driver="i915", energy1_input=50_000_000)
    with pytest.raises(MeterError, match="no AMD board"):
        tree.meter()


def test_a_board_that_does_not_answer_is_left_out_until_it_is_back(tree: Tree) -> None:
    board = tree.add(0, energy1_input=1_000_000)
    tree.add(1, power1_average=10_000_000)
    meter = tree.meter()
    (board / "energy1_input").unlink()
    tree.now = 1.0
    assert joules(meter) == {"gpu-1": 10.0}
    (board / "energy1_input").write_text("21000000\n")
    tree.now = 2.0
    assert joules(meter) == {"gpu-0": 20.0, "gpu-1": 20.0}


def test_a_counter_that_was_reset_starts_a_new_epoch(tree: Tree) -> None:
    board = tree.add(0, energy1_input=9_000_000_000)
    meter = tree.meter()
    tree.now = 1.0
    (board / "energy1_input").write_text("0\n")
    count = meter.read()["gpu-0"]
    assert (count.joules, count.epoch) == (0.0, 1)


def test_a_machine_without_boards_says_so(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match="no AMD board"):
        AmdgpuMeter(tmp_path / "missing")
