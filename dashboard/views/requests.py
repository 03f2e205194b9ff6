"""Requests: every row of the ledger, newest first, and one in detail."""

import pandas as pd
import streamlit as st

from dashboard import data, ui
from dashboard.request_browser import asked, pager
from dashboard.request_browser.asked import Asked
from dashboard.request_browser.detail import detail
from dashboard.request_browser.table import choose_row
from db.ids import id_to_text

PAGE_ROWS = 50


def nothing_found(looked_for: Asked) -> None:
    if looked_for.request_id is not None:
        st.info(
            f"There is no request with the id {id_to_text(looked_for.request_id)} on this ledger, "
            "or it is no longer kept.",
            icon=":material/inbox:",
        )
    elif data.is_empty(ledger):
        st.info(
            "No request yet. Ask something on **Chat**, or make a key on **Connect**.",
            icon=":material/inbox:",
        )
        return
    else:
        st.info(f"No request {looked_for.words} fits these filters.", icon=":material/inbox:")
    st.button("Show all requests", icon=":material/filter_alt_off:", on_click=asked.clear)


def page_of(looked_for: Asked) -> tuple[pd.DataFrame, bool, bool]:
    """The rows, and whether there are newer ones and older ones."""
    before, after = pager.place()
    rows = data.requests_page(ledger, PAGE_ROWS + 1, before, after, looked_for.which)
    more = len(rows) > PAGE_ROWS
    if after is None:
        return rows.head(PAGE_ROWS), before is not None, more
    if not more:  # as many as there are: the newest page, whole
        pager.to_newest()
        rows = data.requests_page(ledger, PAGE_ROWS + 1, None, None, looked_for.which)
        return rows.head(PAGE_ROWS), False, len(rows) > PAGE_ROWS
    return rows.tail(PAGE_ROWS), True, True


def one(request_id: int) -> None:
    """A request that was asked for by its id, and its detail."""
    rows = data.request_with_id(ledger, request_id)
    if rows.empty:
        nothing_found(looked_for)
        return
    st.caption("Found by its id, whatever the range and the filters.")
    choose_row(rows, zone, f"requests-{ledger}-{request_id}")
    detail(ledger, rows.iloc[0], zone)


def page(looked_for: Asked) -> None:
    rows, newer, older = page_of(looked_for)
    if rows.empty:
        if newer:
            st.info("There is nothing older.", icon=":material/inbox:")
            st.button("Newest", icon=":material/first_page:", on_click=pager.to_newest)
        else:
            nothing_found(looked_for)
        return
    ends = f"{rows['id'].iloc[0]}-{rows['id'].iloc[-1]}"
    place = choose_row(rows, zone, f"requests-{ledger}-{ends}")
    pager.buttons(rows, newer=newer, older=older)
    if place is not None:
        detail(ledger, rows.iloc[place], zone)


ui.begin("Requests", "Every request that reached the gateway. Prompts and answers are not stored.")
ledger = data.chosen_ledger()
zone = data.timezone()
looked_for = asked.choose(ledger, zone)
if looked_for.request_id is None:
    page(looked_for)
else:
    one(looked_for.request_id)
