"""The processor's time, beside what psutil says of it."""

import psutil
import pytest

from engine.energy.processor import ProcessorTime, processor_time


def test_everybodys_time_is_what_psutil_adds_up() -> None:
    before, told, after = psutil.cpu_times(), processor_time().everybody_s, psutil.cpu_times()

    def busy(times: "psutil._common.scputimes") -> float:  # type: ignore[name-defined]
        rare = getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)
        return float(times.user + times.nice + times.system + rare)

    assert busy(before) - 0.02 <= told <= busy(after) + 0.02


def test_what_passed_is_never_negative_and_everybody_has_at_least_ours() -> None:
    passed = ProcessorTime(5.0, 9.0, 2.0) - ProcessorTime(1.0, 8.0, 3.0)
    assert (passed.own_s, passed.gateway_s) == (4.0, 0.0)
    assert passed.everybody_s == pytest.approx(4.0)
