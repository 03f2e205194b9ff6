"""Retention: for how long rows are kept, with what would go said before it goes."""

import pandas as pd
import streamlit as st

from dashboard import data, formats, ui
from dashboard.ledgers import engine_of
from db import retention
from db.connect import reading
from db.errors import InvalidInput
from db.retention import Due, Retention


def draw() -> None:
    engine = engine_of("own")
    now = retention.current(engine)
    st.markdown(
        "Requests and the meters' minutes can be deleted once they are old. **What they add up to "
        "is kept for ever**: hours, days and months of tokens, joules and costs stay as they are."
    )
    with reading(engine) as connection:
        kept = retention.horizons(connection)
    for what, at in (("Requests", kept.requests_from), ("Meters' minutes", kept.minutes_from)):
        since = "none was deleted yet" if at is None else f"complete from {_local(at)} on"
        st.caption(f"{what}: {since}.")
    with st.form("retention", border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            requests = st.text_input("Keep requests, days", _typed(now.requests_days))
            minutes = st.text_input("Keep meters' minutes, days", _typed(now.minutes_days))
            sent = st.form_submit_button("Save", type="primary", disabled=ui.locked())
        st.caption("Empty: for ever.")
    if sent:
        ui.attempt(lambda: _save(now, Retention(_days(requests), _days(minutes))))
    _history()


def _save(now: Retention, wanted: Retention) -> None:
    """Save it, after a question where it would delete something."""
    engine = engine_of("own")
    if wanted == now:
        return
    due = retention.due(engine, wanted)
    if due.requests or due.minutes:
        ui.confirm("Delete old rows", _question(due), "Delete them", lambda: _set(wanted))
    else:
        _set(wanted)
        st.rerun()


def _set(wanted: Retention) -> None:
    retention.set_retention(engine_of("own"), wanted, actor=ui.actor("admin"))


def _question(due: Due) -> str:
    parts = []
    if due.requests and due.requests_before is not None:
        before = _local(due.requests_before)
        parts.append(f"**{due.requests:,} requests** from before {before}")
    if due.minutes and due.minutes_before is not None:
        parts.append(
            f"**{due.minutes:,} rows of minutes** from before {_local(due.minutes_before)}"
        )
    return (
        f"{' and '.join(parts)} will be deleted within the hour, and what gets as old from then "
        "on. What they add up to stays. **This cannot be undone.**"
    )


def _history() -> None:
    zone = data.timezone()
    recorded = retention.history(engine_of("own"))
    if not recorded:
        return
    st.subheader("What was set when", anchor=False)
    table = pd.DataFrame(
        {
            "Since": [formats.local_time(it.recorded_at, zone) for it in recorded],
            "Who": [it.actor for it in recorded],
            "Requests": [_span(it.retention.requests_days) for it in recorded],
            "Meters' minutes": [_span(it.retention.minutes_days) for it in recorded],
        }
    )
    st.dataframe(table, hide_index=True, alt="Retention settings, newest first")


def _span(days: int | None) -> str:
    return "for ever" if days is None else f"{days:,} days"


def _typed(days: int | None) -> str:
    return "" if days is None else str(days)


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInput("days", f"{text!r} is no whole number of days.") from error


def _local(at_ms: int) -> str:
    return formats.local_time(at_ms, data.timezone())
