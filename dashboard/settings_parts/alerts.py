"""Alerts: what fires, the rules, where they are sent, and what fired before."""

import pandas as pd
import streamlit as st

from dashboard import data, ui
from dashboard.alerts import words
from dashboard.alerts.kinds import KINDS, USUAL, usual_rules
from dashboard.alerts.words import Names
from dashboard.ledgers import engine_of
from dashboard.settings_parts import alert_destinations, alert_form, alert_history
from db import alert_rules
from db.alert_rules import SavedRule


def draw() -> None:
    st.markdown(
        "Every minute each rule is looked at. What fires stands at the top of every page for "
        "managers and admins, and is sent to every destination below."
    )
    names = data.alert_names()
    listed = alert_rules.list_rules(engine_of("own"))
    if listed:
        alert_history.firing(names)
    st.subheader("Rules", anchor=False)
    admin = data.viewer().is_at_least("admin")
    if listed:
        st.dataframe(
            _table(listed, names),
            hide_index=True,
            alt="Alert rules",
            column_config={"Quiet hours": st.column_config.TextColumn(width="medium")},
        )
    else:
        _empty(admin=admin)
    if admin:
        alert_form.add(names, first=not listed)
        if listed:
            alert_form.change(listed, names)
    alert_destinations.draw(admin=admin)
    alert_history.draw(names)


def _empty(*, admin: bool) -> None:
    usual = ", ".join(KINDS[kind].title.lower() for kind in USUAL)
    st.info("No rules yet, so nothing fires.", icon=":material/notifications_off:")
    if admin:
        if st.button("Add the usual rules", type="primary", icon=":material/playlist_add:") and (
            ui.attempt(
                lambda: alert_rules.add_rules(
                    engine_of("own"), usual_rules(data.timezone().key), actor=ui.actor("admin")
                ),
                done="Added",
            )
        ):
            st.rerun()
        st.caption(f"Six to begin with: {usual}. Each can be changed or removed.")


def _table(listed: list[SavedRule], names: Names) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Rule": [KINDS[saved.rule.kind].title for saved in listed],
            "Of": [words.scope(saved.rule, names) for saved in listed],
            "Fires": [words.condition(saved.rule, names) for saved in listed],
            "Told again": [_again(saved) for saved in listed],
            "Quiet hours": [_quiet(saved) for saved in listed],
            "State": ["on" if saved.rule.enabled else "off" for saved in listed],
        }
    )


def _again(saved: SavedRule) -> str:
    minutes = saved.rule.again_minutes
    return "no" if minutes is None else f"every {words.lasting(minutes)}"


def _quiet(saved: SavedRule) -> str:
    rule = saved.rule
    if rule.quiet_from is None or rule.quiet_until is None:
        return "none"
    return f"{words.clock(rule.quiet_from)}–{words.clock(rule.quiet_until)} {rule.timezone}"
