"""What to paste, tool by tool, and whether the tool's requests fit into the model's context."""

import streamlit as st

from dashboard import formats, snippets
from engine.api.service import Served

# What a tool's first request takes, in tokens: its instructions and its tools' descriptions.
CLAUDE_CODE_TAKES = 20_000
CODEX_TAKES = 10_000
OPENCODE_TAKES = 8_000
CLAUDE_CODE_EXPECTS = 200_000  # the context of a model that it does not know


def show_snippets(url: str, key: str, served: Served | None) -> None:
    """`served` None: no model is known yet."""
    model = served.name if served else snippets.MODEL_PLACE
    st.markdown(f"The address is `{url}`, the model is `{model}`.")
    if key == snippets.KEY_PLACE:
        st.caption(f"Put your own key in the place of {snippets.KEY_PLACE}.")
    names = ["Claude Code", "Codex", "opencode", "Continue", "Cline", "Python", "curl"]
    claude_code, codex, opencode, cont, cline, python, curl = st.tabs(names)
    with claude_code:
        _claude_code(url, key, model, served)
    with codex:
        _codex(url, key, model, served)
    with opencode:
        _fits("opencode", OPENCODE_TAKES, served)
        context = served.context_length if served else None
        st.code(snippets.opencode_json(url, key, model, context), language="json")
        st.caption("Put this into `opencode.json` in the project.")
    with cont:
        st.code(snippets.continue_yaml(url, key, model), language="yaml")
        st.caption("Put this into `~/.continue/config.yaml` (VS Code and JetBrains), then reload.")
    with cline:
        st.code(snippets.cline(url, key, model), language=None)
        st.caption("Fill these fields in Cline's settings. Other editors ask for the same four.")
    with python:
        st.code(snippets.python(url, key, model), language="python")
        st.caption("Any OpenAI client works: set its base URL and key. So does Anthropic's:")
        st.code(snippets.anthropic_python(url, key, model), language="python")
    with curl:
        st.code(snippets.curl(url, key, model), language="bash", wrap_lines=True)
    st.subheader("3. Test it", anchor=False)
    st.code(snippets.models_check(url, key), language="bash", wrap_lines=True)
    st.caption(
        "This lists the models and computes nothing. After the first real request the tool shows "
        "up under **Requests** within seconds, and its key below says when it was last used."
    )


def _claude_code(url: str, key: str, model: str, served: Served | None) -> None:
    fits = _fits("Claude Code", CLAUDE_CODE_TAKES, served)
    st.code(snippets.claude_code(url, key, model), language="bash")
    if fits and served and (served.context_length or 0) < CLAUDE_CODE_EXPECTS:
        st.caption(
            f"It expects a context of {CLAUDE_CODE_EXPECTS:,} tokens from a model that it does not "
            "know. With a smaller one, run `/compact` in good time."
        )


def _codex(url: str, key: str, model: str, served: Served | None) -> None:
    _fits("Codex", CODEX_TAKES, served)
    context = served.context_length if served else None
    st.code(snippets.codex_toml(url, model, context), language="toml")
    st.caption("Put this into `~/.codex/config.toml`, then start it with the key:")
    st.code(snippets.codex_key(key), language="bash")


def _fits(tool: str, takes: int, served: Served | None) -> bool:
    """Say whether a tool's first request has room in the model's context; False: it has none."""
    context = served.context_length if served else None
    if context is not None and context <= takes:
        st.warning(
            f"{tool} cannot work with this model: its first request alone takes some {takes:,} "
            f"tokens, and the model's context is {context:,}. Serve one with a larger context.",
            icon=":material/warning:",
        )
        return False
    room = "" if context is None else f" of the model's {context:,}"
    st.caption(formats.escape(f"Its first request alone takes some {takes:,} tokens{room}."))
    return True
