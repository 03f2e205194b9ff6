"""Where in the list of requests a reader is. The address holds the row that the page goes on from,
so a page can be linked, and stays the same while new requests come in."""

import re

import pandas as pd
import streamlit as st

from dashboard import formats
from db.ids import id_from_text, id_to_text

Place = tuple[int, int]  # a row's (started_at, id)
_DIRECTIONS = ("before", "after")
_PLACE = re.compile(r"(\d{1,15})-([0-7][0-9a-f]{15})")


def to_text(place: Place) -> str:
    return f"{place[0]}-{id_to_text(place[1])}"


def from_text(text: str) -> Place | None:
    """None: the text is no place in the list."""
    found = _PLACE.fullmatch(text)
    return (int(found[1]), id_from_text(found[2])) if found else None


def place() -> tuple[Place | None, Place | None]:
    """The row that the page ends before, and the row that it comes after: one of them, or none for
    the newest page. What the address has instead of a row is said."""
    found: dict[str, Place | None] = {}
    for direction in _DIRECTIONS:
        text = st.query_params.get(direction)
        found[direction] = from_text(text) if text else None
        if text and found[direction] is None:
            del st.query_params[direction]
            st.warning(
                formats.escape(f"“{text}” is no place in the list. Shown instead: the newest."),
                icon=":material/warning:",
            )
    return found["before"], found["after"]


def to_newest() -> None:
    """Also where something else is looked for, since the place may not be in that list."""
    for direction in _DIRECTIONS:
        st.query_params.pop(direction, None)


def _go(direction: str, row: "pd.Series[int]") -> None:
    to_newest()
    st.query_params[direction] = to_text((int(row["started_at"]), int(row["id"])))


def buttons(rows: pd.DataFrame, *, newer: bool, older: bool) -> None:
    """To the pages beside this one."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Newest", icon=":material/first_page:", disabled=not newer, on_click=to_newest)
        st.button(
            "Newer",
            icon=":material/chevron_left:",
            disabled=not newer,
            on_click=_go,
            args=("after", rows.iloc[0]),
        )
        st.button(
            "Older",
            icon=":material/chevron_right:",
            disabled=not older,
            on_click=_go,
            args=("before", rows.iloc[-1]),
        )
        st.button("Refresh", icon=":material/refresh:")
        st.caption("Select a row to see its detail.")
