"""Where alerts are sent: added, tried out and removed."""

import streamlit as st

from dashboard import data, formats, ui
from dashboard.alerts.sending import Undelivered
from dashboard.alerts.watch import try_out
from dashboard.ledgers import engine_of
from db import alert_deliveries, alert_destinations
from db.alert_deliveries import Last
from db.alert_destinations import Destination
from engine.api import current

ADDED = "destinations-added"  # so often: the fields of the next one are others, and empty
KINDS = {"webhook": "Webhook (Slack's format)", "email": "E-mail"}


def draw(*, admin: bool) -> None:
    st.subheader("Destinations", anchor=False)
    listed = alert_destinations.list_destinations(engine_of("own"))
    if not listed:
        st.info(
            "None yet: alerts stand on the pages alone, and nobody is sent a message.",
            icon=":material/outgoing_mail:",
        )
    lasts = alert_deliveries.last_attempts(engine_of("own"))
    for one in listed:
        _show(one, lasts.get(one.id), admin=admin)
    if admin:
        _add()


def _show(one: Destination, last: Last | None, *, admin: bool) -> None:
    with st.container(border=True):
        st.markdown(f"**{formats.escape(one.name)}** · {KINDS[one.kind]}")
        st.text(one.shown)
        outcome = st.container()
        if admin:
            with st.container(horizontal=True):
                tried = st.button(
                    "Send a test", key=f"test-{one.id}", icon=":material/send:"
                ) and _tried(one, outcome)
                if st.button("Remove", key=f"remove-{one.id}", icon=":material/delete:"):
                    _confirm_removal(one)
            if tried:
                return
        with outcome:
            _last(last)


def _tried(one: Destination, outcome: "st.delta_generator.DeltaGenerator") -> bool:
    """Send a test, and say what happened."""
    with outcome, st.spinner(f"Sending to {formats.escape(one.name)}…"):
        if not ui.attempt(lambda: ui.actor("admin")):
            return True
        try:
            remark = try_out(current.get(), one)
        except Undelivered as error:
            st.error(formats.escape(f"Not delivered. {error.said}"), icon=":material/error:")
        else:
            st.success(
                formats.escape(f"Delivered: {one.shown} took it. {remark or ''}"),
                icon=":material/check_circle:",
            )
    return True


def _last(last: Last | None) -> None:
    if last is None:
        st.caption("Nothing was sent there yet.")
        return
    at = formats.local_time(last.at, data.timezone())
    if last.arrived:
        st.caption(formats.escape(f"Last delivered {at}. {last.said or ''}"))
    else:
        st.error(
            formats.escape(f"The last message did not get there ({at}). {last.said or ''}"),
            icon=":material/error:",
        )


def _confirm_removal(one: Destination) -> None:
    ui.confirm(
        "Remove the destination",
        f"Nothing is sent to **{formats.escape(one.name)}** any more, what waits is given up, and "
        "its address is forgotten.",
        "Remove it",
        lambda: alert_destinations.remove_destination(
            engine_of("own"), one.id, actor=ui.actor("admin")
        ),
    )


def _add() -> None:
    with st.container(border=True):
        st.markdown("**Add a destination**")
        added = st.session_state.get(ADDED, 0)
        kind = st.segmented_control(
            "Kind", list(KINDS), format_func=lambda one: KINDS[one], default="webhook",
            required=True,
        )  # fmt: skip
        with (
            st.form(f"add-destination-{kind}", border=False),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            name = st.text_input("Name", placeholder="Operations", key=f"new-name-{kind}-{added}")
            where = _where(kind, f"new-where-{kind}-{added}")
            sent = st.form_submit_button("Add", type="primary", icon=":material/add:")
        if kind == "email" and current.get().settings.smtp_host is None:
            st.caption(
                "No mail server is set, so mail cannot be sent yet: start Breakeven with "
                "`BREAKEVEN_SMTP_HOST` and `BREAKEVEN_SMTP_FROM` (README, Options)."
            )
        if sent and ui.attempt(lambda: _save(kind, name, where), done=f"Added {name}"):
            st.session_state[ADDED] = added + 1
            st.rerun()


def _where(kind: str, key: str) -> str:
    if kind == "webhook":
        return st.text_input(
            "Webhook's address",
            type="password",
            placeholder="https://hooks.slack.com/services/…",
            key=key,
            help="An incoming webhook of Slack, Mattermost, Rocket.Chat or whatever takes Slack's "
            "format. It is as good as a password, so it is not shown again.",
        )
    return st.text_input(
        "E-mail addresses", placeholder="ops@team.example, ada@team.example",
        key=key,
    )  # fmt: skip


def _save(kind: str, name: str, where: str) -> None:
    add = alert_destinations.add_webhook if kind == "webhook" else alert_destinations.add_email
    add(engine_of("own"), name, where, actor=ui.actor("admin"))
