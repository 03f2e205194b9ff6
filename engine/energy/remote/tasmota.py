"""Plugs and meters that run Tasmota: the answer to its command `Status 8`.

`Power` is in watts, `Total` in kWh with as many digits as `EnergyRes` says (3 by default, so steps
of 3600 J). Devices of several channels give lists. Source: Tasmota's documentation, JSON Status
Responses and Commands.
"""

from typing import Any

from engine.energy.meters import MeterError
from engine.energy.remote.reading import KWH_J, Reading, figure, joules


def tasmota(body: dict[str, Any]) -> list[Reading]:
    sensors = body.get("StatusSNS")
    energy = sensors.get("ENERGY") if isinstance(sensors, dict) else None
    if not isinstance(energy, dict):
        raise MeterError("This Tasmota device has no power meter: its status has no ENERGY.")
    powers, totals = _channels(energy.get("Power")), _channels(energy.get("Total"))
    readings = []
    for index in range(max(len(powers), len(totals))):
        watts = figure("Power", powers[index]) if index < len(powers) else None
        # Of several channels some firmware gives one total; it belongs to none of them.
        own = len(totals) == max(len(powers), 1) or not powers
        total = figure("Total", totals[index]) if own and index < len(totals) else None
        if watts is not None or total is not None:
            readings.append(
                Reading(
                    f"channel-{index + 1}" if len(powers) > 1 else "",
                    "machine",
                    joules_total=joules(total, KWH_J),
                    watts=watts,
                    coarse=True,
                    aliases=(str(index + 1),),
                )
            )
    return readings


def _channels(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]
