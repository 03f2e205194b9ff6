"""The estimate follows its stated formula and says what it rests on."""

import statistics
import time

import psutil
import pytest

from engine.energy import tdp
from engine.energy.estimate import MEMORY_W_PER_GIB, EstimateMeter
from engine.energy.meter_set import detect
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


def test_an_unlisted_processor_is_not_mistaken_for_a_listed_one() -> None:
    assert tdp.find("AMD EPYC") is None
    assert tdp.find("") is None


def test_an_unlisted_processor_is_taken_for_a_usual_server() -> None:
    servers = ("EPYC", "Xeon", "Platinum", "Gold", "E5-")
    per_core = [
        chip.tdp_w / chip.cores for name, chip in tdp.CHIPS.items() if name.startswith(servers)
    ]
    assert statistics.median(per_core) == pytest.approx(tdp.DEFAULT_W_PER_CORE, rel=0.1)


def test_the_estimate_says_what_it_rests_on() -> None:
    assert "100 W (as set)" in EstimateMeter(100.0).detail()
    assert "40% off" in EstimateMeter().detail()


def test_processor_time_counts_this_processes_work() -> None:
    before = processor_time()
    started = time.process_time()
    while time.process_time() - started < 0.2:
        pass
    after = processor_time()
    assert after.own_s - before.own_s >= 0.2
    assert after.everybody_s > before.everybody_s


def test_detection_names_every_sensor_tried_and_what_it_said() -> None:
    meters = detect(cpu_tdp_w=65.0)
    said = {sensor["name"]: sensor for sensor in meters.describe()}
    assert {"rapl", "nvml"} <= set(said)
    assert all(sensor["message"] for sensor in said.values())
    assert meters.meters
    if said["rapl"]["state"] == "unavailable":
        assert "65 W (as set)" in said["cpu-estimate"]["message"]
        assert meters.basis == "estimated"
