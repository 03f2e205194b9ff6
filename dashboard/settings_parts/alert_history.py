"""What fires now, and what fired before, with how people were told."""

from collections import Counter

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
        column_config={"What": st.column_config.TextColumn(width="large")},
    )
    if len(found) == SHOWN:
        st.caption(f"The last {SHOWN}.")
    _troubles([each for one in found for each in one.sent if each.said is not None])


def _end(one: Firing) -> str:
    if one.cleared_at is None:
        return ENDED[None]
    return f"{formats.local_time(one.cleared_at, data.timezone())}, {ENDED[one.ended]}"


def _messages(one: Firing) -> str:
    """How many of them got where: `2 sent, 1 not delivered`."""
    if one.held_back:
        return "held back by quiet hours"
    counts = Counter(_state(each) for each in one.sent)
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "no destination"


def _state(one: Sent) -> str:
    if one.delivered_at is not None:
        return "sent"
    if one.failed_at is not None:
        return "not delivered"
    return "due later" if one.said is None and one.due_at > now_ms() else "on its way"


def _troubles(sent: list[Sent]) -> None:
    """The messages with which something went wrong, and what to do."""
    if not sent:
        return
    zone = data.timezone()
    st.markdown("**Messages that did not get there, or not at once**")
    table = pd.DataFrame(
        {
            "To": [one.destination for one in sent],
            "Message": [NOTICES[one.notice] for one in sent],
            "State": [
                _state(one)
                if one.delivered_at or one.failed_at
                else f"tried again {formats.local_time(one.due_at, zone)}"
                for one in sent
            ],
            "Tries": [one.tries for one in sent],
            "Why, and what to do": [one.said for one in sent],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        alt="Messages that did not get there",
        column_config={"Why, and what to do": st.column_config.TextColumn(width="large")},
    )
