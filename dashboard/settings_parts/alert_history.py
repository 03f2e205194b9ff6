"""What fires now, and what fired before, with how people were told."""

import pandas as pd
import streamlit as st

from dashboard import data, formats
from dashboard.alerts import words
from dashboard.alerts.words import Names
from dashboard.ledgers import engine_of
from db.alert_history import Firing, Sent, firings
from db.ids import now_ms

SHOWN = 100
ENDED = {
    None: "fires",
    "cleared": "cleared",
    "gone": "not watched any more",
    "stopped": "the rule was stopped",
}
NOTICES = {"fired": "alert", "again": "reminder", "cleared": "all-clear", "test": "test"}


def firing(names: Names) -> None:
    """Each alert that fires, in a box of its own."""
    now = data.firing_alerts()
    if not now:
        st.success("Nothing fires.", icon=":material/notifications:")
    for one in now:
        since = formats.local_time(one.fired_at, data.timezone())
        quiet = " Quiet hours hold the message back." if one.held_back else ""
        said = words.sentence(one.rule, one.subject, one.value, names)
        st.warning(
            f"**{formats.escape(said)}** Since {formats.escape(since)}.{quiet}",
            icon=":material/notifications_active:",
        )


def draw(names: Names) -> None:
    st.subheader("What fired", anchor=False)
    found = firings(engine_of("own"), SHOWN)
    if not found:
        st.caption("Nothing has fired yet.")
        return
    zone = data.timezone()
    table = pd.DataFrame(
        {
            "Fired": [formats.local_time(one.fired_at, zone) for one in found],
            "Ended": [_end(one) for one in found],
            "What": [words.sentence(one.rule, one.subject, one.value, names) for one in found],
            "Messages": [_messages(one) for one in found],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        alt="Alerts, newest first",
        column_config={
            "What": st.column_config.TextColumn(width="large"),
            "Messages": st.column_config.TextColumn(width="large"),
        },
    )
    if len(found) == SHOWN:
        st.caption(f"The last {SHOWN}.")


def _end(one: Firing) -> str:
    if one.cleared_at is None:
        return ENDED[None]
    return f"{formats.local_time(one.cleared_at, data.timezone())}, {ENDED[one.ended]}"


def _messages(one: Firing) -> str:
    if one.held_back:
        return "held back by quiet hours"
    return "; ".join(_sent(each) for each in one.sent) or "none: there was no destination"


def _sent(one: Sent) -> str:
    zone = data.timezone()
    what = f"{NOTICES[one.notice]} to {one.destination}"
    if one.delivered_at is not None:
        return f"{what} {formats.local_time(one.delivered_at, zone)}"
    if one.failed_at is not None:
        return f"{what} not delivered: {one.said}"
    due = formats.local_time(one.due_at, zone)
    if one.said is not None:
        return f"{what} is tried again at {due}: {one.said}"
    return f"{what} is due {due}" if one.due_at > now_ms() else f"{what} is on its way"
