"""Parts that every page shares: the door, the sample's banner, the engine's progress, charts."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import access, data, formats, kept, pages
from dashboard.charts import Chart
from dashboard.costs.models import IdleRule
from dashboard.gate import PASSWORD, SIGN_IN, SIGN_OUT
from dashboard.idle_rules import IDLE_RULES
from dashboard.reports.csv_text import frame_csv
from dashboard.viewer import NotAllowed, Viewer
from db.errors import InvalidInput, LedgerUnavailable
from db.schema import Role
from engine.api import current

ENGINE_POLL_S = 1.0
LEDGER_POLL_S = 5.0
MOST_IN_SIGHT = 15  # rows of a table; of a longer one some are scrolled to


def require_sign_in() -> Viewer:
    """Who reads this page; it stops here where nothing may be shown to them."""
    viewer = access.page_viewer()
    if viewer is None:
        st.warning("You are signed out.")
        st.link_button("Sign in", SIGN_IN)
        st.stop()
    return viewer


def actor(least: Role = "developer") -> str:
    """The reader's name, for the audit trail of what they change. NotAllowed where they are, at
    this very moment, not at least this; so ask when it is changed, not when the page is drawn."""
    viewer = access.page_viewer()
    if viewer is None:
        raise NotAllowed("You are signed out.")
    viewer.require(least)
    return viewer.name


def locked(least: Role = "admin") -> bool:
    """Whether a button is out of the reader's reach. It is for the eye: `actor` refuses."""
    return not data.viewer().is_at_least(least)


def key_actor(developer_id: int) -> str:
    """The same, for who makes or revokes a developer's key."""
    viewer = access.page_viewer()
    if viewer is None or not viewer.may_change_keys_of(developer_id):
        raise NotAllowed("You may make and revoke your own keys only.")
    return viewer.name


def begin(title: str, caption: str, *, always_own_ledger: bool = False) -> Viewer:
    """A page's top: its title, and which ledger it shows. It stops where its reader's role may not
    see the page: its address alone is never enough."""
    viewer = require_sign_in()
    try:
        viewer.require(pages.least_role(title))
    except NotAllowed as error:
        st.warning(error.message, icon=":material/lock:")
        st.stop()
    kept.arrive(title)
    st.title(title, anchor=False)
    st.caption(caption)
    if data.chosen_ledger() == "sample":
        _sample_banner(always_own_ledger)
    return viewer


def choose_idle_rule() -> IdleRule:
    """How idle time is shared. The address carries the rule's name; it stays from page to page."""
    names = list(IDLE_RULES.values())
    chosen = st.segmented_control(
        "Idle time is shared",
        names,
        default=IDLE_RULES["by_use"],
        required=True,
        key=kept.RULE,
        bind="query-params",
        help="By use and evenly, developers carry all of the cost; with an overhead row, what was "
        "idle stands apart. The three add up to the same.",
    )
    kept.keep(kept.RULE, None if chosen == IDLE_RULES["by_use"] else chosen)
    return list(IDLE_RULES)[names.index(chosen)]


def sidebar(viewer: Viewer) -> None:
    """Who is signed in. Plain links, so that they open in this tab."""
    if viewer.account_id is None:
        return
    with st.sidebar:
        st.caption(f"{formats.escape(viewer.name)}, {viewer.role}")
        st.html(
            f'<small><a href="{PASSWORD}" style="color: inherit">Change password</a> · '
            f'<a href="{SIGN_OUT}" style="color: inherit">Sign out</a></small>'
        )


@st.fragment(run_every=LEDGER_POLL_S)
def ledger_notice() -> None:
    """On every page, while the ledger cannot be written; nothing while it can."""
    health = current.get().ledger.health()
    if health.state == "unavailable":
        st.error(
            f"{formats.escape(health.message or '')} Until then new requests are refused. It is "
            "tried again by itself every second, and what was being answered is written then.",
            icon=":material/error:",
        )


def engine_notice() -> None:
    """While there is no engine yet, how far it is, on every page; nothing once it is ready."""
    service = current.get()
    if service.state.name in ("ready", "stopped"):
        return
    if service.computes_here or service.upstreams:
        _engine_progress()
    else:
        st.warning(
            "Nothing answers here: `BREAKEVEN_MODEL` is `none` and there are no upstreams. Start "
            "the server with `BREAKEVEN_UPSTREAMS`, or without `BREAKEVEN_MODEL`.",
            icon=":material/warning:",
        )


@st.fragment(run_every=ENGINE_POLL_S)
def _engine_progress() -> None:
    service = current.get()
    state = service.state
    if state.name == "ready":
        st.rerun()
    elif state.name == "fetching":
        size = state.size or 0
        share = min((state.fetched or 0) / size, 1.0) if size else 0.0
        st.progress(
            share,
            text="First start: fetching the model's weights, "
            f"{formats.size(state.fetched or 0)} of {formats.size(size)}. "
            "Pages work meanwhile; answers come when it is done.",
        )
    elif state.name == "failed":
        what, often = "", "every few seconds"
        if service.computes_here:
            what, often = "The engine is not available. ", "every half minute"
        st.error(
            f"{what}{formats.escape(state.message or '')} "
            f"It is tried again by itself {often}; nothing on the ledger is lost.",
            icon=":material/error:",
        )
    else:
        st.info(
            formats.escape(state.message or "The model is being loaded."),
            icon=":material/hourglass_top:",
        )


def _sample_banner(always_own_ledger: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.warning(
            "**Sample data** is open on the other pages. This page works on your own ledger."
            if always_own_ledger
            else "**Sample data.** You are looking at a made-up team: nothing here was computed on "
            "this machine.",
            icon=":material/science:",
        )
        st.button(
            "Back to your own ledger", on_click=data.close_sample, icon=":material/arrow_back:"
        )


def show(chart: Chart, key: str, *, file_name: str | None = None, about: str | None = None) -> None:
    """A chart with its accessible name, what its words mean (`about`), and the figures behind it
    one click away; as a CSV file too, where that has a name."""
    with st.container(border=True):
        st.markdown(f"**{formats.escape(chart.title)}**", help=about)
        st.plotly_chart(chart.figure, key=key, alt=chart.alt, config={"displaylogo": False})
        with st.expander("Show as a table", key=f"{key}-table", type="compact"):
            table(chart.table, f"{key}-csv", file_name)


def table(frame: pd.DataFrame, key: str, file_name: str | None = None) -> None:
    """Rows to read, and to take along where the file has a name."""
    st.dataframe(
        frame, hide_index=True, height="content" if len(frame) <= MOST_IN_SIGHT else "auto"
    )
    if file_name:
        st.download_button(
            "Download as CSV",
            frame_csv(frame),
            file_name,
            "text/csv",
            key=key,
            icon=":material/download:",
            type="tertiary",
            on_click="ignore",
        )


def fact_table(facts: Mapping[str, object]) -> None:
    """Names and values, all of them in sight."""
    rows = {"What": list(facts), "Value": [str(value) for value in facts.values()]}
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        column_config={"What": st.column_config.TextColumn(width="small")},
    )


def attempt(action: Callable[[], Any], *, done: str | None = None) -> bool:
    """Do it; where it cannot be done say why, right here. True: it was done."""
    try:
        action()
    except (InvalidInput, LedgerUnavailable) as error:
        message = error.message if isinstance(error, InvalidInput) else str(error)
        st.error(formats.escape(message), icon=":material/error:")
        return False
    if done:
        st.toast(formats.escape(done), icon=":material/check:")
    return True


def confirm(title: str, question: str, verb: str, action: Callable[[], Any]) -> None:
    """Open a dialog that asks before something that cannot be taken back."""

    @st.dialog(title)
    def ask() -> None:
        st.markdown(question)
        with st.container(horizontal=True):
            if st.button(verb, type="primary") and attempt(action, done=f"{title}: done"):
                st.rerun()
            if st.button("Cancel"):
                st.rerun()

    ask()


def show_once(state: str, words: str, secret: str) -> None:
    """A secret that was just made, until its reader says that it is copied: then the session's
    `state` is forgotten. `words` are markdown."""
    with st.container(border=True):
        st.success(words, icon=":material/key:")
        st.code(secret, language=None)
        st.button("I have copied it", on_click=_forget, args=(state,), icon=":material/check:")


def _forget(state: str) -> None:
    st.session_state.pop(state, None)
