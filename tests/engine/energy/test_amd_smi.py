"""AMD's own Python module against a small library that speaks AMD SMI's C interface.

The module is on PyPI as `amdsmi` and no requirement; most of these are skipped without it.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engine.energy.driver_script import meter_script

SCRIPT = meter_script("engine.energy.amd_smi", "AmdSmiMeter")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    module = importlib.util.find_spec("amdsmi")
    if compiler is None or module is None or module.origin is None:
        pytest.skip("needs a C compiler and the package amdsmi")
    folder = tmp_path_factory.mktemp("amd")
    source = Path(__file__).with_name("amd_smi_device.c")
    wrapper = Path(module.origin).with_name("amdsmi_wrapper.py").read_text()
    names = set(re.findall(r"_libraries\['libamd_smi\.so'\]\.(\w+)", wrapper))
    missing = names - set(re.findall(r"^int (\w+)\(", source.read_text(), re.MULTILINE))
    others = folder / "others.c"
    others.write_text("".join(f"int {name}(void) {{ return 2; }}\n" for name in sorted(missing)))
    target = folder / "libamd_smi.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", target, source, others], check=True)
    return folder


def metered(library: Path, tmp_path: Path, first: list[str], then: list[Any]) -> list[Any]:
    """What the meter told of boards in state `first`, then at each (time, states of boards)."""
    for number, line in enumerate(first):
        (tmp_path / str(number)).write_text(line)
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(library),
        "AMD_SMI_BENCH": str(tmp_path),
        "AMD_SMI_BENCH_BOARDS": str(len(first)),
    }
    script = [sys.executable, "-c", SCRIPT, str(tmp_path), json.dumps(then)]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=True)
    told: list[Any] = json.loads(done.stdout)
    return told


def test_the_accumulator_counts_in_its_resolution_of_microjoules(
    library: Path, tmp_path: Path
) -> None:
    # 10,000,000 units of 15.3 µJ are 153 J.
    told = metered(library, tmp_path, ["5000000"], [(1.0, ["15000000"])])
    assert told[0] == "AMD SMI: gpu-0 (energy counter)"
    assert told[1] == {"gpu-0": [pytest.approx(153.0, rel=1e-6), 0]}


def test_the_second_die_of_a_board_that_reads_nothing_is_left_out(
    library: Path, tmp_path: Path
) -> None:
    told = metered(library, tmp_path, ["5", "0", "5", "0"], [(1.0, ["5", "0", "5", "0"])])
    assert set(told[1]) == {"gpu-0", "gpu-2"}


def test_an_accumulator_that_was_reset_starts_a_new_epoch(library: Path, tmp_path: Path) -> None:
    told = metered(library, tmp_path, ["900000000"], [(1.0, ["10"]), (2.0, ["10000010"])])
    assert told[1] == {"gpu-0": [0.0, 1]}
    assert told[2] == {"gpu-0": [pytest.approx(153.0, rel=1e-6), 1]}


def test_a_board_that_is_lost_does_not_stop_the_other(library: Path, tmp_path: Path) -> None:
    told = metered(
        library, tmp_path, ["1", "1"], [(1.0, ["lost", "10000001"]), (2.0, ["lost", "lost"])]
    )
    assert told[1] == {"gpu-1": [pytest.approx(153.0, rel=1e-6), 0]}
    assert told[2] == "No AMD board answers any more."


def test_boards_that_count_nothing_are_no_meter(library: Path, tmp_path: Path) -> None:
    assert metered(library, tmp_path, ["0", "lost"], []) == [
        "There is no AMD board here that counts its energy."
    ]


def test_without_amds_driver_it_says_so_and_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    told = metered(tmp_path, tmp_path / "bench", [], [])
    assert told == ["There is no AMD driver (ROCm) here."]
