"""Energy: the grid whose carbon is told beside the joules, dated, with all that held before."""

from datetime import UTC, date, datetime, time

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.carbon.countries import countries
from dashboard.carbon.hours import parse_hours
from dashboard.energy_words import grid_words
from dashboard.ledgers import engine_of
from db import grid
from db.grid import Grid

WAYS = {
    "country": "A country's yearly mean",
    "own": "A figure of your own",
    "hours": "By the hour of the day",
    "off": "Do not show carbon",
}
SINCE_HELP = (
    "Empty: from now on, so that the past stays as it was told; the very first choice counts for "
    "all the energy there is."
)


def draw() -> None:
    history = data.grid_history()
    st.markdown(
        "**Carbon** is shown beside energy once it is known what a kilowatt-hour emits where this "
        "machine stands. It is an estimate, and marked so."
    )
    now = history[-1] if history else None
    st.caption(f"Set last: {formats.escape(grid_words(now))}" if now else "Not set yet.")
    way = st.radio(
        "Carbon of the electricity", tuple(WAYS), format_func=lambda key: WAYS[key], key="grid-way"
    )
    with st.form(f"grid-{way}", border=True):
        if way == "country":
            _country()
        elif way == "own":
            _own()
        elif way == "hours":
            _by_hour()
        else:
            _off()
    if history:
        _history(history)


def _country() -> None:
    table = countries()
    code = st.selectbox(
        "Country",
        tuple(table),
        index=None,
        format_func=lambda code: (
            f"{table[code].name}: {table[code].g_per_kwh:,.0f} g/kWh, {table[code].year}"
        ),
        placeholder="Choose where the machine stands",
    )
    st.caption(
        "Lifecycle grams of CO2 equivalent per kWh: Ember and Energy Institute, processed by Our "
        "World in Data (CC BY 4.0), as CodeCarbon 3.3.2 ships them."
    )
    since = _since()
    if not st.form_submit_button("Save as a new dated entry", type="primary", disabled=ui.locked()):
        return
    if code is None:
        st.error("Choose a country.", icon=":material/error:")
        return
    chosen = table[code]
    _save(g_per_kwh=chosen.g_per_kwh, country=code, source=chosen.source, since=since)


def _own() -> None:
    g_per_kwh = st.number_input("Grams of CO2 equivalent per kWh", min_value=0.0, value=None)
    source = st.text_input("Source", placeholder="Whose figure it is, and of which year")
    since = _since()
    if st.form_submit_button("Save as a new dated entry", type="primary", disabled=ui.locked()):
        _save(g_per_kwh=g_per_kwh, source=source, since=since)


def _by_hour() -> None:
    typed = st.text_area(
        "24 figures in g/kWh, from 0:00 to 23:00 UTC",
        placeholder="412 405 398 390 385 380 371 352 …",
        help="Separated by spaces, commas or lines.",
    )
    file = st.file_uploader(
        "Or a CSV file", type="csv", help="Its first line is hour,g_per_kwh; 24 rows, 0 to 23."
    )
    source = st.text_input("Source", placeholder="Whose figures they are, and of which year")
    since = _since()
    if not st.form_submit_button("Save as a new dated entry", type="primary", disabled=ui.locked()):
        return
    text = file.getvalue().decode("utf-8", errors="replace") if file else typed
    _save(hours=text, source=source, since=since)


def _off() -> None:
    st.caption("What was shown until then stays.")
    since = _since()
    if st.form_submit_button(
        "Turn carbon off", type="primary", disabled=ui.locked()
    ) and ui.attempt(
        lambda: grid.turn_off(
            engine_of("own"), actor=ui.actor("admin"), valid_from=_midnight(since)
        ),
        done="Saved",
    ):
        _show_again()


def _since() -> date | None:
    return st.date_input("Counts from", None, help=SINCE_HELP)


def _save(
    *,
    source: str,
    since: date | None,
    g_per_kwh: float | None = None,
    country: str | None = None,
    hours: str | None = None,
) -> None:
    if ui.attempt(
        lambda: grid.set_grid(
            engine_of("own"),
            actor=ui.actor("admin"),
            source=source,
            g_per_kwh=g_per_kwh,
            country=country,
            by_hour=None if hours is None else parse_hours(hours),
            valid_from=_midnight(since),
        ),
        done="Saved",
    ):
        _show_again()


def _show_again() -> None:
    st.cache_data.clear()
    st.rerun()


def _midnight(since: date | None) -> int | None:
    """The start of a day where the reader is, in UTC epoch milliseconds."""
    if since is None:
        return None
    midnight = datetime.combine(since, time(), data.timezone())
    return int(midnight.astimezone(UTC).timestamp() * 1000)


def _history(history: list[Grid]) -> None:
    st.subheader("What held when", anchor=False)
    zone = data.timezone()
    rows = [
        {
            "valid from": formats.local_time(one.valid_from, zone)
            if one.valid_from
            else "the beginning",
            "country": one.country or "",
            "g/kWh": formats.UNKNOWN if one.g_per_kwh is None else f"{one.g_per_kwh:,.1f}",
            "by hour (UTC)": ""
            if one.by_hour is None
            else ", ".join(f"{g:g}" for g in one.by_hour),
            "source": one.source,
        }
        for one in reversed(history)
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Carbon intensities, newest first")
