"""Exporters that Prometheus scrapes: NVIDIA's DCGM exporter, Kepler and the node exporter.

Names and labels: DCGM exporter's etc/default-counters.csv, Kepler's docs/user/metrics.md (0.10
and later) and its older documentation, node_exporter's collector/rapl_linux.go and hwmon_linux.go.
"""

import math
from collections import defaultdict
from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from engine.energy.meters import MeterError
from engine.energy.remote.reading import Reading

_MILLIJOULE = 1e-3
_RAPL_OF = {zone: f"node_rapl_{zone}_joules_total" for zone in ("package", "dram")}


def dcgm(text: str) -> list[Reading]:
    """One reading a board.

    The counter is the whole board's, and stands once for each MIG instance, and for each pod that
    shares the board. So rows of one board are one reading and are not added.
    """
    energy, power = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_POWER_USAGE"
    rows = _samples(text, (energy, power))
    hosts = {row.labels.get("Hostname", "") for row in rows}
    boards: dict[tuple[str, str], dict[str, Sample]] = defaultdict(dict)
    for row in rows:
        board = boards[row.labels.get("Hostname", ""), row.labels.get("gpu", "")]
        if row.name not in board or row.value > board[row.name].value:
            board[row.name] = row
    return [
        Reading(
            device=f"{host}/gpu-{index}" if len(hosts) > 1 else f"gpu-{index}",
            kind="accelerator",
            joules_total=board[energy].value * _MILLIJOULE if energy in board else None,
            watts=board[power].value if power in board else None,
            aliases=(index, next(iter(board.values())).labels.get("UUID", "")),
        )
        for (host, index), board in boards.items()
    ]


def kepler(text: str) -> list[Reading]:
    """Sockets and memory, the whole machine where Kepler reads a sensor of it, and GPUs.

    `core` and `uncore` lie inside `package`, and `psys` contains everything: none is added.
    """
    new = _samples(text, ("kepler_node_cpu_joules_total", "kepler_platform_watts"))
    old = _samples(
        text,
        (
            "kepler_node_package_joules_total",
            "kepler_node_dram_joules_total",
            "kepler_node_platform_joules_total",
        ),
    )
    gpus = _samples(text, ("kepler_node_gpu_joules_total",))
    zones = [row for row in new if row.labels.get("zone") in ("package", "dram")]
    consoles = [row for row in new if row.name == "kepler_platform_watts"]
    return [
        *(_kepler_zone(row, zones) for row in zones),
        *([] if zones else _kepler_old(old)),
        *([Reading("platform", "machine", watts=_whole(consoles))] if consoles else []),
        *(
            Reading(
                f"gpu-{row.labels['gpu']}",
                "accelerator",
                joules_total=row.value,
                aliases=(row.labels["gpu"], row.labels.get("gpu_uuid", "")),
            )
            for row in gpus
            if "gpu" in row.labels
        ),
    ]


def _kepler_zone(row: Sample, rows: list[Sample]) -> Reading:
    zone, path = row.labels["zone"], row.labels.get("path", "")
    alone = sum(other.labels["zone"] == zone for other in rows) == 1
    name = zone if alone else f"{zone} {path.rpartition('/')[2]}"
    return Reading(name, "processor", joules_total=row.value, aliases=(zone, path))


def _kepler_old(rows: list[Sample]) -> list[Reading]:
    """Kepler before 0.10 divides each counter into a dynamic and an idle part: `mode`."""
    parts: dict[tuple[str, str, str], list[Sample]] = defaultdict(list)
    for row in rows:
        name = row.name.removeprefix("kepler_node_").removesuffix("_joules_total")
        parts[name, row.labels.get(name, ""), row.labels.get("instance", "")].append(row)
    return [
        Reading(
            f"{name}-{index}" if index else name,
            "machine" if name == "platform" else "processor",
            joules_total=math.fsum(row.value for row in together),
            estimated=any("model" in row.labels.get("source", "") for row in together),
            aliases=(name, index),
        )
        for (name, index, _), together in parts.items()
    ]


def _whole(rows: list[Sample]) -> float:
    """A controller tells the server's power and, beside it, that of its parts: the whole is the
    greatest in each chassis."""
    chassis: dict[str, float] = {}
    for row in rows:
        name = row.labels.get("chassis_id", "")
        chassis[name] = max(chassis.get(name, 0.0), row.value)
    return math.fsum(chassis.values())


def node_exporter(text: str) -> list[Reading]:
    """RAPL's sockets and memory. Failing that, power sensors of which the kernel says what they
    measure: ACPI's power meter (the machine) and amdgpu's (a board).

    The exporter passes RAPL's counter on as it is, so it starts again from 0 now and then (at
    200 W about every 22 minutes): then the meter begins a new epoch.
    """
    rapl = [
        row
        for row in _samples(text, (*_RAPL_OF.values(), "node_rapl_joules_total"))
        if _rapl_zone(row) in _RAPL_OF
    ]
    # The memory-mapped twin of a package counts the same joules once more.
    counters = [row for row in rapl if "mmio" not in row.labels.get("path", "")]
    if counters:
        return [_rapl_reading(row, counters) for row in counters]
    drivers = {
        row.labels.get("chip", ""): row.labels.get("chip_name", "")
        for row in _samples(text, ("node_hwmon_chip_names",))
    }
    readings = []
    for row in _samples(text, ("node_hwmon_power_average_watt",)):
        chip, sensor = row.labels.get("chip", ""), row.labels.get("sensor", "")
        name = f"{chip} {sensor}"
        # A machine that answers draws something: 0 W comes from firmware without a sensor.
        if ("acpi000d" in chip or drivers.get(chip) == "power_meter") and row.value > 0:
            readings.append(Reading(name, "machine", watts=row.value, aliases=(chip,)))
        elif drivers.get(chip) == "amdgpu":
            readings.append(Reading(name, "accelerator", watts=row.value, aliases=(chip,)))
    return readings


def _rapl_zone(row: Sample) -> str:
    """With the exporter's flag `rapl.enable-zone-label` a label, otherwise in the name."""
    named = row.name.removeprefix("node_rapl_").removesuffix("_joules_total")
    return row.labels.get("rapl_zone", named)


def _rapl_reading(row: Sample, rows: list[Sample]) -> Reading:
    zone, index = _rapl_zone(row), row.labels.get("index", "")
    path = row.labels.get("path", "")
    alike = [
        other
        for other in rows
        if (_rapl_zone(other), other.labels.get("index", "")) == (zone, index)
    ]
    name = f"{zone}-{index}" if len(alike) == 1 else f"{zone} {path.rpartition('/')[2]}"
    return Reading(name, "processor", joules_total=row.value, aliases=(zone, index, path))


def _samples(text: str, names: tuple[str, ...]) -> list[Sample]:
    """The samples of these names that hold a figure. Only their lines are parsed: a page of every
    process of a machine is megabytes long and is read every second."""
    if text and not text.endswith("\n"):
        # Half of a last line is a smaller number, not an error.
        raise MeterError("The page of metrics is cut off: its last line has no end.")
    lines = [line for line in text.splitlines() if line.startswith(names)]
    try:
        families = list(text_string_to_metric_families("\n".join([*lines, ""])))
    except (ValueError, KeyError, IndexError) as error:
        raise MeterError(f"The page of metrics cannot be read: {error}.") from None
    samples = (sample for family in families for sample in family.samples)
    return list(_sound(sample for sample in samples if sample.name in names))


def _sound(samples: Iterable[Sample]) -> Iterable[Sample]:
    for sample in samples:
        if math.isfinite(sample.value) and sample.value >= 0:
            yield sample
