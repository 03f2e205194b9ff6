"""A meter of the whole machine beside those of its parts."""

import pytest

from engine.energy.meters import Accuracy
from tests.engine.energy.machine import TOKEN, Machine

PARTS_W, WALL_W = 100.0, 130.0


def test_what_the_wall_reads_beyond_measured_parts_is_overhead() -> None:
    part, wall = Machine(), Machine(kind="machine", source="plug", accuracy=Accuracy(0.01, "plug"))
    attributor = part.attributor(wall)
    for machine, watts in ((part, PARTS_W), (wall, WALL_W)):
        machine.run(2.0, watts)
    window = attributor.close_window()
    assert window.total_j == pytest.approx(2 * WALL_W)
    assert window.overhead_j == pytest.approx(2 * (WALL_W - PARTS_W))
    assert window.idle_j == pytest.approx(2 * PARTS_W)
    assert window.uncertainty_j == pytest.approx(0.01 * 2 * WALL_W)
    assert (window.basis, window.source) == ("measured", "bench+plug")


def test_both_are_told_side_by_side() -> None:
    part, wall = Machine(), Machine(kind="machine", source="plug")
    attributor = part.attributor(wall)
    for machine, watts in ((part, PARTS_W), (wall, WALL_W)):
        machine.run(2.0, watts)
    part_told, wall_told = attributor.close_window().devices
    assert (part_told.kind, wall_told.kind) == ("accelerator", "machine")
    assert part_told.energy_j == pytest.approx(200)
    assert wall_told.energy_j == pytest.approx(260)


def test_a_wall_meter_that_lags_makes_up_for_it() -> None:
    part, wall = Machine(), Machine(kind="machine", source="plug")
    attributor = part.attributor(wall)
    totals = []
    for part_w, wall_w in ((300.0, 130.0), (100.0, 330.0), (100.0, 130.0)):
        part.run(1.0, part_w)
        wall.run(1.0, wall_w)
        window = attributor.close_window()
        assert window.total_j is not None
        assert window.overhead_j >= 0
        totals.append(window.total_j)
    # Never less than the parts, and in the end all that the wall read: 130 + 330 + 130.
    assert totals == [pytest.approx(300), pytest.approx(160), pytest.approx(130)]


def test_a_wall_meter_takes_the_place_of_an_estimate() -> None:
    guess = Machine(kind="processor", basis="estimated", source="guess", floor_w=20.0)
    wall = Machine(kind="machine", source="plug", accuracy=Accuracy(0.01, "plug"))
    attributor = guess.attributor(wall)
    guess.run(1.0, 20)
    wall.run(1.0, 60)
    attributor.close_window()  # idling
    started = guess.now
    guess.run(1.0, 90, own=1.0, others=1.0)
    wall.run(1.0, 160)
    attributor.step(started, guess.now, {1: TOKEN})
    window = attributor.close_window()
    # 160 W at the wall, 60 W of it idling; half of the busy processor time was ours.
    assert window.total_j == pytest.approx(160)
    assert window.shares[1] == pytest.approx(50)
    assert window.other_j == pytest.approx(50)
    assert (window.basis, window.source) == ("measured", "plug")


def test_a_wall_meter_that_falls_silent_leaves_a_lower_bound() -> None:
    part, wall = Machine(), Machine(kind="machine", source="plug")
    attributor = part.attributor(wall)
    part.run(1.0, PARTS_W)
    wall.run(1.0, WALL_W)
    attributor.close_window()
    wall.fails = True
    part.run(1.0, PARTS_W)
    window = attributor.close_window()
    assert window.total_j == pytest.approx(PARTS_W)
    assert window.basis == "partial"


def test_an_unplugged_battery_that_is_plugged_in_again_is_no_loss() -> None:
    part, battery = Machine(), Machine(kind="machine", source="battery")
    attributor = part.attributor(battery)
    part.run(1.0, PARTS_W)
    battery.run(1.0, WALL_W)
    attributor.close_window()
    battery.fails = True
    part.run(1.0, PARTS_W)
    assert attributor.close_window().basis == "measured"


def test_a_whole_that_does_not_contain_its_parts_is_not_made_up_for_later() -> None:
    part, wall = Machine(), Machine(kind="machine", source="plug")
    attributor = part.attributor(wall)
    for _ in range(60):  # one of two power supplies is metered
        part.run(60.0, 200.0)
        wall.run(60.0, 100.0)
        assert attributor.close_window().total_j == pytest.approx(60 * 200)
    part.run(60.0, 200.0)
    wall.run(60.0, 500.0)
    attributor.close_window()
    part.run(60.0, 200.0)
    wall.run(60.0, 500.0)
    assert attributor.close_window().overhead_j == pytest.approx(60 * 300)


def test_a_count_that_is_no_number_is_unknown_and_ends_with_it() -> None:
    part = Machine()
    attributor = part.attributor()
    part.run(1.0, PARTS_W)
    part.drawn_j, before = float("inf"), part.drawn_j
    assert attributor.close_window().total_j is None
    part.drawn_j = before
    part.run(1.0, PARTS_W)
    attributor.close_window()
    part.run(1.0, PARTS_W)
    assert attributor.close_window().total_j == pytest.approx(PARTS_W)


def test_before_the_wall_meter_was_ever_read_the_parts_are_all_that_is_known() -> None:
    part, wall = Machine(), Machine(kind="machine", source="plug")
    attributor = part.attributor(wall)
    wall.fails = True
    part.run(1.0, PARTS_W)
    window = attributor.close_window()
    assert window.total_j == pytest.approx(PARTS_W)
    assert (window.basis, window.source) == ("measured", "bench")
    assert [one.energy_j for one in window.devices if one.meter == "plug"] == [None]


def test_a_measured_part_that_dies_beside_the_wall_leaves_shares_a_lower_bound() -> None:
    part, other = Machine(), Machine(source="second")
    wall = Machine(kind="machine", source="plug")
    attributor = part.attributor(other, wall)
    other.fails = True
    part.run(1.0, PARTS_W)
    wall.run(1.0, WALL_W)
    window = attributor.close_window()
    assert window.total_j == pytest.approx(WALL_W)
    assert window.basis == "partial"
