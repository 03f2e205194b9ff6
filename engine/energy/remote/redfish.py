"""A server's management controller, by DMTF's Redfish (DSP0266, schemas in DSP2046).

A chassis tells its power in `EnvironmentMetrics` (`PowerWatts`, `EnergyJoules`, `EnergykWh`), in
older controllers in `Power` (`PowerControl[].PowerConsumedWatts`); failing both, the input of each
power supply of its `PowerSubsystem` is read.
"""

from collections.abc import Callable, Iterator
from typing import Any

from engine.energy.meters import MeterError
from engine.energy.remote.reading import KWH_J, Reading, joules, number, parse_json

_PARTS = ("Component", "Module", "Card", "Cartridge", "Drawer", "Zone")
"""Types of chassis that are parts of another, whose power contains theirs."""


def redfish(body: dict[str, Any]) -> list[Reading]:
    """The reading of one resource, named by its chassis and, if it is one, its power supply."""
    names = [part for part in str(body.get("@odata.id", "")).split("/") if part]
    device = names[names.index("Chassis") + 1] if "Chassis" in names[:-1] else ""
    if "PowerSupplies" in names[:-1]:
        device = f"{device} {names[names.index('PowerSupplies') + 1]}"
    watts = _excerpt(body, "PowerWatts") if "PowerWatts" in body else None
    if watts is None:
        watts = _excerpt(body, "InputPowerWatts")
    controls = body.get("PowerControl")
    if isinstance(controls, list):
        drawn = [number(one, "PowerConsumedWatts") for one in controls if isinstance(one, dict)]
        # Beside the server's power some list that of its parts: the whole is the greatest.
        watts = max((one for one in drawn if one is not None), default=watts)
    fine = _excerpt(body, "EnergyJoules")
    total = joules(_excerpt(body, "EnergykWh"), KWH_J) if fine is None else fine
    if watts is None and total is None:
        return []
    reading = Reading(
        device,
        "machine",
        joules_total=total,
        watts=watts,
        coarse=fine is None,
        aliases=(device.partition(" ")[0],),
    )
    return [reading]


def find(get: Callable[[str], str], root: str, wanted: tuple[str, ...] | None) -> list[str]:
    """The resources to read, from the service's root or its chassis: of each chassis that is not
    another's part, or of those that are wanted by name."""
    service = parse_json(get(root))
    if redfish(service):
        return [root]
    found = [
        resource
        for chassis in _chassis(get, root, service)
        if (str(chassis.get("Id")) in wanted if wanted else _is_whole(chassis))
        for resource in _resources(get, chassis)
    ]
    if not found:
        raise MeterError("No chassis of this Redfish service tells its power.")
    return found


def _chassis(
    get: Callable[[str], str], root: str, service: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    if "ChassisType" in service:
        yield service
    elif "Members" in service or "Chassis" in service:
        collection = {"@odata.id": root} if "Members" in service else service["Chassis"]
        for path in _members(get, collection):
            yield parse_json(get(path))
    else:
        raise MeterError("This Redfish service has no Chassis.")


def _is_whole(chassis: dict[str, Any]) -> bool:
    links = chassis.get("Links")
    contained = isinstance(links, dict) and "ContainedBy" in links
    return not contained and chassis.get("ChassisType") not in _PARTS


def _resources(get: Callable[[str], str], chassis: dict[str, Any]) -> list[str]:
    for name in ("EnvironmentMetrics", "Power"):
        if (path := _link(chassis.get(name))) and _tells(get, path):
            return [path]
    if not (subsystem := _link(chassis.get("PowerSubsystem"))):
        return []
    supplies = parse_json(get(subsystem)).get("PowerSupplies")
    metrics = (_link(parse_json(get(supply)).get("Metrics")) for supply in _members(get, supplies))
    return [path for path in metrics if path and _tells(get, path)]


def _tells(get: Callable[[str], str], path: str) -> bool:
    try:
        return bool(redfish(parse_json(get(path))))
    except MeterError:
        return False  # named, but not there or not for this user


def _members(get: Callable[[str], str], collection: Any) -> Iterator[str]:
    path = _link(collection)
    members = parse_json(get(path)).get("Members") if path else None
    for member in members if isinstance(members, list) else []:
        if link := _link(member):
            yield link


def _link(value: Any) -> str | None:
    link = value.get("@odata.id") if isinstance(value, dict) else None
    return link if isinstance(link, str) else None


def _excerpt(body: dict[str, Any], key: str) -> float | None:
    value = body.get(key)
    return number(value, "Reading") if isinstance(value, dict) else None
