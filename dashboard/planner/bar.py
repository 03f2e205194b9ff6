"""The row above the plan: which scenario is open, and how to keep or pass it on."""

from collections.abc import Mapping

import streamlit as st

from dashboard import formats, ui
from dashboard.costs.scenario import Scenario, to_toml
from dashboard.planner import library, links, state

NAMES = {
    state.NOW: "This team now",
    state.FOUNDING: library.FOUNDING_NAME,
    state.GIVEN: "From a link or a file",
}
FILE_PROBLEM = "planner-file-problem"


def name_of(which: str) -> str:
    """What pages call a scenario that can be opened."""
    return NAMES.get(which, which.removeprefix(state.SAVED))


def choose(known: Mapping[str, Scenario]) -> None:
    """Open another one."""
    now = state.opened()
    which = [*known] if now.which in known else [*known, now.which]
    key = f"planner-{now.loading}-open"
    if st.session_state.get(key) not in which:
        st.session_state[key] = now.which

    def chosen() -> None:
        name = st.session_state[key]
        if name in known:
            state.open_scenario(name, known[name])

    st.selectbox(
        "Scenario",
        which,
        format_func=name_of,
        key=key,
        on_change=chosen,
        width=300,
        help="Two are built in: this team with its prices in force, and the argument that the "
        "product was founded on. Those that somebody saved follow.",
    )


def actions(*, own: bool) -> None:
    """Save, pass on, bring in. Saving works on the own ledger alone."""
    now = state.opened()
    if now.changed:
        st.button(
            "Reset",
            icon=":material/undo:",
            on_click=lambda: state.open_scenario(now.which, now.original),
            help="Back to what was opened.",
        )
    with st.popover("Save", icon=":material/save:", disabled=not own):
        _save(now)
    with st.popover("Copy link", icon=":material/link:"):
        _link(now.edited)
    with st.popover("File", icon=":material/description:"):
        _file(now)
    if own and now.which.startswith(state.SAVED):
        name = name_of(now.which)
        if st.button("Delete", icon=":material/delete:"):
            ui.confirm(
                "Delete the scenario",
                f"Delete **{formats.escape(name)}** for everybody? The audit keeps what it was.",
                "Delete",
                lambda: library.remove(name),
            )


def _save(now: state.Opened) -> None:
    taken = now.which.startswith(state.SAVED)
    with st.form("planner-save", border=False):
        name = st.text_input(
            "Name",
            name_of(now.which) if taken else "",
            max_chars=80,
            placeholder="Eight H200 from spring",
            help="Everybody who sees these pages can open it by this name.",
        ).strip()
        if not st.form_submit_button("Save the scenario", type="primary"):
            return
    if name in NAMES.values():
        st.error("This name is built in: choose another one.", icon=":material/error:")
    elif library.is_taken(name):
        ui.confirm(
            "Replace the scenario",
            f"There is one named **{formats.escape(name)}** already. Replace it?",
            "Replace",
            lambda: library.save(name, now.edited),
        )
    elif ui.attempt(lambda: library.save(name, now.edited), done=f"Saved as {name}"):
        st.rerun()


def _link(scenario: Scenario) -> None:
    try:
        found = links.address(st.context.url or "", scenario)
    except links.BadLinkError as error:
        st.warning(str(error), icon=":material/link_off:")
        return
    st.caption("The whole scenario stands in this link. Whoever opens it needs no saved copy.")
    st.code(found, language=None, wrap_lines=True, height=120)


def _file(now: state.Opened) -> None:
    st.download_button(
        "Download as TOML",
        to_toml(now.edited),
        "scenario.toml",
        "application/toml",
        icon=":material/download:",
        on_click="ignore",
    )
    key = f"planner-{now.loading}-file"

    def uploaded() -> None:
        file = st.session_state[key]
        if file is None:
            return
        try:
            state.open_scenario(state.GIVEN, library.read_file(file.getvalue()))
        except library.UnreadableError as error:
            st.session_state[FILE_PROBLEM] = str(error)

    st.file_uploader(
        "Open a TOML file",
        type=["toml"],
        max_upload_size=1,
        key=key,
        on_change=uploaded,
        help="As it was downloaded here, or written by hand: python -m dashboard.costs tells how.",
    )


def file_problem() -> str | None:
    """What was wrong with the file that was just uploaded; told once."""
    found: str | None = st.session_state.pop(FILE_PROBLEM, None)
    return found
