"""The list of keys, with a way to choose one and to revoke it: on Connect and in Settings."""

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.ledgers import engine_of
from db import keys
from db.ids import now_ms


def list_keys(shown: list[keys.Key]) -> keys.Key | None:
    """The one that the reader chose; None where none can be used any more."""
    if not shown:
        st.caption("No key yet.")
        return None
    st.dataframe(_table(shown), hide_index=True, alt="API keys, newest first")
    kept = [key for key in shown if key.revoked_at is None]
    kept.sort(key=lambda key: _state(key, now_ms()) == "expired")
    if not kept:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Key", kept, format_func=_name, width=380, key="chosen-key")
        reachable = data.viewer().may_change_keys_of(chosen.developer_id)
        if st.button("Revoke", icon=":material/block:", disabled=not reachable):
            ui.confirm(
                "Revoke key",
                f"**{formats.escape(_name(chosen))}** stops working at once and for ever. "
                "What it was used for stays on the ledger.",
                "Revoke it",
                lambda: keys.revoke_key(
                    engine_of("own"), chosen.id, actor=ui.key_actor(chosen.developer_id)
                ),
            )
    return chosen


def _table(shown: list[keys.Key]) -> pd.DataFrame:
    zone, now = data.timezone(), now_ms()
    limited = data.limited()
    of_key = {holder.api_key_id for holder in limited}
    of_developer = {holder.developer_id for holder in limited if holder.api_key_id is None}
    return pd.DataFrame(
        {
            "Developer": [key.developer_name for key in shown],
            "Tool": [key.name for key in shown],
            "Begins with": [f"{key.prefix}…" for key in shown],
            "State": [_state(key, now) for key in shown],
            "Limits": [
                _limits(key.id in of_key, key.developer_id in of_developer) for key in shown
            ],
            "Expires": [formats.local_time(key.expires_at, zone) for key in shown],
            "Last used": [formats.local_time(key.last_used_at, zone) for key in shown],
            "Made": [formats.local_time(key.created_at, zone) for key in shown],
        }
    )


def _state(key: keys.Key, now: int) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "works"


def _limits(of_key: bool, of_developer: bool) -> str:
    whose = [name for name, has in (("key", of_key), ("developer", of_developer)) if has]
    return f"of the {' and the '.join(whose)}" if whose else "none"


def _name(key: keys.Key) -> str:
    return f"{key.developer_name}, {key.name} ({key.prefix}…)"
