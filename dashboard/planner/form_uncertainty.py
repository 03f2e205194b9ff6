"""Uncertainty's part of the planner's form: how far off each input may be."""

from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts_costs import NAMES
from dashboard.planner.inputs import Inputs, plain

Raw = dict[str, Any]
_UNITS = {"relative": "% of the value", "around": "its own unit"}


def uncertainty(raw: Raw, inputs: Inputs) -> None:
    """A table to type in. What is neither relative nor a plain range stays as it was loaded."""
    ranges = raw["uncertainty"]
    typed = {name: one for name, one in ranges.items() if one["kind"] in _UNITS}
    st.caption(
        "Assumed ranges, not measured ones: from the lowest to the highest that each input may "
        "turn out, with the planned value as the likeliest. The interval and the tornado follow."
    )
    if not typed:
        st.caption("Nothing is unsure in this scenario, so there is no interval.")
        return
    table = st.data_editor(
        pd.DataFrame([_row(name, one) for name, one in typed.items()]),
        hide_index=True,
        disabled=["Input", "In"],
        key=inputs.key("uncertainty"),
        column_config={
            "Lowest": st.column_config.NumberColumn(min_value=0, required=True),
            "Highest": st.column_config.NumberColumn(min_value=0, required=True),
        },
    )
    for (name, one), (low, high) in zip(
        typed.items(), table[["Lowest", "Highest"]].to_numpy(), strict=True
    ):
        scale = 100 if one["kind"] == "relative" else 1
        ranges[name] = one | {
            "low": _changed(one["low"], low, scale),
            "high": _changed(one["high"], high, scale),
        }


def _row(name: str, one: Raw) -> Raw:
    scale = 100 if one["kind"] == "relative" else 1
    return {
        "Input": NAMES[name],
        "Lowest": float(one["low"] * scale),
        "Highest": float(one["high"] * scale),
        "In": _UNITS[one["kind"]],
    }


def _changed(before: Decimal, typed: float, scale: int) -> Decimal:
    return before if float(before * scale) == float(typed) else plain(typed) / scale
