"""What fires now, at the top of every page, for managers and admins."""

import streamlit as st

from dashboard import data, formats
from dashboard.alerts import words
from db.errors import LedgerUnavailable

EVERY_S = 30.0
MOST = 5


@st.fragment(run_every=EVERY_S)
def alerts_notice(*, in_full: bool) -> None:
    """Nothing while nothing fires; the latest alert and how many there are; `in_full` each."""
    if not data.viewer().is_at_least("manager"):
        return
    try:
        firing = data.firing_alerts()
        names = data.alert_names() if firing else None
    except LedgerUnavailable:  # which another notice tells
        return
    if names is None:
        return
    told = [
        formats.escape(words.sentence(one.rule, one.subject, one.value, names))
        for one in firing[: MOST if in_full else 1]
    ]
    count = "1 alert" if len(firing) == 1 else f"{len(firing)} alerts"
    more = len(firing) - len(told)
    with st.container(horizontal=True, vertical_alignment="center"):
        if len(told) == 1:
            rest = f" And {more} more." if more else ""
            said = f"**{count}.** {told[0]}{rest}"
        else:
            listed = [*told, *([f"And {more} more."] if more else [])]
            said = "\n".join([f"**{count}**", "", *[f"- {one}" for one in listed]])
        st.warning(said, icon=":material/notifications_active:")
        st.page_link(
            "views/settings.py",
            label="Settings → Alerts",
            icon=":material/tune:",
            query_params={"settings-tab": "Alerts"},
        )
