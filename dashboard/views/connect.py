"""Connect: a key for a developer's tool, and what to paste into it."""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from dashboard import data, formats, snippets, ui
from dashboard.key_list import list_keys
from dashboard.ledgers import engine_of
from dashboard.limits_view import show_limits
from dashboard.served import served_models
from dashboard.snippet_tabs import show_snippets
from db import keys, people
from engine.api.service import Served

NO_DEVELOPER = (
    "Keys are developers', and your account belongs to none. An admin can link it to one in "
    "Settings → Accounts."
)


def make_key() -> None:
    """The form. The new key's text is remembered for this visit of the page alone."""
    everybody = data.key_owners()
    if not everybody and not data.viewer().is_at_least("admin"):
        st.info(NO_DEVELOPER, icon=":material/key_off:")
        return
    with st.form("new-key", border=True):
        st.markdown(
            "**1. Make a key.** One for each developer and tool, so that each can be revoked."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            developer = (
                st.selectbox("Developer", everybody, format_func=lambda person: person.name)
                if everybody
                else st.text_input("Developer's name", placeholder="Ada")
            )
            tool = st.text_input("Tool", placeholder="Continue in VS Code")
            last_day = st.date_input(
                "Last day (optional)",
                None,
                help="The key works until the end of this day, in your time zone. Empty: until it "
                "is revoked.",
                width=180,
            )
        if st.form_submit_button("Make the key", type="primary", icon=":material/key:"):
            ui.attempt(lambda: _create(developer, tool, last_day))


def _create(developer: people.Person | str | None, tool: str, last_day: date | None) -> None:
    engine = engine_of("own")
    if isinstance(developer, str) or developer is None:
        developer = people.add_developer(engine, developer or "", actor=ui.actor("admin"))
    key, plaintext = keys.create_key(
        engine,
        developer.id,
        tool,
        actor=ui.key_actor(developer.id),
        expires_at=_end_of(last_day),
    )
    st.session_state["made-key"] = (f"{key.developer_name}, {key.name}", plaintext)
    st.rerun()


def _end_of(day: date | None) -> int | None:
    """When a day of the reader's ends, in UTC epoch milliseconds."""
    if day is None:
        return None
    midnight = datetime.combine(day + timedelta(days=1), time(), data.timezone())
    return int(midnight.astimezone(UTC).timestamp() * 1000)


def show_key() -> str | None:
    """The key that was just made, to be copied now."""
    made = st.session_state.get("made-key")
    if made is None:
        return None
    owner, plaintext = made
    ui.show_once(
        "made-key",
        f"Key for {formats.escape(owner)}. Copy it now: it is shown this once and kept only as a "
        "hash.",
        plaintext,
    )
    return str(plaintext)


def choose_model() -> Served | None:
    """The model that the snippets name."""
    models = served_models()
    if not models:
        st.caption(
            f"No model is served yet: put its name in the place of `{snippets.MODEL_PLACE}`."
        )
        return None
    if len(models) == 1:
        return models[0]
    return st.selectbox("Model", models, format_func=lambda model: model.name, width=380)


def show_allowance(key: keys.Key) -> None:
    """What a key and its developer may use, side by side."""
    owner = data.limits_of_key(key)
    person = people.get_developer(engine_of("own"), key.developer_id)
    with st.grid(2, min_column_width=400):
        with st.container(border=True):
            st.markdown(f"**This key, for {formats.escape(key.name)}**")
            show_limits(owner)
        if person is not None:
            with st.container(border=True):
                st.markdown(f"**{formats.escape(person.name)}, all keys and the chat together**")
                show_limits(data.limits_of_developer(person))


ui.begin(
    "Connect",
    "Point any tool that speaks OpenAI's or Anthropic's API at this server.",
    always_own_ledger=True,
)
fallback = f"http://localhost:{st.get_option('server.port')}"
make_key()
key = show_key()
st.subheader("2. Paste it into your tool", anchor=False)
show_snippets(
    snippets.base_url(st.context.url, fallback), key or snippets.KEY_PLACE, choose_model()
)
st.subheader("Keys", anchor=False)
chosen = list_keys(data.changeable_keys())
if chosen is not None:
    show_allowance(chosen)
