"""People: add, rename, move between teams, limit, archive and restore."""

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from dashboard import data, formats, ui
from dashboard.ledgers import engine_of
from dashboard.limits_form import edit_limits
from db import people
from db.people import Person


def draw() -> None:
    everybody = data.developers("own", archived=True)
    _add()
    if not everybody:
        st.info("Nobody yet. Add the first developer above.", icon=":material/group_add:")
        return
    zone = data.timezone()
    limited = {one.developer_id for one in data.limited() if one.api_key_id is None}
    st.dataframe(
        pd.DataFrame(
            {
                "Name": [person.name for person in everybody],
                "Team": [person.team for person in everybody],
                "Since": [formats.local_time(person.created_at, zone) for person in everybody],
                "State": ["archived" if person.archived_at else "active" for person in everybody],
                "Limits": ["set" if person.id in limited else "none" for person in everybody],
            }
        ),
        hide_index=True,
        alt="Developers by name",
    )
    edit_limits(data.limits_of_developer(_change(everybody)))


def _add() -> None:
    with st.form("add-developer", clear_on_submit=False, border=True):
        st.markdown("**Add a developer**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name", placeholder="Ada")
            team = st.text_input("Team (optional)", placeholder="Platform")
            sent = st.form_submit_button("Add", type="primary", icon=":material/person_add:")
        if sent and ui.attempt(
            lambda: people.add_developer(_database(), name, team or None, actor=ui.ACTOR),
            done=f"Added {name}",
        ):
            st.rerun()


def _change(everybody: list[Person]) -> Person:
    """The form for one of them: the one whom the reader chose."""
    with st.container(border=True):
        person = st.selectbox(
            "Change a developer", everybody, format_func=lambda one: one.name, width=320
        )
        with st.form(f"developer-{person.id}", border=False):
            with st.container(horizontal=True, vertical_alignment="bottom"):
                name = st.text_input("Name", person.name)
                team = st.text_input("Team", person.team or "")
                sent = st.form_submit_button("Save")
            st.caption("Requests of the past keep the name they were made under.")
            if sent and ui.attempt(lambda: _save(person, name, team), done="Saved"):
                st.rerun()
        if person.archived_at is not None:
            if st.button("Restore", icon=":material/unarchive:") and ui.attempt(
                lambda: people.restore_developer(_database(), person.id, actor=ui.ACTOR),
                done=f"Restored {person.name}",
            ):
                st.rerun()
        elif st.button("Archive", icon=":material/archive:"):
            ui.confirm(
                "Archive developer",
                f"**{formats.escape(person.name)}** and all their keys stop working at once. Their "
                "requests and costs stay. You can restore them later.",
                "Archive",
                lambda: people.archive_developer(_database(), person.id, actor=ui.ACTOR),
            )
    return person


def _save(person: Person, name: str, team: str) -> None:
    if name != person.name:
        people.rename_developer(_database(), person.id, name, actor=ui.ACTOR)
    if (team or None) != person.team:
        people.set_team(_database(), person.id, team or None, actor=ui.ACTOR)


def _database() -> Engine:
    return engine_of("own")
