"""People: add, rename, move between teams on any date, limit, archive, restore and erase."""

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from dashboard import data, formats, ui
from dashboard.dates import midnight
from dashboard.ledgers import engine_of
from dashboard.limits_form import edit_limits
from dashboard.settings_parts import erasing, teams
from db import memberships, people
from db.people import Person
from db.schema import ROLES


def draw() -> None:
    everybody = data.developers("own", archived=True)
    _add()
    if not everybody:
        st.info("Nobody yet. Add the first developer above.", icon=":material/group_add:")
        teams.draw()
        return
    zone = data.timezone()
    limited = {one.developer_id for one in data.limited() if one.api_key_id is None}
    st.dataframe(
        pd.DataFrame(
            {
                "Name": [person.name for person in everybody],
                "Team": [person.team for person in everybody],
                "Role": [person.role for person in everybody],
                "Since": [formats.local_time(person.created_at, zone) for person in everybody],
                "State": ["archived" if person.archived_at else "active" for person in everybody],
                "Limits": ["set" if person.id in limited else "none" for person in everybody],
            }
        ),
        hide_index=True,
        alt="Developers by name",
    )
    edit_limits(data.limits_of_developer(_change(everybody)))
    teams.draw()


def _add() -> None:
    with st.form("add-developer", clear_on_submit=False, border=True):
        st.markdown("**Add a developer**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.text_input("Name", placeholder="Ada")
            team = st.text_input("Team (optional)", placeholder="Platform")
            sent = st.form_submit_button(
                "Add", type="primary", icon=":material/person_add:", disabled=ui.locked()
            )
        if sent and ui.attempt(
            lambda: people.add_developer(_database(), name, team or None, actor=ui.actor("admin")),
            done=f"Added {name}",
        ):
            st.rerun()


def _change(everybody: list[Person]) -> Person:
    """The forms for one of them: the one whom the reader chose."""
    with st.container(border=True):
        person = st.selectbox(
            "Change a developer", everybody, format_func=lambda one: one.name, width=320
        )
        with (
            st.form(f"developer-{person.id}", border=False),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            name = st.text_input("Name", person.name)
            sent = st.form_submit_button("Rename", disabled=ui.locked())
        if sent and ui.attempt(
            lambda: people.rename_developer(_database(), person.id, name, actor=ui.actor("admin")),
            done="Renamed",
        ):
            st.rerun()
        st.caption("Requests of the past keep the name they were made under.")
        _place(person)
        _history(person)
        with st.container(horizontal=True):
            _archive_or_restore(person)
            erasing.button(person)
    return person


def _place(person: Person) -> None:
    """Team and role, from a day on."""
    with st.form(f"place-{person.id}", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            team = st.text_input("Team", person.team or "")
            role = st.selectbox("Role", ROLES, index=ROLES.index(person.role))
            since = st.date_input("From", None)
            sent = st.form_submit_button("Save", disabled=ui.locked())
        st.caption(
            "Without a day it counts from now on. With one in the past, what they used since then "
            "becomes the new team's, up to the next change; with one in the future, nothing "
            "changes before that day."
        )
    if sent and ui.attempt(lambda: _save(person, team, role, midnight(since)), done="Saved"):
        st.cache_data.clear()
        st.rerun()


def _save(person: Person, team: str, role: str, valid_from: int | None) -> None:
    """What differs from now; a day alone says since when they have been in the team of now."""
    role_changes = role != person.role
    if (team or None) != person.team or (valid_from is not None and not role_changes):
        people.set_team(
            _database(), person.id, team, actor=ui.actor("admin"), valid_from=valid_from
        )
    if role_changes:
        people.set_role(
            _database(), person.id, role, actor=ui.actor("admin"), valid_from=valid_from
        )


def _history(person: Person) -> None:
    zone = data.timezone()
    changes = memberships.history(_database(), person.id)
    table = pd.DataFrame(
        {
            "From": [
                formats.local_time(it.valid_from, zone) if it.valid_from else "the beginning"
                for it in changes
            ],
            "Team": [it.team or "none" for it in changes],
            "Role": [it.role for it in changes],
            "Recorded": [formats.local_time(it.recorded_at, zone) for it in changes],
            "": ["" if it.in_force else "replaced" for it in changes],
        }
    )
    with st.expander("Teams and roles over time", key=f"history-{person.id}"):
        st.dataframe(table, hide_index=True, alt=f"Teams and roles of {person.name}, newest first")


def _archive_or_restore(person: Person) -> None:
    if person.archived_at is not None:
        if st.button("Restore", icon=":material/unarchive:", disabled=ui.locked()) and ui.attempt(
            lambda: people.restore_developer(_database(), person.id, actor=ui.actor("admin")),
            done=f"Restored {person.name}",
        ):
            st.rerun()
    elif st.button("Archive", icon=":material/archive:", disabled=ui.locked()):
        ui.confirm(
            "Archive developer",
            f"**{formats.escape(person.name)}** and all their keys stop working at once. Their "
            "requests and costs stay. You can restore them later.",
            "Archive",
            lambda: people.archive_developer(_database(), person.id, actor=ui.actor("admin")),
        )


def _database() -> Engine:
    return engine_of("own")
