"""Keys: all of them, also those that were revoked."""

import streamlit as st

from dashboard import data
from dashboard.key_list import list_keys


def draw() -> None:
    st.markdown("New keys are made on **Connect**, where the text to paste stands beside them.")
    revoked = st.toggle("Show revoked keys too")
    list_keys(data.keys_of(revoked=revoked))
