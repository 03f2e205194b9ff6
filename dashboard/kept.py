"""The shared filter on its way from page to page: what the reader chose on one holds on the next.

A page's address and controls are its own. So what was chosen is kept beside them, and put into both
at the next page's top, before its controls are drawn.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

import streamlit as st
from streamlit.errors import StreamlitAPIException

_RANGE = ("range", "from", "to")
FILTER = (*_RANGE, "team", "model", "engine")
RULE = "idle"  # not of which rows, but how their cost is shared: it stays, whatever a link asks
_PAGES = {  # what each of them has
    "Overview": (*FILTER, RULE),
    "Team": (*FILTER, RULE),
    "My usage": (*FILTER, RULE),
    "Requests": FILTER,
    "Energy": FILTER,
    "Alternatives": _RANGE,
}
_ONCE = ("developer", "status", "find")  # only where a link says so
_KEPT, _COMING, _PAGE = "kept-filter", "coming-filter", "page-of-filter"


def keep(key: str, value: str | None) -> None:
    """A choice in force; None: the usual."""
    st.session_state.setdefault(_KEPT, {})[key] = value


def has(key: str) -> bool:
    """Whether something was chosen, here or on a page before."""
    return st.session_state.get(_KEPT, {}).get(key) is not None


def forget(*keys: str) -> None:
    for key in keys:
        st.session_state.get(_KEPT, {}).pop(key, None)
        st.session_state.pop(key, None)


def come_with(asked: Mapping[str, str]) -> None:
    """The next page opens with this, whatever was chosen before."""
    st.session_state[_COMING] = dict(asked)


def arrive(page: str) -> None:
    """At a page's top. An address with a filter of its own is a link, and holds."""
    coming = st.session_state.pop(_COMING, None)
    is_new = st.session_state.get(_PAGE) != page
    st.session_state[_PAGE] = page
    found: dict[str, str | None] = st.session_state.get(_KEPT, {})
    keys = _PAGES.get(page, ())
    if coming is not None:
        for key in {*FILTER, *_ONCE} - set(coming):
            st.session_state.pop(key, None)
        _choose(coming)
        keys = tuple(key for key in keys if key == RULE)
    elif not is_new or {*FILTER, RULE} & set(st.query_params):
        return
    _choose({key: found.get(key) for key in keys})


def _choose(asked: Mapping[str, str | None]) -> None:
    for key, value in asked.items():
        if value is None:
            continue
        st.session_state[key] = date.fromisoformat(value) if key in ("from", "to") else value
        with suppress(StreamlitAPIException):  # a control has it already, and writes it by itself
            st.query_params[key] = value
