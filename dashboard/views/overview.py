"""Overview: what self-hosting costs beside the seats, live, and when it breaks even."""

import pandas as pd
import streamlit as st

from dashboard import (
    changes_table,
    charts,
    cost_tables,
    data,
    drill,
    filters,
    formats,
    kept,
    ui,
    uses_filter,
)
from dashboard.costs.models import Comparison
from dashboard.idle_rules import rule_sentence
from dashboard.live.component import live_overview
from dashboard.overview import Overview, View
from dashboard.overview_figures import energy_basis
from dashboard.overview_words import payload
from dashboard.periods import RANGES
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
                st.switch_page("views/chat.py", query_params={})
            if st.button("Connect a tool", icon=":material/power:"):
                st.switch_page("views/connect.py", query_params={})
            if st.button("Look at a sample team", icon=":material/science:"):
                with st.spinner("Making up ninety days of a team of eight…"):
                    data.open_sample()
                # A month that has just begun shows little.
                kept.come_with(filters.parameters("thirty"))
                st.rerun()


def nothing_in_range(overview: Overview) -> None:
    """What else to look at while the range has no request: what holds the last one."""
    of = formats.escape(uses_filter.of(ledger, overview.view.uses))
    ended = overview.period.ended
    st.info(
        f"No request{of} {formats.escape(overview.period.words)}{'' if ended else ' yet'}.",
        icon=":material/inbox:",
    )
    with st.container(horizontal=True):
        for name in data.ranges_with_requests(ledger, zone)[:2]:
            if name != overview.view.span:
                st.button(RANGES[name], key=f"look-{name}", on_click=filters.look_at, args=(name,))


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
            ui.show(
                charts.developer_costs(costs, overview.chosen.currency),
                "developer-costs",
                file_name="costs-by-developer.csv",
                about=cost_tables.FULLY_LOADED,
            )
        if not overview.usage.empty:
            ui.show(
                charts.developer_tokens(overview.usage),
                "developer-tokens",
                file_name="tokens-by-developer.csv",
                about="Input and output tokens. Cached input was read from an engine's cache.",
            )


def tables(comparison: Comparison, words: str) -> None:
    """Both sides' costs to the cent, with their total; a row leads to its requests."""
    both = (
        ("By developer", cost_tables.developer_table(comparison), comparison.developers),
        ("By team", cost_tables.team_table(comparison), comparison.teams),
    )
    for name, table, rows in both:
        with st.container(border=True):
            st.markdown(f"**{name}, {words} ({comparison.currency})**")
            chosen = st.dataframe(
                table,
                hide_index=True,
                key=f"costs-{name}",
                column_config=cost_tables.columns(comparison),
                placeholder="",
                alt=f"Costs {name.lower()}, {words}.",
                on_select="rerun",
                selection_mode="single-row",
            ).selection.rows
            # The first row is the total.
            row = rows[chosen[0] - 1] if chosen and 0 < chosen[0] <= len(rows) else None
            drill.rows_of(ledger, view.span, row)
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
span, uses = uses_filter.choose_view("month", ledger)
live = st.container()
rule = ui.choose_idle_rule()
view = View(ledger, span, zone.key, rule, uses)
try:
    overview = data.overview(view)
except InvalidInput as error:
    live.error(formats.escape(error.message), icon=":material/currency_exchange:")
    st.stop()
with live:
    with st.container():
        if not empty and not overview.totals.requests:
            nothing_in_range(overview)
        uses_filter.say(
            ledger,
            uses,
            "tokens and requests. Costs, seats, break-even and energy are of all: hardware is "
            "bought for everybody, and meters do not tell teams or models apart. What each team "
            "and developer carries of the cost stands below.",
        )
    opened = live_overview(view, payload(overview))
if opened.page in drill.SCRIPTS:
    drill.go(opened.page, drill.of_figure(opened.page, ledger, span, uses))
if opened.days:
    drill.to_days(ledger, opened.days, uses)
changes_table.show(view)
if overview.chosen.developers:
    st.markdown(formats.escape(rule_sentence(overview.chosen)))
by_developer(overview)
if overview.chosen.developers:
    tables(overview.chosen, overview.period.words)
if not (empty or overview.energy_timeline.empty):
    ui.show(
        charts.energy_timeline(overview.energy_timeline, zone, energy_basis(overview.energy)),
        "energy",
        file_name="energy.csv",
        about="Idle is what the meters read while no request was served.",
    )
    drill.button("Where the energy went", "energy", drill.parameters(ledger, span), "to-energy")
assumptions(overview)
