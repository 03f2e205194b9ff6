"""Audit: who changed what, when; newest first, page by page, and all of it as CSV."""

import json

import pandas as pd
import streamlit as st

from dashboard import access, data, formats
from dashboard.ledgers import engine_of
from dashboard.viewer import NotAllowed
from db import audit
from db.audit import Entry

PAGE = 50


def draw() -> None:
    data.viewer().require("admin")
    engine, cookie = engine_of("own"), access.page_cookie()
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
        actor = st.selectbox("Who", audit.actors(engine), index=None, placeholder="Everybody")
        st.download_button(
            "Download as CSV",
            lambda: _csv(cookie, action, actor),
            file_name="audit.csv",
            mime="text/csv",
            icon=":material/download:",
        )
    pages: list[int] = st.session_state.setdefault(f"audit-pages-{action}-{actor}", [])
    found = audit.entries(
        engine,
        limit=PAGE + 1,
        before_id=pages[-1] if pages else None,
        action=action,
        actor=actor,
    )
    if not found:
        st.info("Nothing of this kind was done by them.", icon=":material/history:")
        return
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


def _csv(cookie: str | None, action: str | None, actor: str | None) -> bytes:
    """Times are UTC, in ISO 8601; the detail is JSON, whole. Asks again who downloads it: the page
    was drawn before."""
    viewer = access.find_viewer(engine_of("own"), cookie)
    if viewer is None:
        raise NotAllowed("You are signed out.")
    viewer.require("admin")
    found = audit.entries(engine_of("own"), action=action, actor=actor)
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
