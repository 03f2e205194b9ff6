"""NVIDIA's own Python module against a small library that speaks NVML's C interface."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.energy.driver_script import meter_script

SCRIPT = meter_script("engine.energy.nvml", "NvmlMeter")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("nvml")
    source = Path(__file__).with_name("nvml_device.c")
    target = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", target, source], check=True)
    return folder


def metered(library: Path, tmp_path: Path, first: list[str], then: list[Any]) -> list[Any]:
    """What the meter told of boards in state `first`, then at each (time, states of boards)."""
    for number, line in enumerate(first):
        (tmp_path / str(number)).write_text(line)
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(library),
        "NVML_BENCH": str(tmp_path),
        "NVML_BENCH_BOARDS": str(len(first)),
    }
    script = [sys.executable, "-c", SCRIPT, str(tmp_path), json.dumps(then)]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=True)
    told: list[Any] = json.loads(done.stdout)
    return told


def test_the_energy_counter_is_read_where_a_board_has_one(library: Path, tmp_path: Path) -> None:
    told = metered(library, tmp_path, ["5000000 300000"], [(1.0, ["5300500 300000"])])
    assert told == ["NVML: gpu-0 (energy counter)", {"gpu-0": [300.5, 0]}]


def test_power_is_integrated_where_it_has_none(library: Path, tmp_path: Path) -> None:
    told = metered(library, tmp_path, ["- 100000"], [(0.5, ["- 200000"]), (1.0, ["- 200000"])])
    # Half a second at 150 W on average, then half a second at 200 W.
    assert told[1:] == [{"gpu-0": [75.0, 0]}, {"gpu-0": [175.0, 0]}]


def test_power_that_was_not_read_for_long_is_not_made_up(library: Path, tmp_path: Path) -> None:
    told = metered(library, tmp_path, ["- 100000"], [(60.0, ["- 100000"]), (60.1, ["- 100000"])])
    assert told[1] == {"gpu-0": [0.0, 1]}
    assert told[2]["gpu-0"] == [pytest.approx(10.0), 1]


def test_power_that_no_board_draws_is_not_booked(library: Path, tmp_path: Path) -> None:
    # 0xFFFFFFFF milliwatts, twice, between readings of 100 W.
    told = metered(
        library,
        tmp_path,
        ["- 100000"],
        [(t / 2, [f"- {mw}"]) for t, mw in enumerate((100000, 2**32 - 1, 2**32 - 1, 100000), 1)]
        + [(2.5, ["- 100000"])],
    )
    counts = [one["gpu-0"] for one in told[1:]]
    assert [joules for joules, _ in counts] == [50.0, 50.0, 50.0, 50.0, 100.0]
    epochs = [epoch for _, epoch in counts]
    assert len(set(epochs[:4])) == 4
    assert epochs[4] == epochs[3]


def test_a_counter_that_the_driver_started_anew_is_not_negative(
    library: Path, tmp_path: Path
) -> None:
    told = metered(library, tmp_path, ["9000000 1"], [(0.1, ["1000 1"]), (0.2, ["3000 1"])])
    assert told[1:] == [{"gpu-0": [0.0, 1]}, {"gpu-0": [2.0, 1]}]


def test_a_counter_that_leaps_further_than_any_board_can_draw_was_started_anew(
    library: Path, tmp_path: Path
) -> None:
    # 50 kJ within a second.
    told = metered(library, tmp_path, ["0 1"], [(1.0, ["50000000 1"]), (2.0, ["50700000 1"])])
    assert told[1:] == [{"gpu-0": [0.0, 1]}, {"gpu-0": [700.0, 1]}]


def test_a_board_that_falls_off_the_bus_does_not_stop_the_other(
    library: Path, tmp_path: Path
) -> None:
    told = metered(
        library, tmp_path, ["0 1", "0 1"], [(0.1, ["7000 1", "lost"]), (0.2, ["lost", "lost"])]
    )
    assert told[1] == {"gpu-0": [7.0, 0]}
    assert told[2] == "No NVIDIA board answers any more."


def test_a_board_that_comes_back_has_counted_on(library: Path, tmp_path: Path) -> None:
    # Its counter went on; its power was not seen for 3 s.
    told = metered(
        library,
        tmp_path,
        ["0 1", "- 100000"],
        [(1.0, ["lost", "lost"]), (3.0, ["600000 1", "- 100000"]), (4.0, ["800000 1", "- 100000"])],
    )
    assert told[1] == "No NVIDIA board answers any more."
    assert told[2] == {"gpu-0": [600.0, 0], "gpu-1": [0.0, 1]}
    assert told[3] == {"gpu-0": [800.0, 0], "gpu-1": [100.0, 1]}


def test_a_divided_board_is_one_device_and_says_that_all_its_parts_are_counted(
    library: Path, tmp_path: Path
) -> None:
    boards = ["0 1 1", "0 1 0", "0 1"]
    told = metered(library, tmp_path, boards, [(1.0, ["9000 1 1", "1000 1 0", "2000 1"])])
    before, _, after = told[0].partition("; ")
    assert before.count("energy counter") == 3
    assert after.startswith("gpu-0: divided into MIG instances")
    assert "others draw is counted too" in after
    assert told[1] == {"gpu-0": [9.0, 0], "gpu-1": [1.0, 0], "gpu-2": [2.0, 0]}


def test_boards_that_tell_neither_are_no_meter(library: Path, tmp_path: Path) -> None:
    (told,) = metered(library, tmp_path, ["- - 1"], [])
    assert told.startswith("There is no NVIDIA board here that tells energy or power.")
    assert "MIG" in told
