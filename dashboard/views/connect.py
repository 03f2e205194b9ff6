"""Connect: a key for a developer's tool, and what to paste into it."""

import streamlit as st

from dashboard import data, formats, snippets, ui
from dashboard.key_list import list_keys
from dashboard.ledgers import engine_of
from db import keys, people
from engine.api import current
from engine.api.embedded import served_name


def make_key() -> None:
    """The form. The new key's text is remembered for this visit of the page alone."""
    everybody = data.developers("own")
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
        if st.form_submit_button("Make the key", type="primary", icon=":material/key:"):
            ui.attempt(lambda: _create(developer, tool))


def _create(developer: people.Person | str | None, tool: str) -> None:
    engine = engine_of("own")
    if isinstance(developer, str) or developer is None:
        developer = people.add_developer(engine, developer or "", actor=ui.ACTOR)
    key, plaintext = keys.create_key(engine, developer.id, tool, actor=ui.ACTOR)
    st.session_state["made-key"] = (f"{key.developer_name}, {key.name}", plaintext)
    st.rerun()


def show_key() -> str | None:
    """The key that was just made, to be copied now."""
    made = st.session_state.get("made-key")
    if made is None:
        return None
    owner, plaintext = made
    with st.container(border=True):
        st.success(
            f"Key for {formats.escape(owner)}. Copy it now: it is shown this once and kept only "
            "as a hash.",
            icon=":material/key:",
        )
        st.code(plaintext, language=None)
        st.button("I have copied it", on_click=forget_key, icon=":material/check:")
    return str(plaintext)


def forget_key() -> None:
    st.session_state.pop("made-key", None)


def show_snippets(url: str, key: str, model: str) -> None:
    st.subheader("2. Paste it into your tool", anchor=False)
    st.markdown(f"The address is `{url}`, the model is `{model}`.")
    if key == snippets.KEY_PLACE:
        st.caption(f"Put your own key in the place of {snippets.KEY_PLACE}.")
    curl, python, cont, cline = st.tabs(["curl", "Python", "Continue", "Cline"])
    with curl:
        st.code(snippets.curl(url, key, model), language="bash", wrap_lines=True)
    with python:
        st.code(snippets.python(url, key, model), language="python")
        st.caption("Any OpenAI client works: set its base URL and key.")
    with cont:
        st.code(snippets.continue_yaml(url, key, model), language="yaml")
        st.caption("Put this into `~/.continue/config.yaml` (VS Code and JetBrains), then reload.")
    with cline:
        st.code(snippets.cline(url, key, model), language=None)
        st.caption("Fill these fields in Cline's settings. Other editors ask for the same four.")
    st.subheader("3. Test it", anchor=False)
    st.code(snippets.models_check(url, key), language="bash", wrap_lines=True)
    st.caption(
        "This lists the model and computes nothing. After the first real request the tool shows up "
        "under **Requests** within seconds, and its key below says when it was last used."
    )


ui.begin("Connect", "Point any OpenAI-compatible tool at this server.", always_own_ledger=True)
model = current.get().model
fallback = f"http://localhost:{st.get_option('server.port')}"
make_key()
key = show_key()
show_snippets(
    snippets.base_url(st.context.url, fallback),
    key or snippets.KEY_PLACE,
    served_name(model) if model else "the-model-is-loading",
)
st.subheader("Keys", anchor=False)
list_keys(data.keys_of())
