"""The formats that are understood, where each is served, and how one is told from another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.energy.meters import Accuracy, Kind, MeterError
from engine.energy.remote.prometheus import dcgm, kepler, node_exporter
from engine.energy.remote.reading import Reading, parse_json
from engine.energy.remote.redfish import redfish
from engine.energy.remote.shelly import shelly
from engine.energy.remote.tasmota import tasmota

_RAPL = "assumed, as for RAPL; close to the plug's power by Khan and others, RAPL in Action (2018)"


@dataclass(frozen=True, slots=True)
class Format:
    """`paths` are tried where only a server's address is given. `several_kinds`: its page may
    speak of processors and of machines, so `of` chooses among its readings; otherwise `of` says
    what the meter is attached to. `kind`: what its pages speak of, mostly or always."""

    name: str
    paths: tuple[str, ...]
    parse: Callable[[str], list[Reading]]
    accuracy: Accuracy
    kind: Kind
    several_kinds: bool = False


def _json(read: Callable[[dict[str, Any]], list[Reading]]) -> Callable[[str], list[Reading]]:
    return lambda text: read(parse_json(text))


DCGM = Format(
    "dcgm",
    ("/metrics",),
    dcgm,
    Accuracy(0.05, "NVIDIA's NVML reference, nvmlDeviceGetPowerUsage (stated for older boards)"),
    kind="accelerator",
)
KEPLER = Format(
    "kepler", ("/metrics",), kepler, Accuracy(0.05, _RAPL), kind="processor", several_kinds=True
)
NODE_EXPORTER = Format(
    "node-exporter",
    ("/metrics",),
    node_exporter,
    Accuracy(0.05, _RAPL),
    kind="processor",
    several_kinds=True,
)
SHELLY = Format(
    "shelly",
    ("/rpc/Shelly.GetStatus", "/status"),
    _json(shelly),
    Accuracy(0.01, "assumed; the data sheet of the chip BL0937 says ±0.5% once it is calibrated"),
    kind="machine",
)
TASMOTA = Format(
    "tasmota",
    ("/cm?cmnd=Status%208",),
    _json(tasmota),
    Accuracy(0.02, "assumed; Tasmota's documentation asks that each device be calibrated"),
    kind="machine",
)
REDFISH = Format(
    "redfish",
    ("/redfish/v1/",),
    _json(redfish),
    Accuracy(0.05, "assumed; Redfish's schema leaves a sensor's accuracy to its maker"),
    kind="machine",
)
FORMATS = {f.name: f for f in (DCGM, KEPLER, NODE_EXPORTER, SHELLY, TASMOTA, REDFISH)}


def recognise(text: str) -> Format:
    """The format of a body. MeterError where it is none of those that tell energy or power."""
    start = text.lstrip()[:200].lower()
    if start.startswith("{"):
        return _recognise_json(parse_json(text))
    if start.startswith("<"):
        raise MeterError("A web page answers there, not a meter.")
    for found in (DCGM, KEPLER, NODE_EXPORTER):
        if found.parse(text):
            return found
    raise MeterError("The page tells no energy and no power that is known here.")


def _recognise_json(body: dict[str, Any]) -> Format:
    if "StatusSNS" in body:
        return TASMOTA
    if any(key in body for key in ("@odata.id", "@odata.type", "RedfishVersion", "PowerControl")):
        return REDFISH
    if shelly(body):
        return SHELLY
    raise MeterError("The answer tells no energy and no power that is known here.")
