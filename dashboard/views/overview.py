"""Overview: what self-hosting costs beside the seats, live, and when it breaks even."""

import pandas as pd
import streamlit as st

from dashboard import charts, cost_tables, data, filters, formats, ui
from dashboard.idle_rules import rule_sentence
from dashboard.live.component import live_overview
from dashboard.overview import Overview, View
from dashboard.overview_words import energy_basis, payload
from db.errors import InvalidInput


def first_steps() -> None:
    """What to do while the ledger is empty."""
    with st.container(border=True):
        st.subheader("Nothing has been asked yet", anchor=False)
        st.markdown(
            "Ask the model something on **Chat**, or make a key on **Connect** and point your "
            "editor at this server. Each request shows up here within seconds."
        )
        with st.container(horizontal=True):
            if st.button("Chat now", type="primary", icon=":material/forum:"):
                st.switch_page("views/chat.py")
            if st.button("Connect a tool", icon=":material/power:"):
                st.switch_page("views/connect.py")
            if st.button("Look at a sample team", icon=":material/science:"):
                with st.spinner("Making up ninety days of a team of eight…"):
                    data.open_sample()
                st.rerun()


def by_developer(overview: Overview) -> None:
    """Cost and tokens, developer by developer, and team by team."""
    rows = overview.chosen.developers
    costs = pd.DataFrame(
        {
            "developer": [row.name for row in rows],
            "fully_loaded": [float(row.fully_loaded) for row in rows],
            "marginal": [cost_tables.number(row.marginal) for row in rows],
            "seat": [float("nan") if row.developer_id is None else float(row.seat) for row in rows],
        }
    )
    with st.grid(2, min_column_width=440):
        if not costs.empty:
            ui.show(charts.developer_costs(costs, overview.chosen.currency), "developer-costs")
        if not overview.usage.empty:
            ui.show(charts.developer_tokens(overview.usage), "developer-tokens")


def tables(overview: Overview) -> None:
    """Both sides' costs to the cent, with their total."""
    comparison = overview.chosen
    both = (
        ("By developer", cost_tables.developer_table(comparison)),
        ("By team", cost_tables.team_table(comparison)),
    )
    for name, table in both:
        with st.container(border=True):
            st.markdown(f"**{name}, {overview.period.words} ({comparison.currency})**")
            st.dataframe(
                table,
                hide_index=True,
                key=f"costs-{name}",
                column_config=cost_tables.columns(comparison),
                placeholder="",
                alt=f"Costs {name.lower()}, {overview.period.words}.",
            )
    st.caption(cost_tables.EMPTY)


def assumptions(overview: Overview) -> None:
    with st.expander("What these figures rest on", icon=":material/rule:"):
        for sentence in overview.chosen.assumptions:
            st.text(f"• {sentence}")


ui.begin("Overview", "Running the model here beside a seat for every developer.")
ledger, zone = data.chosen_ledger(), data.timezone()
empty = data.is_empty(ledger)
# Always a container: what comes after keeps its place, and the live chart is not drawn anew.
with st.container():
    if empty:
        first_steps()
span = filters.choose_range("month")
live = st.container()
rule = ui.choose_idle_rule()
view = View(ledger, span, zone.key, rule)
try:
    overview = data.overview(view)
except InvalidInput as error:
    live.error(formats.escape(error.message), icon=":material/currency_exchange:")
    st.stop()
with live:
    live_overview(view, payload(overview))
if overview.chosen.developers:
    st.markdown(formats.escape(rule_sentence(overview.chosen)))
by_developer(overview)
if overview.chosen.developers:
    tables(overview)
if not (empty or overview.energy_timeline.empty):
    ui.show(
        charts.energy_timeline(overview.energy_timeline, zone, energy_basis(overview.energy)),
        "energy",
    )
assumptions(overview)
