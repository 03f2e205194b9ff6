"""The planner's form: what matters most in sight, the rest folded away.

Parts of the form change `raw`, a scenario as plain values, which is checked as a whole at the end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import streamlit as st
from pydantic import ValidationError

from dashboard import formats
from dashboard.costs.capacity.scale_out import ASSUMED_LOAD
from dashboard.costs.scenario import Scenario
from dashboard.planner import form_hardware, form_power
from dashboard.planner.form_capacity import capacity, tokens_and_api
from dashboard.planner.form_hardware import figures, hardware
from dashboard.planner.form_money import financing, more_money, tax_year
from dashboard.planner.form_power import loads, watts
from dashboard.planner.form_running import operations, tariff
from dashboard.planner.form_uncertainty import uncertainty
from dashboard.planner.inputs import Inputs, Scale
from dashboard.planner.state import Opened

Raw = dict[str, Any]
COLUMN = 190  # pixels that an input needs
OPERATIONS = "Operations"


def form(now: Opened) -> Scenario:
    """The scenario as the form says it now. ValueError where that makes no sense, mostly pydantic's
    ValidationError."""
    base, inputs = now.base, Inputs(now.loading)
    raw = base.model_dump()
    with st.container(border=True):
        st.markdown(f"**What matters most** ({base.currency})")
        with _grid():
            _team_and_hardware(raw, now, inputs)
            _running(raw, now, inputs)
            more_money(raw, inputs)
        for note in _left_out(base):
            st.caption(note)
    things = st.expander("Hardware and what draws power", icon=":material/dns:")
    with st.expander("Financing, tax and the time looked at", icon=":material/account_balance:"):
        with _grid():
            financing(raw, inputs)
        with _grid():
            tax_year(raw, inputs)
            _first_day(raw, now, inputs)
            time = st.container()
    _go_along(raw, now, inputs)
    with things:
        mistakes = hardware(raw, now, inputs, _grid)
        loads(raw, now, inputs, _grid)
    with time:
        _horizon(raw, inputs, own=base.horizon_months not in _lives(base))
    with st.expander("Electricity tariff and operations", icon=":material/bolt:"):
        tariff(raw, inputs, _grid)
        operations(raw, inputs, _grid)
    with st.expander("Model, hardware and load", icon=":material/memory:"):
        capacity(raw, inputs, _grid)
    with st.expander("Tokens, and an API to compare with", icon=":material/data_usage:"):
        tokens_and_api(raw, inputs, _grid)
    with st.expander("How unsure the inputs are", icon=":material/stacked_line_chart:"):
        uncertainty(raw, inputs)
    if mistakes:
        raise ValueError(mistakes[0])
    return Scenario.model_validate(raw)


def problem(error: ValidationError) -> str:
    """What is wrong with a scenario, in one sentence."""
    first = error.errors()[0]
    words = first["msg"].removeprefix("Value error, ")
    where = " → ".join(str(step + 1 if isinstance(step, int) else step) for step in first["loc"])
    return f"{where.replace('_', ' ')}: {words}" if where else words


@contextmanager
def _grid() -> Iterator[None]:
    with st.grid(min_column_width=COLUMN):
        yield


def _team_and_hardware(raw: Raw, now: Opened, inputs: Inputs) -> None:
    asset, own = raw["assets"][0], form_hardware.of(now, inputs, 0)
    team = Scale(0, max(50, 4 * raw["developers"]), 1, 0, most=1_000_000)
    raw["developers"] = int(
        inputs.slider(
            "developers",
            "Developers",
            raw["developers"],
            team,
            "How many people would otherwise have a seat of the commercial assistant.",
        )
    )
    if raw["seats"]["kind"] == "per_developer":
        raw["seats"]["price_per_month"] = inputs.slider(
            "seat",
            "Seat, a month",
            raw["seats"]["price_per_month"],
            Scale(0, 500, 5, 2),
            "What the commercial assistant costs for one developer in a month.",
        )
    figures(asset, own)


def _go_along(raw: Raw, now: Opened, inputs: Inputs) -> None:
    """What draws power, and what serves the model, are as many as the first hardware that is
    bought, until somebody gives another number there."""
    before, bought = now.base.assets[0].count, raw["assets"][0]["count"]
    if raw["loads"]:
        form_power.of(now, inputs, 0).follow("count", raw["loads"][0]["count"], bought, before)
    if raw["capacity"]:
        inputs.follow("accelerators", raw["capacity"]["accelerators"], bought, before)


def _running(raw: Raw, now: Opened, inputs: Inputs) -> None:
    if raw["tariff"]["kind"] == "flat":
        raw["tariff"]["price_per_kwh"] = inputs.slider(
            "electricity",
            "Electricity, per kWh",
            raw["tariff"]["price_per_kwh"],
            Scale(0, 0.6, 0.005, 4),
            "What the supplier asks for a kilowatt-hour, with all fees on it.",
        )
    if raw["loads"]:
        watts(raw["loads"][0], form_power.of(now, inputs, 0))
    raw["pue"] = inputs.slider(
        "pue",
        "PUE",
        raw["pue"],
        Scale(1, 2, 0.01, 2, most=10),
        "Power usage effectiveness: the whole site's energy over the computers' own. 1.0 without "
        "cooling, often 1.5 in a data centre.",
    )
    _operations_sum(raw, inputs)
    use = raw["use"]
    tokens = inputs.optional(
        "tokens",
        "Tokens a day, whole team",
        None if use is None else use["tokens_per_day"],
        "Input and output tokens of all developers together. Empty: not known.",
    )
    if tokens is None and raw["api"] is None:
        raw["use"] = None
    elif tokens is not None:
        raw["use"] = (use or _assumed_use(raw)) | {"tokens_per_day": tokens}


def _assumed_use(raw: Raw) -> Raw:
    """How tokens divide, as the load of the capacity has it until somebody says otherwise."""
    load = raw["capacity"]["load"] if raw["capacity"] else ASSUMED_LOAD.model_dump()
    share = Decimal(load["prompt_tokens"]) / (load["prompt_tokens"] + load["answer_tokens"])
    cached = Decimal(str(load["cached_share"]))
    return {"input_share": round(share, 3), "cached_share": cached, "throughput_tokens_per_s": None}


def _operations_sum(raw: Raw, inputs: Inputs) -> None:
    """The one row that stands for all of operations, beside those of the expander."""
    items = [dict(item) for item in raw["operations"]["items"]]
    lump = next((i for i in items if (i["kind"], i["name"]) == ("per_month", OPERATIONS)), None)
    price = inputs.slider(
        "operations",
        "Operations, a month",
        lump["price_per_month"] if lump else Decimal(0),
        Scale(0, 5000, 50, 2),
        "Hosting, network and the hours of whoever looks after it, in one sum. Single items stand "
        "under Electricity tariff and operations, and are added to this.",
    )
    others = [item for item in items if item is not lump]
    row = {"kind": "per_month", "name": OPERATIONS, "price_per_month": price}
    raw["operations"]["items"] = ([row] if price else []) + others


def _lives(scenario: Scenario) -> set[int]:
    return {asset.life_months for asset in scenario.assets}


def _first_day(raw: Raw, now: Opened, inputs: Inputs) -> None:
    """With it move the days of all that is bought."""
    start = inputs.day(
        "start",
        "First day",
        raw["start"],
        "When the first month begins. Purchases, first days in service and settled sales move "
        "with it.",
    )
    moved: timedelta = start - raw["start"]
    for asset in raw["assets"]:
        asset["purchase_date"] += moved
        asset["in_service_date"] += moved
        if asset["disposal"]:
            asset["disposal"]["on"] += moved
    since = start - now.first_day  # days that are shown already have moved so far
    for place in range(len(raw["assets"])):
        for name in form_hardware.DAYS:
            form_hardware.of(now, inputs, place).move(name, since)
    raw["start"] = now.first_day = start


def _horizon(raw: Raw, inputs: Inputs, *, own: bool) -> None:
    """How long is looked at."""
    if inputs.yes(
        "own-horizon",
        "Look at another time than the hardware's life",
        own,
        "Cash flows, NPV and IRR are over this time.",
    ):
        raw["horizon_months"] = int(
            inputs.number(
                "horizon",
                "Months looked at",
                raw["horizon_months"],
                "How many months of cash flows there are.",
                low=1,
                high=600,
            )
        )
    else:
        raw["horizon_months"] = max(asset["life_months"] for asset in raw["assets"])


def _left_out(base: Scenario) -> Iterator[str]:
    """What stands elsewhere, and what this form cannot change: that stays as it was loaded."""
    if len(base.assets) > 1 or len(base.loads) > 1:
        yield (
            "Price, units, life and resale value are those of the first hardware, watts those of "
            "the first load. The others stand under Hardware and what draws power."
        )
    if base.seats.kind == "seats":
        names = ", ".join(plan.name for plan in base.seats.plans)
        yield formats.escape(f"Seats stay as they are in the scenario: {names}.")
    if base.tariff.kind == "time_of_use":
        yield "Electricity has prices by time of use: see Electricity tariff and operations."
