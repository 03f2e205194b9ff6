"""What a reader chooses to look at. All of it stands in the page's address, so that a view can be
linked; what an address asks for and there is not is said, and the usual shown instead."""

from collections.abc import Callable, Sequence
from datetime import date

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import data, formats, kept
from dashboard.periods import FIRST_DAY, LAST_DAY, RANGES, own_dates, own_days
from db.errors import InvalidInput

OWN_DATES = "Own dates"
HELP = (
    "Days are those of your time zone, and today is part of the last 7 and 30 days. Own dates take "
    "any days, the first and the last included. The range stays as you go from page to page."
)


def choose_range(
    default: str,
    on_change: Callable[[], None] | None = None,
    *,
    below: DeltaGenerator | None = None,
) -> str:
    """The range, as `dashboard.periods` knows it. `on_change` is done where another is chosen;
    `below` is where it says what is wrong."""
    names = [*RANGES.values(), OWN_DATES]
    problem = _unknown_range(names)
    if {"from", "to"} & set(st.query_params) and not _chosen("range"):
        st.session_state["range"] = OWN_DATES
    asked = {end: st.query_params.get(end) for end in ("from", "to")}
    chosen = default
    with st.container(horizontal=True, width="content"):
        name = st.selectbox(
            "Range",
            names,
            index=names.index(RANGES[default]),
            key="range",
            bind="query-params",
            help=HELP,
            on_change=on_change,
            width=160,
        )
        days = _choose_days(asked, on_change) if name == OWN_DATES else None
    if name != RANGES[default] or kept.has("range"):
        _keep(name, days)
    if name != OWN_DATES:
        chosen = list(RANGES)[names.index(name)]
    elif days is not None:
        try:
            chosen = own_dates(*_complete(days, asked), data.today(data.timezone()))
        except InvalidInput as error:
            problem = error.message
    if problem:
        instead = RANGES[chosen].lower()
        (st if below is None else below).warning(
            formats.escape(f"{problem} Shown instead: {instead}."), icon=":material/warning:"
        )
    return chosen


def look_at(span: str) -> None:
    """Have the range control choose this one of `RANGES`; before it is drawn."""
    st.session_state["range"] = RANGES[span]


def choose_one(
    label: str,
    names: Sequence[str],
    *,
    key: str,
    below: DeltaGenerator,
    on_change: Callable[[], None] | None = None,
    width: int | None = None,
    stays: bool = False,
) -> str:
    """One of the names, the first of which is the usual. `below` is where it says what is wrong;
    `stays`: it holds as the reader goes from page to page."""
    asked = st.query_params.get(key)
    chosen = st.selectbox(
        label,
        names,
        key=key,
        bind="query-params",
        on_change=on_change,
        width=width or "stretch",
    )
    if stays:
        kept.keep(key, None if chosen == names[0] else chosen)
    if asked and asked not in names:
        said = f"There is no {label.lower()} named “{asked}”. Shown instead: {chosen.lower()}."
        below.warning(formats.escape(said), icon=":material/warning:")
    return chosen


def parameters(span: str) -> dict[str, str]:
    """The part of a page's address that chooses this range."""
    days = own_days(span)
    if days is None:
        return {"range": RANGES[span]}
    return {"range": OWN_DATES, "from": str(days[0]), "to": str(days[1])}


def _keep(name: str, days: dict[str, date | None] | None) -> None:
    kept.keep("range", name)
    for key in ("from", "to"):
        day = (days or {}).get(key)
        kept.keep(key, None if day is None else str(day))


def _chosen(key: str) -> bool:
    return key in st.query_params or key in st.session_state


def _unknown_range(names: list[str]) -> str | None:
    asked = st.query_params.get("range")
    return f"There is no range named “{asked}”." if asked and asked not in names else None


def _choose_days(
    asked: dict[str, str | None], on_change: Callable[[], None] | None
) -> dict[str, date | None]:
    """The first day and the last. They have no default, so that a link always has both."""
    if not any(map(_chosen, asked)):
        today = data.today(data.timezone())
        st.session_state["from"], st.session_state["to"] = today.replace(day=1), today
    return {
        key: st.date_input(
            label,
            None,
            FIRST_DAY,
            LAST_DAY,
            key=key,
            bind="query-params",
            format="YYYY-MM-DD",
            width=145,
            on_change=on_change,
        )
        for key, label in (("from", "From"), ("to", "To"))
    }


def _complete(days: dict[str, date | None], asked: dict[str, str | None]) -> tuple[date, date]:
    """Both days. InvalidInput: one is not chosen, or not a day."""
    first, last = days["from"], days["to"]
    if first is not None and last is not None:
        return first, last
    for key, day in days.items():
        text = asked[key]
        if day is None and text:
            raise InvalidInput(key, f"“{text}” is not a day: write it as {FIRST_DAY}.")
    which = "first" if first is None else "last"
    raise InvalidInput("from", f"Choose the {which} day too.")
