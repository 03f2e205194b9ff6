"""The estimate follows its stated formula and says what it rests on."""

import statistics
import time
from pathlib import Path

import psutil
import pytest

from engine.energy import tdp
from engine.energy.estimate import MEMORY_W_PER_GIB, EstimateMeter
from engine.energy.processor import ProcessorTime, processor_time

LOGICAL = psutil.cpu_count() or 1
MEMORY_W = psutil.virtual_memory().total / 2**30 * MEMORY_W_PER_GIB


class Bench:
    def __init__(self) -> None:
        self.now = 0.0
        self.busy_s = 500.0

    def meter(self, tdp_w: float) -> EstimateMeter:
        return EstimateMeter(tdp_w, lambda: self.now, lambda: ProcessorTime(0.0, self.busy_s))


def test_an_idle_processor_draws_a_tenth_of_its_design_power_and_its_memory() -> None:
    bench = Bench()
    meter = bench.meter(100.0)
    bench.now = 60.0
    assert meter.read()["processor"].joules == pytest.approx(60 * (10 + MEMORY_W))
    assert meter.floor_w == pytest.approx(10 + MEMORY_W)


def test_a_processor_busy_on_all_cores_draws_its_design_power() -> None:
    bench = Bench()
    meter = bench.meter(100.0)
    bench.now = 60.0
    bench.busy_s += 60.0 * LOGICAL
    assert meter.read()["processor"].joules == pytest.approx(60 * (100 + MEMORY_W))


def test_half_the_load_is_half_way_between() -> None:
    bench = Bench()
    meter = bench.meter(100.0)
    bench.now = 60.0
    bench.busy_s += 30.0 * LOGICAL
    assert meter.read()["processor"].joules == pytest.approx(60 * (55 + MEMORY_W))


def test_joules_never_fall_when_the_kernels_busy_time_goes_back_a_tick() -> None:
    bench = Bench()
    meter = bench.meter(100.0)
    bench.now, bench.busy_s = 1.0, 501.0
    before = meter.read()["processor"].joules
    bench.now, bench.busy_s = 1.001, 500.99
    assert meter.read()["processor"].joules >= before


@pytest.mark.parametrize(
    ("model_name", "watts_per_core"),
    [
        ("AMD EPYC 9654 96-Core Processor", 3.75),  # AMD: 360 W, 96 cores
        ("Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", 6.75),  # Intel ARK: 270 W, 40 cores
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 120 / 14),
    ],
)
def test_listed_processors_are_found_by_the_name_that_the_system_gives(
    model_name: str, watts_per_core: float
) -> None:
    found = tdp.find(model_name)
    assert found is not None
    assert found[1].tdp_w / found[1].cores == pytest.approx(watts_per_core)


@pytest.mark.parametrize(
    "model_name",
    [
        "",
        "AMD EPYC",
        "Intel(R) Xeon(R) Processor @ 2.70GHz",  # as clouds show it
        "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz",  # made for one
        "AMD EPYC 7R13 Processor",
        "12th Gen Intel(R) Core(TM) i7-12700H",  # a laptop's, 45 W, not the desktop's i7-12700
        "AMD Ryzen 9 7900X3D 12-Core Processor",  # 120 W, not the 170 W of the 7900X
    ],
)
def test_an_unlisted_processor_is_not_mistaken_for_a_listed_one(model_name: str) -> None:
    assert tdp.find(model_name) is None


@pytest.mark.parametrize(
    ("model_name", "name"),
    [
        ("AMD EPYC 9354P 32-Core Processor", "EPYC 9354"),  # for one socket only
        ("13th Gen Intel(R) Core(TM) i9-13900KF", "i9-13900K"),  # without graphics
        ("AMD Ryzen 9 7950X3D 16-Core Processor", "Ryzen 9 7950X3D"),
        ("Intel(R) Xeon(R) Platinum 8592+", "Platinum 8592+"),
        ("Intel(R) Core(TM) Ultra 7 155H", "Ultra 7 155H"),
    ],
)
def test_letters_that_change_neither_watts_nor_cores_are_overlooked(
    model_name: str, name: str
) -> None:
    found = tdp.find(model_name)
    assert found is not None
    assert found[0] == name


def test_an_unlisted_processor_is_taken_for_a_usual_server() -> None:
    per_core = [chip.tdp_w / chip.cores for chip in tdp.SERVER.values()]
    assert statistics.median(per_core) == pytest.approx(tdp.DEFAULT_W_PER_CORE, rel=0.1)


def test_nine_in_ten_listed_servers_are_as_near_to_the_default_as_it_claims() -> None:
    off = [
        abs(chip.tdp_w / chip.cores / tdp.DEFAULT_W_PER_CORE - 1) for chip in tdp.SERVER.values()
    ]
    assert sum(error <= tdp.DEFAULT_ERROR for error in off) >= 0.9 * len(off)


def test_a_listed_processor_is_more_exact_than_one_that_is_not() -> None:
    listed = EstimateMeter(model="AMD EPYC 9654 96-Core Processor")
    unlisted = EstimateMeter(model="Intel(R) Xeon(R) Processor @ 2.70GHz")
    assert listed.accuracy.relative == 0.4  # arXiv 2509.22092, abstract
    assert unlisted.accuracy.relative == pytest.approx((0.4**2 + 0.8**2) ** 0.5, abs=0.05)
    assert "Xeon(R) Processor @ 2.70GHz" in unlisted.detail()
    assert "90% off" in unlisted.detail()
    assert "96-Core" not in listed.detail()
    assert "an EPYC 9654, 360 W for 96" in listed.detail()


def test_a_container_with_part_of_a_processor_is_told_that_the_whole_host_is_estimated(
    tmp_path: Path,
) -> None:
    def detail(limit: str) -> str:
        (tmp_path / "cpu.max").write_text(limit)
        return EstimateMeter(100.0, cgroup=tmp_path).detail()

    assert "may use 0.5" in detail("50000 100000\n")
    assert f"whole host with its {LOGICAL} logical processors" in detail("50000 100000\n")
    assert "0.5" not in detail("max 100000\n")
    assert EstimateMeter(100.0, cgroup=tmp_path).tdp_w == 100.0


def test_the_estimate_says_what_it_rests_on() -> None:
    assert "100 W (as set)" in EstimateMeter(100.0).detail()
    assert "40% off" in EstimateMeter(100.0).detail()


def test_processor_time_counts_this_processes_work() -> None:
    before = processor_time()
    started = time.process_time()
    while time.process_time() - started < 0.2:
        pass
    after = processor_time()
    assert after.own_s - before.own_s >= 0.2
    assert after.everybody_s > before.everybody_s
