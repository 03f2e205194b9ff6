"""`python -m engine meters`: every energy meter that was tried, and what the used ones read."""

import shutil
import textwrap
import time
from collections.abc import Mapping

import click

from db.settings import Settings
from engine.energy.meter_set import MeterSet, Sensor
from engine.energy.meters import Count, Meter, MeterError
from engine.machine_meters import machine_meters

MEASURED_S = 1.0


def run(settings: Settings) -> None:
    """Prints the meters of this machine and, of those used, the watts over a second."""
    meters = machine_meters(settings)
    click.echo(f"{'meter':<16}{'state':<13}{'accuracy':<10}what it said")
    for sensor in meters.sensors:
        _tell(sensor)
    click.echo(f"\nwatts over {MEASURED_S:g} s")
    for source, device, told in _watts(meters):
        click.echo(f"{source:<16}{device:<23}{told:>10}")
    click.echo(f"\n{meters.summary()}")


def _tell(sensor: Sensor) -> None:
    accuracy = "–" if sensor.accuracy is None else f"±{sensor.accuracy:.0%}"
    message = f"{sensor.message}\n{sensor.accuracy_source}".strip()
    width = max(40, shutil.get_terminal_size((100, 24)).columns - 39)
    lines = [line for part in message.splitlines() for line in textwrap.wrap(part, width)]
    click.echo(f"{sensor.name:<16}{sensor.state:<13}{accuracy:<10}{lines[0]}")
    for line in lines[1:]:
        click.echo(f"{'':<39}{line}")


def _watts(meters: MeterSet) -> list[tuple[str, str, str]]:
    """(meter, device, its watts or why there are none)."""
    before = [_read(meter) for meter in meters.meters]
    time.sleep(MEASURED_S)
    rows = []
    for meter, (then, earlier) in zip(meters.meters, before, strict=True):
        now, later = _read(meter)
        if isinstance(later, str):
            rows.append((meter.source, "", later))
            continue
        for device, count in later.items():
            first = None if isinstance(earlier, str) else earlier.get(device)
            rows.append((meter.source, device, _power(first, count, now - then)))
    return rows


def _power(first: Count | None, count: Count, seconds: float) -> str:
    if first is None or first.epoch != count.epoch:
        return "unknown"
    return f"{(count.joules - first.joules) / seconds:.1f} W"


def _read(meter: Meter) -> tuple[float, Mapping[str, Count] | str]:
    """When, and the counts or why there are none."""
    try:
        return time.monotonic(), meter.read()
    except MeterError as error:
        return time.monotonic(), str(error)
