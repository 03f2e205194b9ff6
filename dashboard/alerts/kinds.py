"""The kinds of rules: what each is called, in which unit, and what it begins with."""

from dataclasses import dataclass, replace
from decimal import Decimal

from db.alert_rules import Rule
from db.schema import AlertKind


@dataclass(frozen=True, slots=True)
class Kind:
    """`unit` comes after a figure. `about` says what is compared with the threshold."""

    title: str
    unit: str
    about: str
    start: Rule


def _start(
    kind: AlertKind, fires: str, clears: str, for_minutes: int, window: int | None = None
) -> Rule:
    return Rule(kind, Decimal(fires), Decimal(clears), for_minutes, window)


KINDS: dict[AlertKind, Kind] = {
    "budget": Kind(
        "Budget used",
        "%",
        "Of each developer's and key's budget for the month (UTC), of tokens or energy, the part "
        "that is used. Set budgets on **People** and **Keys**.",
        _start("budget", "90", "85", 0),
    ),
    "cost": Kind(
        "Cost above seats",
        "%",
        "What self-hosting cost in the month to date, fully loaded, as a part of what the seats "
        "would have cost.",
        _start("cost", "100", "95", 24 * 60),
    ),
    "idle": Kind(
        "Idle share",
        "%",
        "The part of the metered energy that served no request.",
        _start("idle", "90", "80", 60, 24 * 60),
    ),
    "energy_price": Kind(
        "Energy price",
        "per kWh",
        "The price of electricity that holds now, from **Prices**.",
        _start("energy_price", "0.30", "0.28", 0),
    ),
    "errors": Kind(
        "Error rate",
        "%",
        "The part of the requests that failed or were interrupted. Fewer than ten requests count "
        "as ten, so that one failure at night wakes nobody.",
        _start("errors", "10", "5", 5, 15),
    ),
    "latency": Kind(
        "Slow answers",
        "s",
        "The time to the first token that 95 of 100 answered requests had at most.",
        _start("latency", "10", "8", 5, 15),
    ),
    "down": Kind(
        "Something is down",
        "",
        "The engine, an upstream or an energy meter does not answer. Each is told of by itself.",
        _start("down", "1", "1", 2),
    ),
    "disk": Kind(
        "Disk full",
        "%",
        "Of the disks that the home and the ledger are on, the part that is used.",
        _start("disk", "90", "85", 5),
    ),
}
# For a start: idle time is usual on small teams, and a price means nothing by itself.
USUAL: tuple[AlertKind, ...] = ("budget", "cost", "errors", "latency", "down", "disk")


def usual_rules(timezone: str) -> list[Rule]:
    """Six rules to begin with."""
    return [replace(KINDS[kind].start, timezone=timezone) for kind in USUAL]
