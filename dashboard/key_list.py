"""The list of keys, with a way to revoke one: on Connect and in Settings."""

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.ledgers import engine_of
from db import keys


def list_keys(shown: list[keys.Key]) -> None:
    if not shown:
        st.caption("No key yet.")
        return
    zone = data.timezone()
    table = pd.DataFrame(
        {
            "Developer": [key.developer_name for key in shown],
            "Tool": [key.name for key in shown],
            "Begins with": [f"{key.prefix}…" for key in shown],
            "Made": [formats.local_time(key.created_at, zone) for key in shown],
            "Last used": [formats.local_time(key.last_used_at, zone) for key in shown],
            "State": ["revoked" if key.revoked_at else "works" for key in shown],
        }
    )
    st.dataframe(table, hide_index=True, alt="API keys, newest first")
    working = [key for key in shown if key.revoked_at is None]
    if working:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox("Key", working, format_func=_name, width=380, key="key-to-revoke")
            if st.button("Revoke", icon=":material/block:"):
                ui.confirm(
                    "Revoke key",
                    f"**{formats.escape(_name(chosen))}** stops working at once and for ever. "
                    "What it was used for stays on the ledger.",
                    "Revoke it",
                    lambda: keys.revoke_key(engine_of("own"), chosen.id, actor=ui.ACTOR),
                )


def _name(key: keys.Key) -> str:
    return f"{key.developer_name}, {key.name} ({key.prefix}…)"
