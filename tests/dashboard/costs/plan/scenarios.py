"""Scenarios for tests to vary."""

from typing import Any

from dashboard.costs.scenario import Scenario, founding

TARIFF = {"kind": "flat", "currency": "USD", "price_per_kwh": "0.20"}


def varied(**changes: Any) -> Scenario:
    """The founding scenario with other fields, without its capacity and certain of its inputs."""
    plain = founding().model_dump() | {"capacity": None, "uncertainty": {}}
    return Scenario.model_validate(plain | changes)


def asset(**changes: Any) -> dict[str, Any]:
    """The founding card with other fields."""
    return founding().assets[0].model_dump() | changes


def load(**changes: Any) -> dict[str, Any]:
    """1 kW in all hours: 720 kWh a month; and `changes`."""
    rated = {"name": "Card", "idle_w": 1000, "active_w": 1000, "basis": "nameplate"}
    return rated | changes


def on_card(**changes: Any) -> dict[str, Any]:
    """gpt-oss-120b, which one H100 PCIe holds."""
    named = {"hardware": "h100-pcie", "model": "gpt-oss-120b", "precision": "mxfp4"}
    return named | changes
