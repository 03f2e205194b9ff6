"""Apple's processors, with a program on the PATH that writes as powermetrics(1) does."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.energy.apple import AppleMeter
from engine.energy.meters import MeterError

WRITER = """#!{python}
import plistlib, sys, time
expected = "--samplers cpu_power -i 1000 -f plist --buffer-size 0"
assert " ".join(sys.argv[1:]) == expected, sys.argv
for number, processor in enumerate({samples}):
    # A NUL before every list but the first.
    sys.stdout.buffer.write(b"\\0" if number else b"")
    text = plistlib.dumps({{"is_delta": True, "elapsed_ns": 500_000_000, "processor": processor}})
    for part in (text[:100], text[100:]):
        sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        time.sleep(0.01)
time.sleep({then_s})
"""


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture
def powermetrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[list[dict[str, float]], float], None]:
    """Puts a powermetrics on the PATH that writes these samples, and a sudo that lets it."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    program(tmp_path, "sudo", '#!/bin/sh\nshift\nexec "$@"\n')

    def put(samples: list[dict[str, float]], then_s: float) -> None:
        text = WRITER.format(python=sys.executable, samples=samples, then_s=then_s)
        program(tmp_path, "powermetrics", text)

    return put


@pytest.fixture
def opened() -> Iterator[list[AppleMeter]]:
    meters: list[AppleMeter] = []
    yield meters
    for meter in meters:
        meter.close()


def settled(meter: AppleMeter, joules: float) -> float:
    """What the meter reads once it has heard everything, or after 10 s."""
    deadline = time.monotonic() + 10
    while meter.read()["processor"].joules < joules and time.monotonic() < deadline:
        time.sleep(0.01)
    return meter.read()["processor"].joules


def test_milliwatts_are_summed_over_the_time_that_each_sample_states(
    powermetrics: Callable[..., None], opened: list[AppleMeter]
) -> None:
    powermetrics([{"combined_power": power} for power in (99_000, 10_000, 20_000)], 30)
    opened.append(AppleMeter())
    # The first is of the time before; then half a second at 10 W and half a second at 20 W.
    assert settled(opened[0], 15.0) == pytest.approx(15.0)


def test_without_a_combined_power_its_parts_are_added(
    powermetrics: Callable[..., None], opened: list[AppleMeter]
) -> None:
    sample = {"cpu_power": 8_000, "gpu_power": 3_000, "ane_power": 1_000}
    powermetrics([sample, sample], 30)
    opened.append(AppleMeter())
    assert settled(opened[0], 6.0) == pytest.approx(6.0)


BROKEN = """#!{python}
import plistlib, sys, time
def write(power, ns=1_000_000_000):
    processor = {{"combined_power": power}}
    sys.stdout.buffer.write(plistlib.dumps({{"elapsed_ns": ns, "processor": processor}}) + b"\\0")
    sys.stdout.buffer.flush()
write(10_000)
write(10_000)
sys.stdout.buffer.write({broken!r} + b"</plist>\\0")
write({power})
write(20_000)
time.sleep(30)
"""


@pytest.mark.parametrize(
    ("broken", "power"),
    [
        (b"<plist><dict><key>a & b", 10_000),  # no XML
        (b"<plist><dict></dict>", 4_294_967_295),
        (b"<plist><array></array>", float("nan")),
    ],
)
def test_a_broken_list_ends_nothing_and_what_it_would_have_told_is_unknown(
    powermetrics: Callable[..., None],
    opened: list[AppleMeter],
    tmp_path: Path,
    broken: bytes,
    power: float,
) -> None:
    powermetrics([], 0)
    text = BROKEN.format(python=sys.executable, broken=broken, power=f"float('{power}')")
    program(tmp_path, "powermetrics", text)
    opened.append(AppleMeter())
    sane_j = 10.0 + (10.0 if power == 10_000 else 0.0) + 20.0
    assert settled(opened[0], sane_j) == pytest.approx(sane_j)
    assert opened[0].read()["processor"].epoch > 0


def test_a_program_that_ends_leaves_the_energy_unknown(
    powermetrics: Callable[..., None], opened: list[AppleMeter]
) -> None:
    powermetrics([{"combined_power": 10_000}], 0.2)
    opened.append(AppleMeter())
    time.sleep(2)
    with pytest.raises(MeterError, match="has ended"):
        opened[0].read()


def test_a_program_that_falls_silent_leaves_the_energy_unknown(
    powermetrics: Callable[..., None], opened: list[AppleMeter]
) -> None:
    now = [0.0]
    powermetrics([{"combined_power": 10_000}], 30)
    opened.append(AppleMeter(clock=lambda: now[0]))
    opened[0].read()
    now[0] = 10.0
    with pytest.raises(MeterError, match="silent"):
        opened[0].read()


def test_without_root_it_says_which_command_permits_it(
    powermetrics: Callable[..., None], tmp_path: Path
) -> None:
    refusal = "powermetrics must be invoked as the superuser"
    program(tmp_path, "powermetrics", f"#!/bin/sh\necho '{refusal}' >&2\nexit 1\n")
    # The arguments that WRITER expects, so that nothing else may be started.
    permitted = "/usr/bin/powermetrics --samplers cpu_power -i 1000 -f plist --buffer-size 0"
    with pytest.raises(MeterError, match=f'{refusal}.*NOPASSWD: {permitted}" .*sudo tee'):
        AppleMeter()


def test_where_there_is_no_powermetrics_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MeterError, match="does not start"):
        AppleMeter()
