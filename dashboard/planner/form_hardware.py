"""Hardware's part of the planner's form: a card for each kind of it, to add and to remove."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from dashboard import formats, ui
from dashboard.costs.money import words
from dashboard.costs.ownership.assets import Asset, cost
from dashboard.costs.ownership.terms import Portion
from dashboard.planner.discounts import FROM, PERCENT, MistakeError, rows_of, tiers_of
from dashboard.planner.form_depreciation import depreciation
from dashboard.planner.inputs import Inputs, Scale
from dashboard.planner.state import Opened

Raw = dict[str, Any]
Grid = Callable[[], AbstractContextManager[None]]
MOST = 12  # cards; more may come from a file, and stay as they are there
DAYS = ("purchase", "in-service", "sold-on")  # that move with the scenario's first one


def of(now: Opened, inputs: Inputs, place: int) -> Inputs:
    """The inputs of one kind of hardware, the first being 0."""
    return inputs.part(f"asset-{now.ids['assets'][place]}")


def figures(asset: Raw, inputs: Inputs) -> None:
    """What matters most of one kind of hardware."""
    price = float(asset["unit_price"])
    asset["unit_price"] = inputs.slider(
        "price",
        "Hardware price, one unit",
        asset["unit_price"],
        Scale(0, max(100_000, 2 * price), 500, 2),
        "List price of one unit, with all that it needs to run: host, network, racks.",
    )
    asset["count"] = int(
        inputs.number(
            "count",
            "Units of hardware",
            asset["count"],
            "How many are bought. Of the first kind, as many draw power and serve the model, until "
            "another number is given there.",
            low=1,
            high=1_000_000,
        )
    )
    asset["life_months"] = int(
        inputs.slider(
            "life",
            "Life, months",
            asset["life_months"],
            Scale(6, 120, 1, 0, most=600),
            "For how long the hardware is used. Its price is spread over this time.",
        )
    )
    part = "percent" if asset["residual"]["amount"] is None else "amount"
    asset["residual"][part] = inputs.number(
        "residual",
        "Resale value, % of price" if part == "percent" else "Resale value at its end",
        asset["residual"][part],
        "What a sale brings at the end of its life, of all units together (residual value).",
        high=100 if part == "percent" else 1e12,
        step=1 if part == "percent" else 500,
        digits=2,
    )


def hardware(raw: Raw, now: Opened, inputs: Inputs, grid: Grid) -> list[str]:
    """Every kind of it. Gives back what is wrong with discounts, in sentences."""
    st.markdown("**What is bought, or leased**")
    mistakes = []
    shown = raw["assets"][:MOST]
    for place, asset in enumerate(shown):
        with st.container(border=True):
            mistakes += _card(raw, now, place, asset, of(now, inputs, place), grid)
    left = len(raw["assets"]) - len(shown)
    if left:
        st.caption(f"{left} more kinds of hardware stay as they are in the scenario.")
    st.button(
        "Add hardware",
        icon=":material/add:",
        key=inputs.key("asset-add"),
        on_click=lambda: now.add("assets", another(now)),
        disabled=len(raw["assets"]) >= MOST,
        help=f"At most {MOST} kinds: put alike ones together."
        if len(raw["assets"]) >= MOST
        else "It starts with the first one's dates, life and depreciation, and costs nothing until "
        "you give its price.",
    )
    return mistakes


def another(now: Opened) -> Asset:
    """As the first one, without what is the first one's alone. Nothing changes before it has a
    price."""
    first = now.edited.assets[0]
    moved = now.edited.start - now.base.start  # what is in the base moves by it, as this one will
    part = first.residual.percent
    tax = first.tax_depreciation
    if getattr(tax, "section_179", None) is not None:
        tax = tax.model_copy(update={"section_179": None})
    return Asset(
        name=f"Hardware {now.numbered + 1}",
        unit_price=Decimal(0),
        purchase_date=first.purchase_date - moved,
        in_service_date=first.in_service_date - moved,
        life_months=first.life_months,
        residual=Portion(amount=Decimal(0)) if part is None else Portion(percent=part),
        book_depreciation=first.book_depreciation,
        tax_depreciation=tax,
    )


def _card(raw: Raw, now: Opened, place: int, asset: Raw, inputs: Inputs, grid: Grid) -> list[str]:
    before = asset["name"]
    with st.container(horizontal=True):
        heading, remove = st.container(), st.container(width="content")
    with grid():
        asset["name"] = inputs.text("name", "Hardware's name", before, "What pages call it.")
        asset["name"] = asset["name"].strip() or before
        if place:
            figures(asset, inputs)
        _days(asset, inputs)
        depreciation(asset, inputs)
        _disposal(asset, inputs)
    mistakes = _discounts(asset, inputs)
    with heading:
        st.markdown(_heading(asset, place, raw["currency"]))
        if not place:
            st.caption("Its price, units, life and resale value stand under What matters most.")
        if len(raw["assets"]) == 1:
            st.caption("The only hardware: it can be removed once there is another kind.")
    with remove:
        _remove(now, place, asset["name"], inputs)
    return mistakes


def _heading(asset: Raw, place: int, currency: str) -> str:
    """With what it comes to, once that can be told."""
    name = f"**{place + 1}. {formats.escape(asset['name'])}**"
    try:
        whole = cost(Asset.model_validate(asset))
    except ValidationError:
        return name
    return f"{name}: {asset['count']:,} for {formats.escape(words(whole, currency))}"


def _remove(now: Opened, place: int, name: str, inputs: Inputs) -> None:
    only = len(now.ids["assets"]) == 1
    number = now.ids["assets"][place]
    if st.button(
        "Remove",
        icon=":material/delete:",
        key=inputs.key("remove"),
        disabled=only,
        help="A scenario needs some hardware: add another kind before you remove this one."
        if only
        else None,
    ):
        ui.confirm(
            "Remove the hardware",
            f"Remove **{formats.escape(name)}** from this scenario? What is saved stays as it is "
            "until you save again.",
            "Remove",
            lambda: now.remove("assets", number),
        )


def _days(asset: Raw, inputs: Inputs) -> None:
    asset["purchase_date"] = inputs.day(
        "purchase",
        "Purchased on",
        asset["purchase_date"],
        "The day of the binding contract and of payment.",
    )
    asset["in_service_date"] = inputs.day(
        "in-service",
        "In service from",
        asset["in_service_date"],
        "The first day ready for use. From then on it depreciates.",
    )


def _disposal(asset: Raw, inputs: Inputs) -> None:
    before = asset["disposal"]
    settled = inputs.yes(
        "sold",
        "Its sale is settled",
        before is not None,
        "On which day all units are sold or scrapped, and for how much. Otherwise hardware is "
        "taken to be sold for its book value at the end of the time looked at.",
    )
    if not settled:
        asset["disposal"] = None
        return
    asset["disposal"] = {
        "on": inputs.day(
            "sold-on",
            "Last day in service",
            before["on"] if before else asset["in_service_date"],
            "On this day it is sold or scrapped; its depreciation still counts.",
        ),
        "proceeds": inputs.number(
            "proceeds",
            "Sold for, all units",
            before["proceeds"] if before else Decimal(0),
            "What the sale brings; 0 where it is scrapped.",
            step=500,
            digits=2,
        ),
    }


def _discounts(asset: Raw, inputs: Inputs) -> list[str]:
    """A table to type in."""
    before = asset["discounts"]
    st.caption(
        "Quantity discounts: on every unit, once so many are bought. The one with most units "
        "reached applies."
    )
    table: pd.DataFrame = st.data_editor(
        rows_of(before),
        hide_index=True,
        num_rows="dynamic",
        width=360,
        key=inputs.key("discounts"),
        column_config={
            FROM: st.column_config.NumberColumn(
                min_value=1, max_value=1_000_000, step=1, help="The fewest units that get it."
            ),
            PERCENT: st.column_config.NumberColumn(
                min_value=0, max_value=100, format="%.10g", help="Off the price of each unit."
            ),
        },
    )
    try:
        asset["discounts"] = tiers_of(table, before)
    except MistakeError as error:
        said = f"{asset['name']}, quantity discounts: {error}"
        st.error(formats.escape(said), icon=":material/error:")
        return [said]
    return []
