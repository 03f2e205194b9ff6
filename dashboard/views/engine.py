"""Engine: what is served now, how full it is, and which experts it takes."""

import streamlit as st

from dashboard import data, ui
from dashboard.engine_page.component import live_engine
from dashboard.engine_page.now import WINDOWS, EngineView, engine_now
from dashboard.engine_page.payload import payload

ui.begin(
    "Engine",
    "What is served at this moment, how full the engine is, and which experts it takes.",
    always_own_ledger=True,
)
chosen = st.segmented_control(
    "Window",
    [f"{minutes} minutes" for minutes in WINDOWS],
    default=f"{WINDOWS[0]} minutes",
    required=True,
    key="window",
    bind="query-params",
    help="How far back the charts look, and over which requests the figures are taken. What "
    "happened earlier stands on Requests and Overview; the window is kept in memory and begins "
    "anew with the server.",
)
minutes = next(one for one in WINDOWS if chosen == f"{one} minutes")
view = EngineView(minutes, data.timezone().key)
live_engine(view, payload(engine_now(view), view))
