"""The button that takes a person's name out of the ledger, and the dialog that makes sure."""

import streamlit as st

from dashboard import formats, ui
from dashboard.ledgers import engine_of
from db import erase
from db.people import Person


def button(person: Person) -> None:
    if person.name != erase.pseudonym(person.id) and st.button(
        "Erase the name", icon=":material/person_remove:", disabled=ui.locked()
    ):
        _ask(person)


@st.dialog("Erase a person's name")
def _ask(person: Person) -> None:
    """The name has to be typed, and what could not be erased stays in sight."""
    asked = erase.extent(engine_of("own"), person.id)
    st.markdown(
        f"**{formats.escape(person.name)}** becomes **{erase.pseudonym(person.id)}** on "
        f"{asked.requests:,} requests, {asked.keys} keys (which stop working) and in the audit "
        "trail. What they used and cost stays. **This cannot be undone**, and backups made before "
        "keep the name."
    )
    typed = st.text_input("Type the name to confirm", key=f"erase-{person.id}")
    if not st.button("Erase the name for good", type="primary", disabled=typed != person.name):
        return
    left: list[str] = []
    with st.spinner("Erasing"):
        done = ui.attempt(lambda: left.extend(_erase(person)), done="The name is erased")
    if done and not left:
        st.rerun()
    for sentence in left:
        st.warning(formats.escape(sentence), icon=":material/warning:")


def _erase(person: Person) -> list[str]:
    return erase.erase_developer(engine_of("own"), person.id, actor=ui.actor("admin")).left
