"""Running costs' part of the planner's form: the electricity tariff, and operations' items."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard import formats
from dashboard.planner.inputs import Inputs

Raw = dict[str, Any]
Grid = Callable[[], AbstractContextManager[None]]
KINDS = {"flat": "One price at all hours", "time_of_use": "By time of use"}
WORKDAYS, WEEKEND = (1, 2, 3, 4, 5), (6, 7)


def tariff(raw: Raw, inputs: Inputs, grid: Grid) -> None:
    before = raw["tariff"]
    with grid():
        kind = inputs.choice(
            "tariff",
            "Tariff",
            list(KINDS),
            before["kind"],
            "Whether a kilowatt-hour costs the same at all hours.",
            words=KINDS,
        )
        before["fixed_per_month"] = inputs.number(
            "tariff-fee",
            "Supplier's fee, a month",
            before["fixed_per_month"],
            "Due whether electricity is used or not.",
            digits=2,
        )
        before["demand_per_kw"] = inputs.number(
            "demand",
            "Demand charge, per kW and month",
            before["demand_per_kw"],
            "Asked for the highest power of the month.",
            digits=2,
        )
        common = {name: before[name] for name in ("fixed_per_month", "demand_per_kw", "currency")}
        if kind == before["kind"] == "time_of_use":
            _period_prices(before, inputs)
        elif kind == "time_of_use":
            raw["tariff"] = common | _peak_and_rest(before, inputs)
        elif before["kind"] == "time_of_use":
            raw["tariff"] = common | {"kind": "flat", "price_per_kwh": _one_price(before, inputs)}
    if kind == before["kind"] == "time_of_use":
        names = "; ".join(_hours(period) for period in before["periods"])
        st.caption(formats.escape(f"{names}. Time zone: {before['timezone']}."))


def _one_price(before: Raw, inputs: Inputs) -> Decimal:
    dearest = max(period["price_per_kwh"] for period in before["periods"])
    return inputs.number(
        "electricity-flat", "Electricity, per kWh", dearest, "At all hours.", step=0.01, digits=4
    )


def _period_prices(tariff: Raw, inputs: Inputs) -> None:
    for place, period in enumerate(tariff["periods"]):
        period["price_per_kwh"] = inputs.number(
            f"period-{place}",
            f"{period['name']}, per kWh".capitalize(),
            period["price_per_kwh"],
            _hours(period),
            step=0.01,
            digits=4,
        )


def _peak_and_rest(before: Raw, inputs: Inputs) -> Raw:
    """A peak on workdays, and one lower price in all other hours."""
    price = before["price_per_kwh"]
    peak = inputs.number(
        "peak", "Peak, per kWh", price, "Price in the peak's hours.", step=0.01, digits=4
    )
    rest = inputs.number(
        "off-peak", "Off-peak, per kWh", price, "Price in all other hours.", step=0.01, digits=4
    )
    first = inputs.number("peak-from", "Peak from, hour", 8, "Local time, 0 to 23.", high=22)
    last = inputs.number("peak-to", "Peak to, hour", 20, "Local time, 1 to 23.", low=1, high=23)
    zone = inputs.text("zone", "Time zone", "UTC", "Of these hours, such as Europe/Berlin.")
    return {
        "kind": "time_of_use",
        "timezone": zone,
        "periods": [
            _period("peak", peak, WORKDAYS, int(first), int(last)),
            _period("off-peak", rest, WORKDAYS, int(last), int(first) or 24),
            _period("weekend", rest, WEEKEND, 0, 24),
        ],
    }


def _period(name: str, price: Decimal, days: tuple[int, ...], first: int, last: int) -> Raw:
    return {
        "name": name,
        "price_per_kwh": price,
        "weekdays": days,
        "from_hour": first,
        "to_hour": last,
    }


def _hours(period: Raw) -> str:
    days = ", ".join(_DAYS[day - 1] for day in period["weekdays"])
    return f"{period['name']}: {days}, {period['from_hour']}:00 to {period['to_hour']}:00"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# What the rows of the form's items are called.
_HOURS, _SUPPORT, _SPARES = "Administration", "Support contract", "Spares"
_PLACE, _NETWORK = "Colocation", "Network"


def operations(raw: Raw, inputs: Inputs, grid: Grid) -> None:
    """Single items, beside the sum among the main inputs. Rows of other kinds stay."""
    rows = {(row["kind"], row["name"]): row for row in raw["operations"]["items"]}
    with grid():
        _administration(rows, inputs)
        _by(rows, inputs, "space_per_kw", _PLACE, "kw", "Colocation, kW reserved", _SPACE)
        _by(
            rows,
            inputs,
            "space_per_kw",
            _PLACE,
            "price_per_kw_month",
            "Colocation, per kW and month",
            _SPACE,
        )
        _by(rows, inputs, "percent_a_year", _SUPPORT, "percent", "Support, % of price a year", "")
        _by(rows, inputs, "percent_a_year", _SPARES, "percent", "Spares, % of price a year", "")
        _by(rows, inputs, "per_month", _NETWORK, "price_per_month", "Network, a month", "")
    raw["operations"]["items"] = [row for row in rows.values() if _is_whole(row)]


_SPACE = "Space in somebody's data centre, by the power that is reserved."
_FIELDS = {
    "administration": ("hours_per_month", "rate_per_hour"),
    "space_per_kw": ("kw", "price_per_kw_month"),
    "percent_a_year": ("percent",),
    "per_month": ("price_per_month",),
}
Rows = dict[tuple[str, str], Raw]


def _administration(rows: Rows, inputs: Inputs) -> None:
    words = "Working time of the people who keep it running, wage and overheads."
    kind = "administration"
    _by(rows, inputs, kind, _HOURS, "hours_per_month", "Administration, hours a month", words)
    _by(rows, inputs, kind, _HOURS, "rate_per_hour", "Administration, per hour", words)


def _by(
    rows: Rows, inputs: Inputs, kind: str, name: str, field: str, label: str, explain: str
) -> None:
    empty = {"kind": kind, "name": name} | dict.fromkeys(_FIELDS[kind], Decimal(0))
    row = rows.setdefault((kind, name), empty)
    row[field] = inputs.number(
        f"{name}-{field}",
        label,
        row[field],
        explain or f"{name}, on top of the other items.",
        high=100 if field == "percent" else 1e12,
        digits=2,
    )


def _is_whole(row: Raw) -> bool:
    """Not one that was left at nothing."""
    return any(row[field] for field in _FIELDS.get(row["kind"], ())) or row["kind"] not in _FIELDS
