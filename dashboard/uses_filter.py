"""Of which team, model and engine a page tells the use. The choice stands in the page's address by
the same names everywhere, and stays as the reader goes from page to page."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import filter_names, filters, formats
from dashboard.labels import ANY_ENGINE, ANY_MODEL, EVERY_TEAM, label_of
from db.uses import EVERY_USE, Uses

USUAL = {"team": EVERY_TEAM, "model": ANY_MODEL, "engine": ANY_ENGINE}
WIDTH = 165


def choose_view(default: str, ledger: str, *, with_team: bool = True) -> tuple[str, Uses]:
    """The range and, beside it, whose use: the filter that pages share."""
    row, below = st.container(horizontal=True, vertical_alignment="bottom"), st.container()
    with row:
        span = filters.choose_range(default, below=below)
        uses = choose(ledger, below, with_team=with_team)
    return span, uses


def choose(
    ledger: str,
    below: DeltaGenerator,
    on_change: Callable[[], None] | None = None,
    *,
    with_team: bool = True,
) -> Uses:
    """The three controls. `below` is where they say what is wrong. `with_team` False: the page has
    a control of its own for it."""
    named = {"model": filter_names.models(ledger), "engine": filter_names.engines(ledger)}
    team_id = None
    if with_team:
        teams = filter_names.teams(ledger)
        team_id = teams.get(_choose("team", list(teams), below, on_change))
    model, engine = (
        found.get(_choose(key, list(found), below, on_change)) for key, found in named.items()
    )
    return Uses(team_id, model, engine)


def _choose(
    key: str, names: list[str], below: DeltaGenerator, on_change: Callable[[], None] | None
) -> str:
    return filters.choose_one(
        key.capitalize(),
        [USUAL[key], *names],
        key=key,
        on_change=on_change,
        below=below,
        width=WIDTH,
        stays=True,
    )


def words(ledger: str, uses: Uses) -> str:
    """`team Search, model small`; empty: of any."""
    chosen = (
        ("team", label_of(filter_names.teams(ledger), uses.team_id)),
        ("model", uses.model),
        ("engine", label_of(filter_names.engines(ledger), uses.engine)),
    )
    return ", ".join(f"{name} {value}" for name, value in chosen if value is not None)


def of(ledger: str, uses: Uses) -> str:
    """` of team Search, model small`, as a page's sentence goes on; empty: of any."""
    chosen = words(ledger, uses)
    return f" of {chosen}" if chosen else ""


def say(ledger: str, uses: Uses, told: str) -> None:
    """Which of a page's figures the filter is of, where there is one: `told` goes on after it."""
    if uses != EVERY_USE:
        whose = formats.escape(words(ledger, uses))
        st.caption(f":material/filter_alt: Of {whose} alone: {formats.escape(told)}")


def parameters(ledger: str, uses: Uses) -> dict[str, str]:
    """The part of a page's address that chooses this."""
    found = {
        "team": label_of(filter_names.teams(ledger), uses.team_id),
        "model": label_of(filter_names.models(ledger), uses.model),
        "engine": label_of(filter_names.engines(ledger), uses.engine),
    }
    return {key: label for key, label in found.items() if label is not None}
