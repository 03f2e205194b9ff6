"""The admin's password: needed to serve others than this machine."""

import streamlit as st

from dashboard import ui
from dashboard.ledgers import engine_of
from db.accounts import (
    SHORTEST_PASSWORD,
    has_admin_password,
    set_admin_password,
    verify_admin_password,
)
from db.errors import InvalidInput


def draw() -> None:
    known = has_admin_password(engine_of("own"))
    st.markdown(
        "A password is set. Changing it signs everybody out."
        if known
        else "No password is set. One is needed before the server may listen beyond localhost."
    )
    with st.form("password", border=True, clear_on_submit=True):
        old = st.text_input("Present password", type="password") if known else ""
        new = st.text_input(
            "New password", type="password", help=f"{SHORTEST_PASSWORD} letters or more"
        )
        again = st.text_input("New password again", type="password")
        if st.form_submit_button("Set the password", type="primary"):
            ui.attempt(lambda: _set(known, old, new, again), done="The password is set")


def _set(known: bool, old: str, new: str, again: str) -> None:
    engine = engine_of("own")
    if known and not verify_admin_password(engine, old):
        raise InvalidInput("password", "The present password is another one.")
    if new != again:
        raise InvalidInput("password", "The two new passwords differ.")
    set_admin_password(engine, new, actor=ui.ACTOR)
