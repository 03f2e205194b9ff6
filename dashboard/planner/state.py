"""Which scenario this reader has open, and what it has become. It outlives a visit of the page."""

from dataclasses import dataclass

import streamlit as st

from dashboard.costs.scenario import Scenario
from dashboard.planner import links
from dashboard.planner.inputs import Inputs

FOUNDING, NOW, GIVEN = "founding", "now", "given"
SAVED = "saved:"
AN_INPUT = "developers"  # one that the form always has
_KEY = "planner"
_LINK = "planner-link"


@dataclass(slots=True)
class Opened:
    """`which` names where it is from: one of the above, or `SAVED` and its name; `original` is what
    was there. The form starts from `base`, and says `edited` now. `loading` counts what was opened
    before."""

    which: str
    original: Scenario
    base: Scenario
    edited: Scenario
    loading: int

    @property
    def changed(self) -> bool:
        return self.original != self.edited


def opened() -> Opened:
    """What `arrive` or the reader has opened."""
    found: Opened = st.session_state[_KEY]
    return found


def open_scenario(which: str, scenario: Scenario) -> None:
    before: Opened | None = st.session_state.get(_KEY)
    loading = before.loading + 1 if before else 0
    st.session_state[_KEY] = Opened(which, scenario, scenario, scenario, loading)


def arrive(first: Scenario) -> str | None:
    """At each run: open what the address holds, or `first` where nothing is open yet. Says what is
    wrong with the address."""
    problem = None
    link = st.query_params.get(links.PARAMETER)
    if link is not None and link != st.session_state.get(_LINK):
        st.session_state[_LINK] = link
        try:
            open_scenario(GIVEN, links.decode(link))
        except links.BadLinkError as error:
            problem = str(error)
    if _KEY not in st.session_state:
        open_scenario(NOW, first)
    now = opened()
    if Inputs(now.loading).key(AN_INPUT) not in st.session_state:
        now.base = now.edited  # Streamlit forgets inputs while another page is visited
    return problem
