"""What an alert says, to people: on the page, in a chat and in a mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Engine

from dashboard import formats
from db.alert_rules import Rule
from db.keys import list_keys
from db.people import list_developers
from db.prices import current_prices
from db.teams import list_teams

SETTINGS_PATH = "settings?settings-tab=Alerts"


@dataclass(frozen=True, slots=True)
class Names:
    """What ids are called now; a key's with whose it is."""

    developers: Mapping[int, str]
    keys: Mapping[int, str]
    teams: Mapping[int, str]
    currency: str


def names_in(engine: Engine) -> Names:
    return Names(
        {one.id: one.name for one in list_developers(engine, archived=True)},
        {
            key.id: f"{key.developer_name}'s key for {key.name}"
            for key in list_keys(engine, revoked=True)
        },
        {team.id: team.name for team in list_teams(engine, archived=True)},
        current_prices(engine).currency,
    )


def sentence(rule: Rule, subject: str, value: Decimal | None, names: Names) -> str:
    """What is the matter, with the figure that it has. Plain text, with foreign names in it."""
    told = figure(rule, value, names)
    over = "" if rule.window_minutes is None else f" in the last {lasting(rule.window_minutes)}"
    match rule.kind:
        case "budget":
            return _budget(subject, told, names)
        case "cost":
            return f"Self-hosting cost {told} of what the seats would have cost, month to date."
        case "idle":
            return f"{told} of the metered energy{over} served no request."
        case "energy_price":
            return f"Electricity costs {told}."
        case "errors":
            return f"{told} of the requests{over} failed."
        case "latency":
            return f"The slowest twentieth of the answers{over} began after {told} or more."
        case "down":
            return _down(subject)
        case "disk":
            host, _, folder = subject.partition("|disk ")
            return f"The disk of {folder} on {host} is {told} full."


def cleared_sentence(rule: Rule, subject: str, names: Names, ended: str | None) -> str:
    """That it is over."""
    what = _watched(rule, subject, names)
    if ended == "gone":
        return f"{what}: it is not watched any more."
    return f"{what}: it is well again."


def _watched(rule: Rule, subject: str, names: Names) -> str:
    host, _, what = subject.partition("|")
    match rule.kind:
        case "budget":
            return f"The budget of {subject.rpartition(' ')[2]} of {_holder(subject, names)}"
        case "cost":
            return "The cost beside the seats"
        case "idle":
            return "The idle share"
        case "energy_price":
            return "The energy price"
        case "errors":
            return "The error rate"
        case "latency":
            return "The time to the first token"
        case "down":
            return f"The {what}, as {host} sees it"
        case "disk":
            return f"The {what.replace('disk ', 'disk of ')} on {host}"


def condition(rule: Rule, names: Names) -> str:
    """When it fires: `at 10% (over 15 min) for 5 min, clears below 5%`."""
    if rule.kind == "down":
        return f"once it lasts {lasting(rule.for_minutes)}" if rule.for_minutes else "at once"
    held = f" for {lasting(rule.for_minutes)}" if rule.for_minutes else ""
    over = "" if rule.window_minutes is None else f" (over {lasting(rule.window_minutes)})"
    return (
        f"at {figure(rule, rule.threshold, names)}{over}{held}, "
        f"clears below {figure(rule, rule.clears_at, names)}"
    )


def scope(rule: Rule, names: Names) -> str:
    """Whose budgets it is about."""
    if rule.team_id is not None:
        return f"team {names.teams.get(rule.team_id, rule.team_id)}"
    if rule.developer_id is not None:
        return f"developer {names.developers.get(rule.developer_id, rule.developer_id)}"
    return "everybody" if rule.kind == "budget" else ""


def figure(rule: Rule, value: Decimal | None, names: Names) -> str:
    if value is None:
        return formats.UNKNOWN
    match rule.kind:
        case "energy_price":
            symbol = formats.SYMBOLS.get(names.currency, f"{names.currency} ")
            return f"{symbol}{_price(value)} per kWh"
        case "latency":
            return f"{_short(value)} s"
        case _:
            return f"{_short(value)}%"


def lasting(minutes: int) -> str:
    """`15 min`, `2 h`, `7 days`."""
    if minutes % (24 * 60) == 0 and minutes:
        days = minutes // (24 * 60)
        return "24 h" if days == 1 else f"{days} days"
    return f"{minutes // 60} h" if minutes % 60 == 0 and minutes else f"{minutes} min"


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _price(value: Decimal) -> str:
    """All of its digits, cents at least."""
    exponent = value.normalize().as_tuple().exponent
    digits = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{value:.{digits}f}"


def _short(value: Decimal) -> str:
    text = f"{value:,.1f}"
    return text.removesuffix(".0")


def _budget(subject: str, told: str, names: Names) -> str:
    kind = subject.rpartition(" ")[2]
    return f"{_holder(subject, names)} has used {told} of the month's budget of {kind}."


def _holder(subject: str, names: Names) -> str:
    whose, number, _kind = subject.split(" ")
    known = names.developers if whose == "developer" else names.keys
    return known.get(int(number), f"{whose} {number}")


def _down(subject: str) -> str:
    host, _, what = subject.partition("|")
    if what == "engine":
        return f"The engine on {host} is not available."
    if what.startswith("upstream "):
        return f"The upstream {what.removeprefix('upstream ')} does not answer {host}."
    return f"The energy meter {what.removeprefix('meter ')} gives no figures to {host}."
