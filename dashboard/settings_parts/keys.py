"""Keys: all of them, also those that were revoked, and what each may use."""

import streamlit as st

from dashboard import data
from dashboard.key_list import list_keys
from dashboard.limits_form import edit_limits


def draw() -> None:
    st.markdown("New keys are made on **Connect**, where the text to paste stands beside them.")
    revoked = st.toggle("Show revoked keys too")
    chosen = list_keys(data.all_keys(revoked=revoked))
    if chosen is not None:
        edit_limits(data.limits_of_key(chosen))
