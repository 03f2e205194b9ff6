"""Prices: what hardware, electricity and seats cost, dated, with all that held before."""

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.ledgers import engine_of
from db.prices import FOUNDING, CostSettings, price_history, set_prices

BASES = {
    "nameplate": "Rated power, all day (a finance department's cautious figure)",
    "metered": "What the meter read, and rated power where there is no reading",
}


def draw() -> None:
    now = data.current_prices("own")
    history = price_history(engine_of("own"))
    if _are_defaults(history):
        st.info(
            "These are default figures: one data-centre GPU against a commercial assistant. Change "
            "them to what your hardware and seats cost.",
            icon=":material/info:",
        )
    _form(now)
    _history(history)


def _are_defaults(history: list[CostSettings]) -> bool:
    return len(history) == 1 and all(
        getattr(history[0], name) == value
        for name, value in FOUNDING.items()
        if name != "in_service_date"
    )


def _form(now: CostSettings) -> None:
    with st.form("prices", border=True):
        st.markdown(f"**Prices in force now** ({now.currency})")
        left, right = st.columns(2)
        with left:
            changes: dict[str, Any] = {
                "hardware_name": st.text_input("Hardware", now.hardware_name),
                "hardware_price": st.text_input("Hardware price", _plain(now.hardware_price)),
                "hardware_life_months": st.number_input(
                    "Life, months", value=now.hardware_life_months, step=1
                ),
                "residual_value": st.text_input(
                    "Residual value at the end of its life", _plain(now.residual_value)
                ),
                "in_service_date": st.date_input(
                    "In service since",
                    now.in_service_date if now.in_service_is_set else None,
                    help="From this day on it costs. Empty: the day of the first request.",
                ),
                "operations_per_month": st.text_input(
                    "Operations a month",
                    _plain(now.operations_per_month),
                    help="Hosting, network, the hours of whoever looks after it.",
                ),
            }
        with right:
            changes |= {
                "seat_price_per_month": st.text_input(
                    "Seat price a month, per developer",
                    _plain(now.seat_price_per_month),
                    help="What a commercial assistant costs for one developer.",
                ),
                "power_kw": st.text_input("Rated power, kW", _plain(now.power_kw)),
                "pue": st.text_input(
                    "PUE",
                    _plain(now.pue),
                    help="Power usage effectiveness: the whole site's energy over the computers' "
                    "own, 1.0 without cooling, often 1.5 in a data centre.",
                ),
                "electricity_price_per_kwh": st.text_input(
                    "Electricity price per kWh", _plain(now.electricity_price_per_kwh)
                ),
                "electricity_basis": st.selectbox(
                    "Electricity in the fully loaded figure",
                    tuple(BASES),
                    index=tuple(BASES).index(now.electricity_basis),
                    format_func=lambda basis: BASES[basis],
                ),
                "currency": st.text_input("Currency", now.currency, max_chars=3),
            }
        note = st.text_input("Note", placeholder="Why it changed, for whoever checks later")
        since = st.date_input(
            "Valid from",
            None,
            help="Empty: from now on, so that reports on the past stay as they are.",
        )
        if st.form_submit_button("Save as a new dated entry", type="primary", disabled=ui.locked()):
            _save({**changes, "note": note or None}, since)


def _save(changes: dict[str, Any], since: date | None) -> None:
    midnight = datetime.combine(since, time(), data.timezone()) if since else None
    valid_from = int(midnight.astimezone(UTC).timestamp() * 1000) if midnight else None
    if ui.attempt(
        lambda: set_prices(
            engine_of("own"), actor=ui.actor("admin"), valid_from=valid_from, **changes
        ),
        done="Saved",
    ):
        st.cache_data.clear()
        st.rerun()


def _history(history: list[CostSettings]) -> None:
    st.subheader("What held when", anchor=False)
    zone = data.timezone()
    rows = []
    for settings in reversed(history):
        row = asdict(settings)
        since = row.pop("valid_from")
        row.pop("in_service_is_set")
        begins = formats.local_time(since, zone) if since else "the beginning"
        shown = {name: "" if value is None else str(value) for name, value in row.items()}
        words = {name.replace("_", " "): text for name, text in shown.items()}
        rows.append({"valid from": begins} | words)
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Prices, newest first")


def _plain(amount: Any) -> str:
    """An amount as one would type it, every digit kept."""
    return format(amount, "f")
