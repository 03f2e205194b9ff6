"""Settings: people, keys, prices, carbon, the engine, retention, the audit trail, the password."""

import streamlit as st

from dashboard import access, ui
from dashboard.settings_parts import (
    audit,
    energy,
    engine,
    keys,
    password,
    people,
    prices,
    retention,
)

ui.begin(
    "Settings", "Who uses it, what it costs, and how the engine is doing.", always_own_ledger=True
)
parts = {
    "People": people,
    "Keys": keys,
    "Prices": prices,
    "Energy": energy,
    "Engine": engine,
    "Retention": retention,
    "Audit": audit,
    "Admin password": password,
}
tabs = st.tabs(list(parts), key="settings-tab", bind="query-params", on_change="rerun")
for tab, part in zip(tabs, parts.values(), strict=True):
    with tab:
        if tab.open:
            part.draw()
if not access.password_needed():
    st.caption(
        "This server listens on this machine only, so no one has to sign in. To serve others, set "
        "an admin password and start it with `--server.address`."
    )
