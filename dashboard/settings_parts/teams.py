"""Teams: add, rename, archive and restore."""

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from dashboard import data, formats, ui
from dashboard.ledgers import engine_of
from db import teams
from db.teams import Group


def draw() -> None:
    st.subheader("Teams", anchor=False)
    with (
        st.form("add-team", border=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input("New team", placeholder="Platform")
        sent = st.form_submit_button("Add team", icon=":material/add:", disabled=ui.locked())
    if sent and ui.attempt(
        lambda: teams.add_team(_database(), name, actor=ui.actor("admin")), done=f"Added {name}"
    ):
        st.rerun()
    everything = teams.list_teams(_database(), archived=True)
    if not everything:
        st.caption("No teams yet: costs are told by developer alone.")
        return
    zone = data.timezone()
    table = pd.DataFrame(
        {
            "Team": [team.name for team in everything],
            "Developers now": [team.members for team in everything],
            "Since": [formats.local_time(team.created_at, zone) for team in everything],
            "State": ["archived" if team.archived_at else "active" for team in everything],
        }
    )
    st.dataframe(table, hide_index=True, alt="Teams by name")
    _change(everything)


def _change(everything: list[Group]) -> None:
    with st.container(border=True):
        team = st.selectbox(
            "Change a team", everything, format_func=lambda one: one.name, width=320
        )
        with (
            st.form(f"team-{team.id}", border=False),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            name = st.text_input("Team's name", team.name, help="It changes for the past too.")
            sent = st.form_submit_button("Rename team", disabled=ui.locked())
        if sent and ui.attempt(
            lambda: teams.rename_team(_database(), team.id, name, actor=ui.actor("admin")),
            done="Renamed",
        ):
            st.rerun()
        if team.archived_at is not None:
            change, verb, icon = teams.restore_team, "Restore team", ":material/unarchive:"
        else:
            change, verb, icon = teams.archive_team, "Archive team", ":material/archive:"
        if st.button(verb, icon=icon, disabled=ui.locked()) and ui.attempt(
            lambda: change(_database(), team.id, actor=ui.actor("admin"))
        ):
            st.rerun()


def _database() -> Engine:
    return engine_of("own")
