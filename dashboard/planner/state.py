"""Which scenario this reader has open, and what it has become. It outlives a visit of the page."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import streamlit as st

from dashboard.costs.electricity.loads import Load
from dashboard.costs.ownership.assets import Asset
from dashboard.costs.scenario import Scenario
from dashboard.planner import links
from dashboard.planner.inputs import Inputs

FOUNDING, NOW, GIVEN = "founding", "now", "given"
SAVED = "saved:"
AN_INPUT = "start"  # one that the form always has
Part = Literal["assets", "loads"]
_KEY = "planner"
_LINK = "planner-link"


@dataclass(slots=True)
class Opened:
    """`which` names where it is from: one of the above, or `SAVED` and its name; `original` is what
    was there. The form starts from `base`, and says `edited` now. `loading` counts what was opened
    before. `ids` number the hardware and the loads of `base`, so that each keeps its inputs
    whatever is removed before it. `first_day` is the scenario's, as the form showed it last."""

    which: str
    original: Scenario
    base: Scenario
    edited: Scenario
    loading: int
    ids: dict[Part, list[int]] = field(init=False)
    numbered: int = field(init=False)
    first_day: date = field(init=False)

    def __post_init__(self) -> None:
        self._number()

    def restart(self) -> None:
        """With fresh inputs that start from what was edited."""
        self.base = self.edited
        self.loading += 1
        self._number()

    def add(self, part: Part, one: Asset | Load) -> None:
        self.base = self.base.model_copy(update={part: (*getattr(self.base, part), one)})
        self.ids[part].append(self.numbered)
        self.numbered += 1

    def remove(self, part: Part, number: int) -> None:
        """The one with this id; nothing where it is gone already."""
        if number not in self.ids[part]:
            return
        place = self.ids[part].index(number)
        kept = [one for at, one in enumerate(getattr(self.base, part)) if at != place]
        self.base = self.base.model_copy(update={part: tuple(kept)})
        self.ids[part].remove(number)

    def _number(self) -> None:
        assets, loads = len(self.base.assets), len(self.base.loads)
        self.ids = {"assets": list(range(assets)), "loads": list(range(loads))}
        self.numbered = max(assets, loads)
        self.first_day = self.base.start

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
        now.restart()  # Streamlit forgets inputs while another page is visited
    return problem
