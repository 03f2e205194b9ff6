"""What each rule's value is now, read from the ledger, the service and the disk."""

import socket
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pandas as pd
import psutil
import streamlit as st
from sqlalchemy import Engine

from dashboard.overview import View, first_moment
from dashboard.periods import MINUTE_MS, period
from dashboard.sides import developers_of
from dashboard.team import comparison_of
from db import people, queries
from db.alert_queries import first_token_s
from db.alert_rules import Rule
from db.alert_states import Reading
from db.errors import InvalidInput
from db.limits import Holder, list_limits
from db.months import month_of
from db.prices import current_prices
from db.schema import AlertKind
from db.teams import members_of
from db.urls import database_path, is_postgresql
from engine.api.service import Service

FEWEST_REQUESTS = 10
SLOWEST = Decimal("0.95")
_ALL = Decimal(100)
_PLACES = Decimal("0.0001")


def read(service: Service, rule: Rule, now_ms: int) -> list[Reading]:
    """Every subject that the rule has now. InvalidInput, LedgerUnavailable: it cannot be told."""
    return list(_READ[rule.kind](service, rule, now_ms))


def _budget(service: Service, rule: Rule, now_ms: int) -> Iterator[Reading]:
    engine = service.database
    use = queries.month_use(engine, month_of(now_ms))
    watched = _watched(engine, rule, now_ms)
    for holder in list_limits(engine):
        if holder.developer_id not in watched:
            continue
        of = "developer_id" if holder.api_key_id is None else "api_key_id"
        key = holder.api_key_id or holder.developer_id
        name = "developer" if holder.api_key_id is None else "key"
        yield from _shares(holder, f"{name} {key}", use[use[of] == key])


def _watched(engine: Engine, rule: Rule, now_ms: int) -> set[int]:
    """The developers whose budgets a rule is about: those of now, who are not archived."""
    active = {person.id for person in people.list_developers(engine)}
    if rule.developer_id is not None:
        return active & {rule.developer_id}
    if rule.team_id is not None:
        return active & {member.developer_id for member in members_of(engine, rule.team_id, now_ms)}
    return active


def _shares(holder: Holder, subject: str, use: pd.DataFrame) -> Iterator[Reading]:
    tokens, energy_j = holder.limits.tokens_per_month, holder.limits.energy_j_per_month
    if tokens is not None:
        used = int(use["input_tokens"].sum() + use["output_tokens"].sum())
        yield Reading(f"{subject} tokens", _percent(used, tokens))
    if energy_j is not None:
        used_j = float(use["energy_j"].sum())
        known = used_j > 0 or not use["requests"].sum()
        yield Reading(f"{subject} energy", _percent(used_j, energy_j) if known else None)


def _cost(service: Service, rule: Rule, now_ms: int) -> Iterator[Reading]:
    engine, zone = service.database, ZoneInfo(rule.timezone)
    month = period("month", zone, now_ms, first_moment(engine, zone, now_ms))
    view = View("own", "month", rule.timezone)
    try:
        both = comparison_of(engine, view, month, developers_of(engine, zone))
    except InvalidInput:  # prices in two currencies
        yield Reading("", None)
        return
    yield Reading("", _percent(both.self_hosted_total, both.baseline_total))


def _idle(service: Service, rule: Rule, now_ms: int) -> Iterator[Reading]:
    energy = queries.energy_between(service.database, _since(rule, now_ms), now_ms)
    total, served = energy.complete_j, energy.attributed_j
    if total is None or served is None:
        yield Reading("", None)
    else:
        yield Reading("", _percent(max(total - served, 0.0), total))


def _energy_price(service: Service, _rule: Rule, now_ms: int) -> Iterator[Reading]:
    yield Reading("", current_prices(service.database, now_ms).electricity_price_per_kwh)


def _errors(service: Service, rule: Rule, now_ms: int) -> Iterator[Reading]:
    found = queries.totals(service.database, _since(rule, now_ms), now_ms + 1)
    failed = found.errors + found.interrupted
    ended = found.ok + found.cancelled + failed
    yield Reading("", _percent(failed, max(ended, FEWEST_REQUESTS)))


def _latency(service: Service, rule: Rule, now_ms: int) -> Iterator[Reading]:
    slow = first_token_s(service.database, _since(rule, now_ms), now_ms + 1, SLOWEST)
    yield Reading("", Decimal(0) if slow is None else slow)  # nobody waits


def _down(service: Service, _rule: Rule, _now_ms: int) -> Iterator[Reading]:
    """What this process sees. Others, on this host too, have engines and upstreams of their own."""
    here = f"{socket.gethostname()}:{st.get_option('server.port')}"
    if service.computes_here:
        yield _is_down(f"{here}|engine", service.state.name == "failed")
    meters: dict[str, bool] = {}
    for upstream in service.upstreams.health():
        yield _is_down(f"{here}|upstream {_without_user(upstream['url'])}", not upstream["up"])
        for meter in upstream["meters"]:
            meters[f"{upstream['machine']} {meter['name']}"] = meter["problem"] is not None
    for device in service.power.now():
        if device.machine == "here":
            meters[f"{device.meter} {device.device}"] = device.watts is None
    for name, silent in meters.items():
        yield _is_down(f"{here}|meter {name}", silent)


def _disk(service: Service, _rule: Rule, _now_ms: int) -> Iterator[Reading]:
    folders = [service.settings.home]
    if not is_postgresql(service.settings.ledger_url):
        folders.append(database_path(service.settings.ledger_url).parent)
    seen: set[int] = set()
    for folder in folders:
        device = folder.stat().st_dev
        if device not in seen:
            seen.add(device)
            used = Decimal(str(psutil.disk_usage(str(folder)).percent))
            yield Reading(f"{socket.gethostname()}|disk {folder}", used)


_READ: dict[AlertKind, Callable[[Service, Rule, int], Iterator[Reading]]] = {
    "budget": _budget,
    "cost": _cost,
    "idle": _idle,
    "energy_price": _energy_price,
    "errors": _errors,
    "latency": _latency,
    "down": _down,
    "disk": _disk,
}


def _since(rule: Rule, now_ms: int) -> int:
    return now_ms - (rule.window_minutes or 0) * MINUTE_MS


def _percent(part: Any, whole: Any) -> Decimal | None:
    """None: of nothing there is no part."""
    if not whole:
        return None
    return (Decimal(str(part)) * _ALL / Decimal(str(whole))).quantize(_PLACES)


def _is_down(subject: str, down: bool) -> Reading:
    return Reading(subject, Decimal(int(down)))


def _without_user(url: str) -> str:
    """An address without the password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
