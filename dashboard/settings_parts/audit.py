"""Audit: who changed what, when; newest first, page by page, and all of it as CSV."""

import json

import pandas as pd
import streamlit as st

from dashboard import data, formats
from dashboard.ledgers import engine_of
from db import audit
from db.audit import Entry

PAGE = 50


def draw() -> None:
    engine = engine_of("own")
    st.markdown(
        "Every change to people, accounts, teams, keys, limits, prices, carbon, alerts and "
        "retention, and every lock-out at the door. "
        "The database refuses to change this list; erasing a person takes their name out of it."
    )
    actions = audit.actions(engine)
    if not actions:
        st.info("Nothing was changed yet.", icon=":material/history:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        action = st.selectbox("What", actions, index=None, placeholder="Everything")
        st.download_button(
            "Download as CSV",
            lambda: _csv(audit.entries(engine, action=action)),
            file_name="audit.csv",
            mime="text/csv",
            icon=":material/download:",
        )
    pages: list[int] = st.session_state.setdefault(f"audit-pages-{action}", [])
    found = audit.entries(
        engine, limit=PAGE + 1, before_id=pages[-1] if pages else None, action=action
    )
    _table(found[:PAGE])
    with st.container(horizontal=True):
        st.button("Newer", disabled=not pages, on_click=_back, args=(pages,))
        last = found[PAGE - 1].id if len(found) > PAGE else 0
        st.button("Older", disabled=not last, on_click=lambda: pages.append(last))


def _back(pages: list[int]) -> None:
    pages.pop()


def _table(found: list[Entry]) -> None:
    zone = data.timezone()
    table = pd.DataFrame(
        {
            "When": [formats.local_time(entry.at, zone) for entry in found],
            "Who": [entry.actor for entry in found],
            "What": [entry.action for entry in found],
            "Detail": [audit.in_words(entry.detail) for entry in found],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        alt="Changes, newest first",
        column_config={"Detail": st.column_config.TextColumn(width="large")},
    )


def _csv(found: list[Entry]) -> bytes:
    """Times are UTC, in ISO 8601; the detail is JSON, whole."""
    table = pd.DataFrame(
        {
            "id": [entry.id for entry in found],
            "at": [pd.Timestamp(entry.at, unit="ms", tz="UTC").isoformat() for entry in found],
            "actor": [entry.actor for entry in found],
            "action": [entry.action for entry in found],
            "detail": [json.dumps(entry.detail, ensure_ascii=False) for entry in found],
        }
    )
    return table.to_csv(index=False).encode()
