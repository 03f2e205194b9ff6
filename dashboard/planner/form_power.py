"""Power's part of the planner's form: a card for each electrical load, to add and to remove."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboard import formats, ui
from dashboard.costs.electricity.loads import Load
from dashboard.planner.inputs import Inputs
from dashboard.planner.state import Opened

Raw = dict[str, Any]
Grid = Callable[[], AbstractContextManager[None]]
MOST = 12  # cards; more may come from a file, and stay as they are there
BASES = {"measured": "A meter's", "nameplate": "The nameplate's"}


def of(now: Opened, inputs: Inputs, place: int) -> Inputs:
    """The inputs of one load, the first being 0."""
    return inputs.part(f"load-{now.ids['loads'][place]}")


def watts(load: Raw, inputs: Inputs) -> None:
    """What matters most of one load."""
    load["idle_w"] = inputs.number(
        "idle",
        "Idle power of one, watts",
        load["idle_w"],
        "What one unit draws while it waits. A rated figure is rarely drawn.",
        high=1e9,
        step=10,
    )
    load["active_w"] = inputs.number(
        "active",
        "Power at work of one, watts",
        load["active_w"],
        "What one unit draws while it computes. A rated figure is rarely drawn.",
        high=1e9,
        step=10,
    )
    if not isinstance(load["active_share"], tuple):
        percent = inputs.number(
            "busy",
            "Time at work, %",
            load["active_share"] * 100,
            "Share of all hours in which it computes; it idles in the others.",
            high=100,
            step=5,
        )
        load["active_share"] = percent / 100


def loads(raw: Raw, now: Opened, inputs: Inputs, grid: Grid) -> None:
    """Every one of them."""
    st.markdown("**What draws power**")
    shown = raw["loads"][:MOST]
    for place, load in enumerate(shown):
        with st.container(border=True):
            _card(now, place, load, of(now, inputs, place), grid)
    left = len(raw["loads"]) - len(shown)
    if left:
        st.caption(f"{left} more electrical loads stay as they are in the scenario.")
    if not shown:
        st.caption(
            ":material/power_off: Nothing draws power in this scenario, so its electricity is the "
            "supplier's fee alone. Add what does."
        )
    st.button(
        "Add a load",
        icon=":material/add:",
        key=inputs.key("load-add"),
        on_click=lambda: now.add("loads", another(now)),
        disabled=len(raw["loads"]) >= MOST,
        help=f"At most {MOST} loads: put alike ones together."
        if len(raw["loads"]) >= MOST
        else "Whatever else is plugged in: hosts, switches, storage. It draws nothing until you "
        "give its watts.",
    )


def another(now: Opened) -> Load:
    return Load(
        name=f"Load {now.numbered + 1}", idle_w=Decimal(0), active_w=Decimal(0), basis="nameplate"
    )


def _card(now: Opened, place: int, load: Raw, inputs: Inputs, grid: Grid) -> None:
    before, number = load["name"], now.ids["loads"][place]
    with st.container(horizontal=True):
        heading, remove = st.container(), st.container(width="content")
    with grid():
        load["name"] = inputs.text("name", "Load's name", before, "What draws the power.")
        load["name"] = load["name"].strip() or before
        load["count"] = int(
            inputs.number("count", "Units", load["count"], "How many of them.", high=1_000_000)
        )
        if place:
            watts(load, inputs)
        load["basis"] = inputs.choice(
            "basis",
            "Watts are",
            list(BASES),
            load["basis"],
            "Whether they were read by a meter, or stand on the nameplate.",
            words=BASES,
        )
    name = formats.escape(load["name"])
    with heading:
        st.markdown(f"**{place + 1}. {name}**")
        if not place:
            st.caption("Its watts and its time at work stand under What matters most.")
        if isinstance(load["active_share"], tuple):
            st.caption("Its time at work goes by the hour of the day, as in the scenario's file.")
    with remove:
        if st.button("Remove", icon=":material/delete:", key=inputs.key("remove")):
            ui.confirm(
                "Remove the load",
                f"Remove **{name}** from this scenario? What is saved stays as it is until you "
                "save again.",
                "Remove",
                lambda: now.remove("loads", number),
            )
