"""The tool's name that a row keeps."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from engine.api.clients import client_name


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("OpenAI/Python 3.54.0", "openai-python"),
        ("AsyncOpenAI/Python 3.54.0", "openai-python"),
        ("OpenAI/JS 5.1.0", "openai-node"),
        ("curl/8.5.0", "curl"),
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101", "browser"),
        ("my-tool/1.0 (secret stuff)", "my-tool"),
        ("<script>alert(1)</script>", None),
        ("", None),
    ],
)
def test_a_user_agent_becomes_a_short_name(user_agent: str, name: str | None) -> None:
    assert client_name(Headers({"user-agent": user_agent})) == name


def test_a_title_set_by_the_tool_counts_more() -> None:
    headers = Headers({"x-title": "Cline", "user-agent": "OpenAI/JS 5.1.0"})
    assert client_name(headers) == "cline"


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=400))
def test_whatever_is_sent_the_name_is_short_and_plain(text: str) -> None:
    name = client_name(Headers({"user-agent": text}))
    assert name is None or (len(name) <= 40 and name.isascii() and name.isprintable())
