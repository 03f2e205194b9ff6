"""Shelly's plugs and meters, of the first generation and of those after it.

Units: Shelly's API documentation. Generation 1, `meters[].total`: watt-minutes, `emeters[].total`:
watt-hours. Generation 2 and later: Switch and PM1 `apower` (W) and `aenergy.total` (Wh); EM
`total_act_power` and EMData `total_act`; EM1 `act_power` and EM1Data `total_act_energy`.
"""

from typing import Any

from engine.energy.meters import MeterError
from engine.energy.remote.reading import WH_J, Reading, figure, joules, number

_WATT_MINUTE_J = 60.0
_POWERS = ("apower", "total_act_power", "act_power")


def shelly(body: dict[str, Any]) -> list[Reading]:
    """One reading a channel, of a whole status or of one component's."""
    components = {
        name: part
        for name, part in body.items()
        if isinstance(part, dict) and any(key in part for key in _POWERS)
    }
    if any(key in body for key in _POWERS):
        return [_channel("", body, None, alone=True)]
    if components:
        return [
            _channel(name, part, _counter_of(name, body), alone=len(components) == 1)
            for name, part in components.items()
        ]
    if "is_valid" in body:
        return _first_generation("", body, _WATT_MINUTE_J)
    return [
        reading
        for group, unit_j in (("meters", _WATT_MINUTE_J), ("emeters", WH_J))
        for index, part in enumerate(body.get(group) or [])
        for reading in _first_generation(f"{group.removesuffix('s')}:{index}", part, unit_j)
    ]


def _channel(name: str, part: dict[str, Any], counted: float | None, *, alone: bool) -> Reading:
    watts = next((number(part, key) for key in _POWERS if part.get(key) is not None), None)
    if isinstance(energy := part.get("aenergy"), dict):
        counted = number(energy, "total")
    if watts is None and counted is None:
        raise MeterError("The Shelly tells neither power nor energy now.")
    return _reading("" if alone else name, watts, joules(counted, WH_J))


def _counter_of(name: str, body: dict[str, Any]) -> float | None:
    """An energy meter's counter is a component of its own: em:0 has emdata:0 beside it."""
    kind, _, index = name.partition(":")
    data = body.get(f"{kind}data:{index}")
    if not isinstance(data, dict):
        return None
    return figure("total_act", data.get("total_act", data.get("total_act_energy")))


def _first_generation(name: str, part: Any, unit_j: float) -> list[Reading]:
    if not isinstance(part, dict) or part.get("is_valid") is False:
        return []
    watts, total = number(part, "power"), number(part, "total")
    if watts is None and total is None:
        return []
    return [_reading(name, watts, joules(total, unit_j))]


def _reading(name: str, watts: float | None, joules_total: float | None) -> Reading:
    return Reading(
        name.replace(":", "-"),
        "machine",
        joules_total=joules_total,
        watts=watts,
        coarse=True,
        aliases=(name, name.partition(":")[2]),
    )
