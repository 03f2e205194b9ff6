"""Settings: people, accounts, keys, prices, carbon, the engine, alerts, retention, the audit."""

from types import ModuleType

import streamlit as st

from dashboard import access, ui
from dashboard.settings_parts import (
    accounts,
    alerts,
    audit,
    energy,
    engine,
    keys,
    people,
    prices,
    retention,
)

viewer = ui.begin(
    "Settings", "Who uses it, what it costs, and how the engine is doing.", always_own_ledger=True
)
if not viewer.is_at_least("admin"):
    st.info(
        "You may look at what is set here; only an admin changes it.", icon=":material/visibility:"
    )
parts: dict[str, ModuleType] = {
    "People": people,
    "Accounts": accounts,
    "Keys": keys,
    "Prices": prices,
    "Energy": energy,
    "Engine": engine,
    "Alerts": alerts,
    "Retention": retention,
}
if viewer.is_at_least("admin"):
    parts["Audit"] = audit
tabs = st.tabs(list(parts), key="settings-tab", bind="query-params", on_change="rerun")
for tab, part in zip(tabs, parts.values(), strict=True):
    with tab:
        if tab.open:
            part.draw()
if not access.sign_in_needed():
    st.caption(
        "This server listens on this machine only, so no one has to sign in, and whoever sits here "
        "is an admin. To serve others, add an admin's account and start it with `--server.address`."
    )
