"""Settings: people, keys, prices, carbon, the engine and the admin's password."""

import streamlit as st

from dashboard import access, ui
from dashboard.settings_parts import energy, engine, keys, password, people, prices

ui.begin(
    "Settings", "Who uses it, what it costs, and how the engine is doing.", always_own_ledger=True
)
names = ["People", "Keys", "Prices", "Energy", "Engine", "Admin password"]
tabs = st.tabs(names, key="settings-tab", bind="query-params", on_change="rerun")
for tab, part in zip(tabs, (people, keys, prices, energy, engine, password), strict=True):
    with tab:
        if tab.open:
            part.draw()
if not access.password_needed():
    st.caption(
        "This server listens on this machine only, so no one has to sign in. To serve others, set "
        "an admin password and start it with `--server.address`."
    )
